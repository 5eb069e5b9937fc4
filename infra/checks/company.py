"""The company's own files."""

from collections.abc import Iterator

from infra.checks.parts import Finding, Look, Step
from infra.company import faults

FOLDER = "chalicelib/company"


def files(look: Look) -> Iterator[Finding]:
    """Look at the company's files."""
    for fault in faults(look.target.root / FOLDER):
        yield Finding(Step.COMPANY, f"{fault} ({FOLDER})")

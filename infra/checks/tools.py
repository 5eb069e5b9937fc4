"""The tools on the machine that deploys: the Python, and how long AWS runs it."""

from collections.abc import Iterator

from infra import runtime
from infra.checks.parts import Blocks, Finding, Look, Step


def python(look: Look) -> Iterator[Finding]:
    """Look at the Python that deploys."""
    wanted = runtime.name(runtime.LOCK)
    if look.python != runtime.LOCK:
        yield Finding(
            Step.TOOLS,
            f"the functions run on Python {wanted}, which the lock is for, and this is "
            f"{runtime.name(look.python)}: get {wanted} (`apt install python{wanted}-venv`, "
            f"`brew install python@{wanted}`, `uv python install {wanted}`), then "
            f"`rm -rf .venv && make PYTHON=python{wanted} setup`",
        )


def term(look: Look) -> Iterator[Finding]:
    """Look at the dates on which AWS ends the runtime."""
    wanted, ends = runtime.name(runtime.LOCK), runtime.TERMS[runtime.LOCK]
    following = runtime.name(runtime.following())
    how = (
        f"go to {following}: set LOCK in infra/runtime.py and the version of `make lock`, "
        f"`make lock`, `make test` on {following}"
    )
    if runtime.refuses(runtime.LOCK, look.target.today):
        yield Finding(
            Step.TOOLS,
            f"Lambda takes no update of functions on Python {wanted} from {ends.blocked} on, and "
            f"what is deployed now could not be mended then: {how}",
        )
    elif runtime.warns(runtime.LOCK, look.target.today):
        yield Finding(
            Step.TOOLS,
            f"Lambda ends Python {wanted}: no more patches from {ends.deprecated} on, no more "
            f"updates from {ends.blocked} on: {how}",
            Blocks.NOTHING,
        )

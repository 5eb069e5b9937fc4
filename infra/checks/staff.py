"""The staff's sign-in."""

from collections.abc import Iterator

from infra.checks.parts import Blocks, Finding, Look, Step


def provider(look: Look) -> Iterator[Finding]:
    """Look at whether somebody can sign in to the staff's page."""
    if not (look.target.operations.get("user_pool") or look.environment.get("OIDC_ISSUER")):
        yield Finding(
            Step.STAFF,
            "nobody can sign in to the staff's page: operations needs user_pool, or OIDC_ISSUER a "
            f"provider ({look.where})",
            Blocks.NOTHING,
        )

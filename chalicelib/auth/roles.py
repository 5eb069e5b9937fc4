"""The roles of the staff, and which group of the sign-in provider has which role. Pure."""

from typing import Any, Literal

from chalicelib.errors import NotAllowed

Role = Literal["agent", "supervisor"]


def of_groups(groups: Any, agent_group: str, supervisor_group: str) -> Role:
    """Return the highest role that a token's groups claim gives.

    `groups` is the claim as the provider sends it: a list, a single name, or anything else.
    Raises NotAllowed (`no_role`) where none of the groups is a role.
    """
    named = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
    if supervisor_group in named:
        return "supervisor"
    if agent_group in named:
        return "agent"
    raise NotAllowed("no_role")

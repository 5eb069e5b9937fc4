"""One of the staff, as a request knows them. Pure."""

from dataclasses import dataclass

from chalicelib.auth.roles import Role
from chalicelib.errors import NotAllowed


@dataclass(frozen=True)
class Person:
    """One of the staff; `id` is opaque, and the same at every sign-in.

    `email` is empty where the provider does not tell it.
    """

    id: str
    name: str
    role: Role
    email: str = ""

    def may(self, role: Role) -> bool:
        """Tell whether the person has this role; a supervisor may do all that an agent may."""
        return self.role in (role, "supervisor")

    def needs(self, role: Role) -> None:
        """Raise NotAllowed (`role`) unless the person has this role."""
        if not self.may(role):
            raise NotAllowed("role")

"""Who sent a request, as far as a proof of consent records it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sender:
    """Where a request came from. `client_ip` is the address that API Gateway saw."""

    client_ip: str
    user_agent: str

    def personal(self) -> dict[str, str]:
        """Return what a proof of consent keeps of it until an erasure."""
        return {"caller": self.client_ip, "agent": self.user_agent}

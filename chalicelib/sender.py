"""Who sent a request, as far as limits, visitors and proofs of consent know it."""

import ipaddress
from dataclasses import dataclass


@dataclass(frozen=True)
class Sender:
    """Where a request came from.

    `client_ip` is the address that API Gateway saw, or that a proxy proved to have seen.
    """

    client_ip: str
    user_agent: str

    @property
    def network(self) -> str:
        """The network of the address, which counts as one caller."""
        return network(self.client_ip)

    def personal(self) -> dict[str, str]:
        """Return what a proof of consent keeps of it until an erasure."""
        return {"caller": self.client_ip, "agent": self.user_agent[:300]}


def network(address: str) -> str:
    """Return what counts as one caller: an IPv4 address, or the /64 network of an IPv6 address.

    A household or a rented server has a whole /64, and may send from any of its addresses. An
    IPv4-mapped address, and one of 6to4, whose owner has 65,536 such networks, is the IPv4 address
    in it. What is no address is itself.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if embedded := ip.ipv4_mapped or ip.sixtofour:
        return str(embedded)
    return f"{ipaddress.IPv6Address(int(ip) >> 64 << 64)}/64"  # without a zone such as %eth0

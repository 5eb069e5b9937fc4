"""A CDN or proxy in front of the API: whether a request came through it, and whose it is.

The headers that name the visitor are believed only beside the secret that the proxy adds: whoever
calls the gateway directly may write into them what they like.
"""

import hmac
import ipaddress
import re
from collections.abc import Iterable, Mapping

HEADER = "x-origin-secret"  # in which a proxy sends its secret
# An address with a port: of IPv4, of IPv6 in brackets, or of IPv6 with all its groups, as
# CloudFront writes it.
_PORT = re.compile(r"(\d+(?:\.\d+){3}|\[[^\]]+\]|[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){7}):\d{1,5}", re.I)


def vouches(headers: Mapping[str, str], secrets: Iterable[str]) -> bool:
    """Tell whether a request brings one of the proxy's secrets; it takes the same time for each."""
    if HEADER not in headers:
        return False
    sent = headers[HEADER].encode("utf-8", "replace")
    matches = [hmac.compare_digest(sent, each.encode()) for each in secrets if each]
    return any(matches)


def address(written: str) -> str:
    """Return the address that a proxy wrote, without port, brackets and zone; empty for none.

    An IPv4 address that is mapped into IPv6 is itself.
    """
    text = written.strip()
    if found := _PORT.fullmatch(text):
        text = found[1]
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    try:
        ip = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    return str(getattr(ip, "ipv4_mapped", None) or ip)

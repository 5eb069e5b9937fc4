"""How a client shows a specimen, as a changed copy of it. Pure."""

import re
from typing import Literal

Scheme = Literal["light", "dark"]

_DARK = re.compile(r"@media\s*\(prefers-color-scheme:\s*dark\)")
_BOTH = re.compile(r"(color-scheme:\s*|content=\")light dark\b")
_ROUND = re.compile(r"border-radius:[^;\"}]*;?")


def in_scheme(html: str, scheme: Scheme) -> str:
    """Return a page as it is in a colour scheme, whatever the browser prefers."""
    query = "@media all" if scheme == "dark" else "@media not all"
    return _BOTH.sub(rf"\g<1>{scheme}", _DARK.sub(query, html))


def without_padding(html: str) -> str:
    """Return a mail as Outlook on Windows shows its links: without padding and round corners."""
    rule = "<style>a{padding:0!important}</style>\n</head>"
    return _ROUND.sub("", html).replace("</head>", rule, 1)

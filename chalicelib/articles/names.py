"""The name under which an article is counted, from whatever a site calls it. Pure."""

import re
import unicodedata

LONGEST = 200
_SPELLED = str.maketrans({"\u00e4": "ae", "\u00f6": "oe", "\u00fc": "ue", "\u00df": "ss"})
_CAMPAIGNS = re.compile(r"utm_|mtm_|pk_|(?:fbclid|gclid|msclkid|wt_mc|mc_cid|mc_eid)=")


def name_of(raw: str) -> str | None:
    """Return the name of an article by its path, address or id; None where there is none."""
    text = re.sub(r"^[a-z][a-z0-9+.-]*://[^/?#]*", "", raw.strip(), flags=re.I).partition("#")[0]
    path, _, query = text.partition("?")
    kept = "-".join(each for each in query.split("&") if each and not _CAMPAIGNS.match(each))
    octets = re.sub(
        rb"%([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), path.strip("/").encode()
    )
    plain = unicodedata.normalize("NFC", octets.decode(errors="replace")).lower()
    plain = unicodedata.normalize("NFD", plain.translate(_SPELLED)).replace("/", ".")
    letters = "".join(each for each in plain if not unicodedata.combining(each))
    joined = "-".join(filter(None, (letters, kept.lower())))
    return re.sub(r"[^a-z0-9._-]+", "-", joined).strip("-")[:LONGEST] or None

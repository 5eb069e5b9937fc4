"""What one SMS can say: 160 characters of GSM 03.38's alphabet, which has umlauts. Pure."""

import unicodedata

LONGEST = 160  # characters of one SMS; one of the extension counts twice

_BASIC = frozenset(
    "\n\r !\"#%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
    "\xa1\xa3\xa4\xa5\xa7\xbf\xc4\xc5\xc6\xc7\xc9\xd1\xd6\xd8\xdc\xdf\xe0\xe4\xe5\xe6\xe8\xe9\xec\xf1\xf2"
    "\xf6\xf8\xf9\xfc\u0393\u0394\u0398\u039b\u039e\u03a0\u03a3\u03a6\u03a8\u03a9$"
)
_EXTENSION = frozenset("\f^{}\\[~]|\u20ac")
_SPELT = str.maketrans(
    {
        **dict.fromkeys("\u201e\u201c\u201d\xab\xbb", '"'),
        **dict.fromkeys("\u201a\u2018\u2019", "'"),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
        **dict.fromkeys("\xa0\u2009\u202f", " "),
        "\u2026": "...",
    }
)


def length(text: str) -> int:
    """Return how many of an SMS's characters a text takes. Raises ValueError for other letters."""
    if strange := set(text) - _BASIC - _EXTENSION:
        raise ValueError(f"not in GSM 03.38: {''.join(sorted(strange))!r}")
    return len(text) + sum(each in _EXTENSION for each in text)


def spell(text: str) -> str:
    """Return a text in letters that an SMS has: without other accents, `?` where all else fails."""
    return "".join(map(_spelt, unicodedata.normalize("NFC", text.translate(_SPELT))))


def fit(text: str, link: str = "") -> str:
    """Return a text as one SMS, with the link behind it where that fits; cut what is too long."""
    said, linked = spell(text), f"{spell(text)} {link}"
    if link and spell(link) == link and length(linked) <= LONGEST:
        return linked
    while length(said) > LONGEST:
        said = said[:-1]
    return said


def _spelt(letter: str) -> str:
    if letter in _BASIC or letter in _EXTENSION:
        return letter
    plain = unicodedata.normalize("NFKD", letter)
    bare = "".join(each for each in plain if not unicodedata.combining(each))
    return "".join(each if each in _BASIC | _EXTENSION else "?" for each in bare)

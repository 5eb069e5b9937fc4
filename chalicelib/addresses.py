"""E-mail addresses: as people see them, as SES takes them, and who is the same person. Pure.

It needs the standard library alone: the functions that send mails import no validator. What people
type is read and checked by `http.fields.Email`.
"""

import re
import unicodedata

# The dots of IDNA (RFC 3490, section 3.1), which keyboards for Chinese and Japanese write.
_DOTS = re.compile("[.\u3002\uff0e\uff61]")
# What cannot stand in an address that is written bare, without quotes or angle brackets.
_APART = re.compile(r'[^\x21-\x7e]|[()<>\[\]:;@\\,"]')


def to_ascii(address: str) -> str:
    """Return an address in ASCII, the domain as punycode in lower case (RFC 5891).

    The local part keeps its case. Raises ValueError, with a reason that does not repeat the
    address, where the local part is not ASCII: SES cannot send to such an address, and documents no
    SMTPUTF8. It is raised for what is no bare address, too.
    """
    local, _, domain = address.rpartition("@")
    if not local.isascii():
        raise ValueError("the part before the @ is not ASCII")
    name = ascii_domain(domain)
    if not (local and name) or _APART.search(local) or _APART.search(name):
        raise ValueError("it is no e-mail address")
    return f"{local}@{name}"


def ascii_domain(domain: str) -> str:
    """Return a domain in lower case, labels that are not ASCII as punycode."""
    return ".".join(map(_a_label, _DOTS.split(domain)))


def to_unicode(address: str) -> str:
    """Return an address as people read it: punycode in the domain is decoded where it can be."""
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{'.'.join(map(_u_label, domain.split('.')))}"


def _a_label(label: str) -> str:
    known = unicodedata.normalize("NFC", label.lower())
    return known if known.isascii() else f"xn--{known.encode('punycode').decode()}"


def _u_label(label: str) -> str:
    if not label.lower().startswith("xn--"):
        return label
    try:
        read = label[4:].lower().encode().decode("punycode")
    except UnicodeError:
        return label
    # What would be written otherwise is another name's disguise, or rubbish.
    return read if _a_label(read) == label.lower() else label


def identity(address: str) -> str:
    """Return what two addresses of one person have in common: the ASCII form in lower case.

    Raises ValueError as `to_ascii` does.
    """
    return to_ascii(address).lower()


def split(written: str) -> tuple[str, str]:
    """Return the display name and the address of a setting such as `Firma, Ort <post@x.example>`.

    Unlike `email.utils.parseaddr`, it takes a name with a comma or a bracket without quotes.
    """
    name, opened, address = written.strip().rpartition("<")
    if not opened or not address.endswith(">"):
        return "", written.strip()
    name = name.strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return name, address[:-1].strip()


def sending_domain(written: str) -> str:
    """Return the domain, in ASCII, of a sender such as `Firma <post@x.example>`."""
    return ascii_domain(split(written)[1].rpartition("@")[2])


# The providers that are known to ignore `+tag` before the @:
# - Gmail: "Create a variation of your address", support.google.com/a/users/answer/9282734
# - Fastmail: "Plus addressing and subdomain addressing", fastmail.help, article 360060591053
# - Proton: "Addresses and aliases", proton.me/support/addresses-and-aliases
# - Outlook.com: Microsoft's announcement of September 2013; Hotmail, Live and MSN are its domains
# - iCloud: no page of Apple's says so; widely observed, and no address of Apple's has a plus
# fmt: off
_IGNORE_TAGS = frozenset((
    "gmail.com", "fastmail.com", "fastmail.fm", "proton.me", "protonmail.com", "protonmail.ch",
    "pm.me", "outlook.com", "outlook.de", "outlook.at", "hotmail.com", "hotmail.de",
    "hotmail.ch", "live.com", "live.de", "live.at", "msn.com", "icloud.com", "me.com", "mac.com",
))
# fmt: on


def mailbox(address: str) -> str:
    """Return the identity with the spellings of one mailbox folded. It is for limits only.

    Dots are ignored at Gmail, whose other domain is googlemail.com (support.google.com/mail,
    answers 7436150 and 10313), tags at some providers. A domain that is not known keeps everything:
    there, the spellings may belong to different people. Raises ValueError as `to_ascii` does.
    """
    local, _, domain = identity(address).rpartition("@")
    if domain == "googlemail.com":
        domain = "gmail.com"
    if domain in _IGNORE_TAGS:
        local = local.partition("+")[0] or local
    if domain == "gmail.com":
        local = local.replace(".", "")
    return f"{local}@{domain}"


# The large providers that are asked back about.
# fmt: off
_ASKED = (
    "gmail.com", "googlemail.com", "gmx.de", "gmx.net", "gmx.at", "gmx.ch", "gmx.com", "web.de",
    "t-online.de", "freenet.de", "hotmail.com", "hotmail.de", "hotmail.at", "hotmail.ch",
    "outlook.com", "outlook.de", "outlook.at", "live.com", "live.de", "live.at", "yahoo.com",
    "yahoo.de", "icloud.com", "aol.com", "aol.de",
)
# Right domains that look like one of those. What is one typing error from a provider and really
# somebody's stands here: nobody is asked back about their own address.
_RIGHT = frozenset((
    *_ASKED,
    "mail.com", "mail.de", "email.com", "email.de", "ymail.com", "gail.com", "grail.com",
    "cloud.com", "me.com", "mac.com", "web.com", "gmx.eu", "gmx.org", "gmx.info", "gmx.li",
    "gmx.us", "gmx.biz",
))
# fmt: on
_PROVIDERS = tuple((name, ending) for name, _, ending in (each.partition(".") for each in _ASKED))
# Each ending, and what is typed for it. None of that is a top-level domain.
_MISTYPED = {
    right: frozenset(wrong)
    for right, *wrong in map(
        str.split,
        (
            "com con comm coom ccom cmo ocm cim cpm vom xom clm cok col cop conm c0m copm coim",
            "de ed dde dee d e ds dr dw df dd fe xe",
            "net nett nnet neet nte ent nt ner nrt met",
            "at ta aat att a",
            "ch hc cch chh",
        ),
    )
}
# Top-level domains (Colombia, Cameroon, Oman) that are no other provider's after these names.
_CUT_SHORT = frozenset(("co", "cm", "om"))
_ONLY_COM = frozenset(("gmail", "googlemail", "icloud"))
# Beside each key on a German or an English keyboard.
_BESIDE = {
    key: frozenset(near)
    for row in ("qwertzuiop", "qwertyuiop", "asdfghjkl", "yxcvbnm", "zxcvbnm")
    for key, near in zip(row, (row[max(at - 1, 0) : at + 2] for at in range(len(row))), strict=True)
}
_LONG = 5  # letters; in a shorter name one wrong letter makes another company's


def suggestion(address: str) -> str | None:
    """Return the address that was probably meant, where the domain looks mistyped; else None.

    It knows the domains of large providers, and says nothing unless the one that was typed is a
    single error away: a person with a rare domain should not be asked. A function of the text
    alone, so that it tells nothing of what is stored.
    """
    local, _, typed = address.rpartition("@")
    domain = typed.lower()
    if domain in _RIGHT or not domain.isascii():
        return None
    name, _, ending = domain.partition(".")
    for provider, right in _PROVIDERS:
        slip = name == provider and _is_mistyped(ending, right, provider)
        if slip or (ending == right and _is_slip(name, provider)):
            return f"{local}@{provider}.{right}"
    return None


def _is_mistyped(ending: str, right: str, provider: str) -> bool:
    cut = right == "com" and provider in _ONLY_COM and ending in _CUT_SHORT
    return cut or ending in _MISTYPED[right]


def _is_slip(typed: str, meant: str) -> bool:
    """Tell whether a name is one error away: letters swapped, or one too many, too few or wrong.

    The first letter is right, except that it may be swapped or doubled.
    """
    extra = len(typed) - len(meant)
    if abs(extra) > 1:
        return False
    at = next((i for i, (a, b) in enumerate(zip(typed, meant, strict=False)) if a != b), None)
    if at is None:  # one is the other's beginning
        return extra != 0 and len(meant) >= _LONG
    if not extra and typed[at : at + 2] == meant[at : at + 2][::-1]:
        return typed[at + 2 :] == meant[at + 2 :]
    if len(meant) < _LONG or at == 0:
        return False
    if extra:
        shorter, longer = sorted((typed, meant), key=len)
        return longer[at + 1 :] == shorter[at:]
    wrong_key = len(meant) > _LONG or typed[at] in _BESIDE.get(meant[at], ())
    return wrong_key and typed[at + 1 :] == meant[at + 1 :]

"""The rows of an import: what they say, how they are checked, and why one is refused."""

import hashlib
import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationError

from chalicelib import addresses, company
from chalicelib.http import fields as of
from chalicelib.http.bodies import trimmed
from chalicelib.newsletter import service
from chalicelib.texts import N_
from ops import times
from ops.mappings import REQUIRED, Layout
from ops.tables import Cells
from ops.words import _, refusal

_EMAIL = TypeAdapter[str](of.Email)


def _ip_address(written: str) -> str:
    return str(ipaddress.ip_address(written)) if written else ""


def _by_comma(written: Any) -> Any:
    if not isinstance(written, str):
        return written
    return tuple(dict.fromkeys(re.split(r"[,;\s]+", written.strip(" ,;"))))


def _short(language: str) -> str:
    """Return the language of a locale such as `de_AT`."""
    return re.split(r"[-_]", language.strip().lower())[0]


class Row(of.Body):
    """A valid row. Who agreed to what, when, and from where is required: it is the proof."""

    email: of.Email
    language: Annotated[of.Language, BeforeValidator(_short)]
    topics: Annotated[tuple[of.NewsletterTopic, ...], BeforeValidator(_by_comma)]
    consent_version: of.Version
    consent_text: str = Field("", max_length=20_000)
    consent_sha256: str = Field("", pattern=r"^([0-9a-fA-F]{64})?$")
    confirmed_at: datetime
    source_address: Annotated[str, AfterValidator(_ip_address)]  # empty: none was kept
    page: of.PageUrl = ""
    proof_note: of.Note = ""

    @property
    def wording(self) -> str:
        """The SHA-256 of the declaration agreed to, as hex; empty where the row does not tell."""
        if self.consent_sha256 or not self.consent_text:
            return self.consent_sha256.lower()
        return hashlib.sha256(self.consent_text.encode()).hexdigest()


@dataclass(frozen=True)
class Withdrawal:
    """A row of somebody who left; `ended_at` is when, as far as the file says."""

    email: str
    ended_at: str = ""


_EXPECTED = {
    "language": N_("language is none of %(languages)s"),
    "topics": N_("topics are not of %(topics)s"),
    "consent_sha256": N_("consent_sha256 is no SHA-256 in hex"),
    "source_address": N_("source_address is no IP address"),
}


def check(
    cells: Cells, layout: Layout, header: tuple[str, ...], now: datetime
) -> Row | Withdrawal | str:
    """Return the row or withdrawal, or the reason why it is refused."""
    fields = layout.fields(cells)
    if cells.wrong and not layout.all_left and layout.misses(cells, header):
        return cells.wrong
    if layout.has_left(cells):
        return _withdrawal(fields, layout)
    if unconfirmed := layout.unconfirmed(cells):
        column, text = unconfirmed
        return _("not confirmed there: %(column)s is “%(text)s”", column=column, text=text[:50])
    return _row(fields, layout, now)


def _withdrawal(fields: dict[str, str], layout: Layout) -> Withdrawal | str:
    if not trimmed(fields["email"]):
        return _("missing: %(columns)s", columns="email")
    email = address(fields["email"])
    if not email:
        return _named("email", "email")
    zone, order = layout.defaults.time_zone, layout.columns.date_order
    return Withdrawal(email, times.text(fields["ended_at"], zone, order))


def _row(fields: dict[str, str], layout: Layout, now: datetime) -> Row | str:
    given: dict[str, Any] = _completed(fields, layout)
    missing = [name for name in REQUIRED if not given.get(name) and name != "source_address"]
    if not given["source_address"] and layout.defaults.source_address is None:
        missing.append("source_address")
    if missing:
        return _("missing: %(columns)s", columns=", ".join(missing))
    zone, order = layout.defaults.time_zone, layout.columns.date_order
    try:
        given["confirmed_at"] = times.instant(given["confirmed_at"], zone, order)
    except times.NoTime as error:
        return _(error.sentence, column=layout.names.get("confirmed_at", "confirmed_at"))
    try:
        row = Row.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_input=False)
        return "; ".join(dict.fromkeys(_named(str(each["loc"][0]), each["type"]) for each in found))
    if row.consent_text and row.wording != hashlib.sha256(row.consent_text.encode()).hexdigest():
        return _("consent_sha256 is not that of consent_text")
    return row if row.confirmed_at <= now else _("confirmed_at is in the future")


def _completed(fields: dict[str, str], layout: Layout) -> dict[str, Any]:
    """Return a row's texts, with the defaults where its own cells are empty.

    A declaration is one thing: a default's text never stands for a version of another name.
    """
    stated = layout.defaults
    given: dict[str, Any] = {
        name: text if name == "consent_text" else trimmed(text) for name, text in fields.items()
    }
    if not trimmed(given["consent_text"]):
        given["consent_text"] = ""
    if times.is_none(given["confirmed_at"]):
        given["confirmed_at"] = ""
    version = given["consent_version"] or stated.consent_version
    if not given["consent_text"] and not given["consent_sha256"]:
        if version in service.wordings.all:
            given["consent_sha256"] = service.wordings.all[version].sha256
        elif version == stated.consent_version:
            given["consent_text"] = stated.consent_text
            given["consent_sha256"] = stated.consent_sha256
    given["consent_version"] = version
    given["topics"] = given["topics"] or stated.topics
    for name in ("language", "page", "proof_note"):
        given[name] = given[name] or getattr(stated, name)
    given["source_address"] = given["source_address"] or stated.source_address or ""
    return given


def _named(field: str, kind: str) -> str:
    if field not in _EXPECTED:
        return f"{field}: {refusal(kind).rstrip('.')}"  # others may follow it
    own = company.current()
    known = {"languages": ", ".join(own.languages), "topics": ", ".join(own.newsletter_topics)}
    return _(_EXPECTED[field], **known)


def address(written: str) -> str:
    """Return the address of somebody who wants to leave, read generously; empty if it is none.

    It may stand in angle brackets after a name, or in a `mailto:` link.
    """
    plain = trimmed(written)
    link = plain[7:].partition("?")[0] if plain[:7].lower() == "mailto:" else plain
    for text in (plain, addresses.split(plain)[1], link, link.strip(" .,;<>\"'")):
        try:
            return _EMAIL.validate_python(text)
        except ValidationError:
            pass
    return ""

"""A row of an import: every refusal has its reason, and a declaration is one thing."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib import company
from chalicelib.newsletter import service
from ops import mappings, rows, tables
from ops.mappings import Columns, Defaults, Layout
from ops.rows import Row, Withdrawal
from ops.tables import BadFile, Cells, Table

CONTROL_CHARACTERS = "proof_note: Line breaks and control characters are not allowed here"
TOPICS = ", ".join(company.current().newsletter_topics)
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
TEXT = "Ja, ich möchte\nden Newsletter."
SHA256 = hashlib.sha256(TEXT.encode()).hexdigest()
GOOD = {
    "email": "eva@example.org",
    "language": "de",
    "topics": "news, offers",
    "consent_version": "old-3",
    "consent_text": TEXT,
    "consent_sha256": "",
    "confirmed_at": "2024-05-31T12:00:00+02:00",
    "source_address": "192.0.2.7",
    "page": "",
    "proof_note": "",
}
HEADER = tuple(GOOD)
NONE = Defaults()


def check(
    changes: dict[str, str],
    defaults: Defaults = NONE,
    columns: Columns | None = None,
    now: datetime = NOW,
) -> Row | Withdrawal | str:
    given = {**GOOD, **changes}
    layout = mappings.layout(Table(Path("x"), "", tuple(given)), columns, defaults)
    return rows.check(Cells(2, given, has=len(given)), layout, tuple(given), now)


def test_a_good_row() -> None:
    row = check({})
    assert isinstance(row, Row)
    assert (row.topics, row.wording) == (("news", "offers"), SHA256)
    assert row.confirmed_at == datetime(2024, 5, 31, 10, tzinfo=UTC)
    by_hash = check({"consent_text": "", "consent_sha256": SHA256.upper()})
    assert isinstance(by_hash, Row)
    assert by_hash.wording == SHA256


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"confirmed_at": ""}, "missing: confirmed_at"),
        ({"confirmed_at": "0000-00-00 00:00:00"}, "missing: confirmed_at"),
        ({"source_address": " "}, "missing: source_address"),
        ({"consent_version": "", "confirmed_at": ""}, "missing: consent_version, confirmed_at"),
        ({"email": ""}, "missing: email"),
        ({"email": "\u200b \ufeff"}, "missing: email"),
        ({"topics": ""}, "missing: topics"),
        ({"email": "eva@"}, "email: Please enter a valid e-mail address"),
        ({"email": "Summe: 312"}, "email: Please enter a valid e-mail address"),
        ({"email": "Eva <eva@example.org>"}, "email: Please enter a valid e-mail address"),
        ({"email": "mailto:eva@example.org"}, "email: Please enter a valid e-mail address"),
        ({"email": "eva@example.org."}, "email: Please enter a valid e-mail address"),
        ({"email": "a@example.org, b@example.org"}, "email: Please enter a valid e-mail address"),
        (
            {"email": "x\r\nBcc: e@x.example"},
            "email: Line breaks and control characters are not allowed here",
        ),
        ({"language": "fr"}, "language is none of de, en"),
        ({"topics": "news,x,y"}, f"topics are not of {TOPICS}"),
        ({"source_address": "unknown"}, "source_address is no IP address"),
        ({"source_address": "192.0.2.300"}, "source_address is no IP address"),
        ({"consent_sha256": "abc"}, "consent_sha256 is no SHA-256 in hex"),
        ({"consent_sha256": "0" * 64}, "consent_sha256 is not that of consent_text"),
        ({"consent_text": "x" * 20_001}, "consent_text: This is too long"),
        ({"email": f"{'x' * 1_000_000}@example.org"}, "email: This is too long"),
        ({"proof_note": "x" * 501}, "proof_note: This is too long"),
        ({"proof_note": "a\x1bb"}, CONTROL_CHARACTERS),
        ({"confirmed_at": "2026-11-23T09:00:01Z"}, "confirmed_at is in the future"),
        ({"confirmed_at": "gestern"}, "confirmed_at is no time such as 2024-05-31 12:00"),
        ({"confirmed_at": "2024-05-31"}, "confirmed_at is a day without a time"),
        ({"confirmed_at": "2024-05-31 12:00"}, "confirmed_at has no time zone: state one"),
    ],
)
def test_a_refused_row_says_why(changes: dict[str, str], reason: str) -> None:
    assert check(changes) == reason


@pytest.mark.parametrize("language", ["DE", "de-AT", "de_DE", " de "])
def test_a_locale_is_a_language(language: str) -> None:
    row = check({"language": language})
    assert isinstance(row, Row)
    assert row.language == "de"


def test_a_quote_before_what_looks_like_a_formula_is_the_exports() -> None:
    ours = {"state": "confirmed", "unsubscribe_url": "", "preferences_url": "", "ended_at": ""}
    for written, email in (
        ("'=eva@example.org", "=eva@example.org"),
        ("''=eva@example.org", "'=eva@example.org"),
        ("'eva@example.org", "'eva@example.org"),
        ("'|a\\|b@example.org", "|a|b@example.org"),
    ):
        row = check({**ours, "email": written}, ALL)
        assert isinstance(row, Row)
        assert row.email == email
    literally = check({"email": "'=eva@example.org"})
    assert isinstance(literally, Row)
    assert literally.email == "'=eva@example.org"


def test_a_confirmation_of_this_moment_is_not_in_the_future() -> None:
    assert isinstance(check({"confirmed_at": "2026-11-23T09:00:00Z"}), Row)
    assert check({}, now=NOW - timedelta(days=1000)) == "confirmed_at is in the future"


ALL = Defaults(
    language="en",
    topics=("offers",),
    consent_version="old-1",
    consent_text="Yes.",
    time_zone="Europe/Berlin",
    source_address="",
    proof_note="folder 7",
)
EMPTY = dict.fromkeys(set(GOOD) - {"email", "confirmed_at"}, "")


def test_defaults_fill_empty_cells() -> None:
    row = check({**EMPTY, "confirmed_at": "31.05.2024 12:00"}, ALL)
    assert isinstance(row, Row)
    assert row.confirmed_at == datetime(2024, 5, 31, 10, tzinfo=UTC)
    assert (row.language, row.topics, row.consent_version, row.source_address) == (
        "en",
        ("offers",),
        "old-1",
        "",
    )
    assert (row.consent_text, row.proof_note) == ("Yes.", "folder 7")


def test_a_rows_own_cells_go_before_the_defaults() -> None:
    row = check({}, ALL)
    assert isinstance(row, Row)
    assert (row.language, row.consent_version, row.consent_text) == ("de", "old-3", TEXT)


def test_a_text_never_stands_for_a_declaration_of_another_name() -> None:
    other = {**EMPTY, "consent_version": "old-2"}
    row = check(other, ALL)
    assert isinstance(row, Row)
    assert (row.consent_version, row.wording) == ("old-2", "")
    same = check({**EMPTY, "consent_version": "old-1"}, ALL)
    assert isinstance(same, Row)
    assert same.consent_text == "Yes."


def test_our_own_declarations_are_known_by_their_name() -> None:
    row = check({**EMPTY, "consent_version": "newsletter-de-1"}, ALL)
    assert isinstance(row, Row)
    assert (row.consent_text, row.wording) == (
        "",
        service.wordings.all["newsletter-de-1"].sha256,
    )


MAPPING = Columns.model_validate(
    {
        "email": "Mail",
        "confirmed_at": "When",
        "ended_at": "Gone",
        "confirmed_if": {"DOI": ["1", "Yes"]},
        "withdrawn_if": {"Gone": "not empty", "List": "not empty and not []"},
    }
)


def foreign(**cells: str) -> Row | Withdrawal | str:
    given = {
        "Mail": "eva@example.org",
        "When": "31.05.2024 12:00",
        "Gone": "",
        "DOI": "yes",
        "List": "[]",
        **cells,
    }
    layout = mappings.layout(Table(Path("x"), "", tuple(given)), MAPPING, ALL)
    return rows.check(Cells(2, given, has=len(given)), layout, tuple(given), NOW)


def test_conditions_of_a_mapping() -> None:
    assert isinstance(foreign(), Row)
    assert foreign(DOI="2") == "not confirmed there: DOI is “2”"
    assert foreign(DOI="2", Gone="gestern") == Withdrawal("eva@example.org")
    assert foreign(Gone="1.2.2024") == Withdrawal("eva@example.org", "2024-02-01")
    assert foreign(List="[1]") == Withdrawal("eva@example.org")
    assert isinstance(foreign(Gone="0000-00-00 00:00:00", List=" "), Row)
    assert foreign(When="") == "missing: confirmed_at"


@pytest.mark.parametrize(
    ("written", "email"),
    [
        ("Eva Muster <eva@example.org>", "eva@example.org"),
        ('"Muster, Eva" <eva@example.org>', "eva@example.org"),
        ("<eva@example.org>", "eva@example.org"),
        ("mailto:eva@example.org?subject=unsubscribe", "eva@example.org"),
        ("MAILTO:eva@example.org", "eva@example.org"),
        ("eva@example.org.", "eva@example.org"),
        ("eva@example.org ;", "eva@example.org"),
        ("'eva@example.org'", "eva@example.org"),
        ("'eva@example.org", "'eva@example.org"),  # a good address as it stands
        ("\ufeffeva@example.org\u00a0", "eva@example.org"),
        ("eva", ""),
        ("a@example.org, b@example.org", ""),
        ("", ""),
    ],
)
def test_whoever_wants_to_leave_is_understood(written: str, email: str) -> None:
    assert rows.address(written) == email


def layout(header: tuple[str, ...], *given: Any) -> Layout:
    return mappings.layout(Table(Path("x"), "", header), *given)


@pytest.mark.parametrize(
    ("header", "columns", "defaults", "reason"),
    [
        ((), None, NONE, "lacks the columns confirmed_at, consent_text, consent_version, email"),
        (("email", "confirmed_at"), None, NONE, "version, language, source_address, topics"),
        ((*HEADER, "reason"), None, NONE, "unknown columns: reason"),
        ((*HEADER, "Email"), None, NONE, "has columns twice: email"),
        (("Mail", "When"), MAPPING, ALL, "lacks the columns DOI, Gone, List"),
        (("E-Mail", "When", "DOI", "Gone", "List"), MAPPING, ALL, "lacks the columns Mail"),
        (("Mail", "When", "DOI", "Gone", "List"), MAPPING, NONE, "consent_text, consent_version"),
    ],
)  # fmt: skip
def test_a_header_that_does_not_fit_is_refused(
    header: tuple[str, ...], columns: Columns | None, defaults: Defaults, reason: str
) -> None:
    with pytest.raises(BadFile, match=reason):
        layout(header, columns, defaults)


def test_columns_that_are_not_asked_for_may_stand_twice() -> None:
    header = ("Mail", "When", "DOI", "Gone", "List", "Name", "Name", "")
    assert layout(header, MAPPING, ALL).names["email"] == "Mail"
    assert layout(("MAIL", " when", "doi", "gone", "list")[:1] + header[1:], MAPPING, ALL)


def test_a_list_of_people_who_left_needs_nothing_but_addresses() -> None:
    for columns in (
        Columns.model_validate({"email": "Mail", "every_row": "withdrawn"}),
        Columns.model_validate({"email": "Mail", "withdrawn_with": "UNSUB_TIME"}),
    ):
        found = layout(("Mail", "UNSUB_TIME"), columns, NONE)
        given = Cells(2, {"Mail": "eva@example.org"}, "1 cell, the header has 2", 1)
        assert rows.check(given, found, ("Mail", "UNSUB_TIME"), NOW) == Withdrawal(
            "eva@example.org"
        )


def test_a_short_row_counts_if_it_has_what_is_needed() -> None:
    header = ("Mail", "When", "DOI", "Gone", "List", "Name")
    cells = dict(zip(header, ("eva@example.org", "31.05.2024 12:00", "1", "", ""), strict=False))
    found = layout(header, MAPPING, ALL)
    assert isinstance(rows.check(Cells(2, cells, "5 cells", 5), found, header, NOW), Row)
    # Without the column that says who left, nobody can tell.
    del cells["List"]
    assert rows.check(Cells(2, cells, "4 cells", 4), found, header, NOW) == "4 cells"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("map.toml", 'email = "Mail"\n[confirmed_if]\nDOI = ["1"]\n[defaults]\nlanguage = "de"\n'),
        (
            "map.toml",
            '[mapping]\nemail = "Mail"\nconfirmed_if = {DOI = ["1"]}\n[defaults]\nlanguage = "de"',
        ),
        (
            "map.json",
            '{"mapping": {"email": "Mail", "confirmed_if": {"DOI": ["1"]}}, '
            '"defaults": {"language": "de"}}',
        ),
    ],
)
def test_a_mapping_of_ones_own(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    columns, defaults = mappings.read(file)
    assert columns
    assert (columns.email, columns.confirmed_if) == (("Mail",), {"DOI": ("1",)})
    assert defaults.language == "de"


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("map.toml", 'emial = "Mail"', "emial: Extra inputs are not permitted"),
        ("map.toml", "email = ", "Invalid value"),
        ("map.json", "[]", "map.json"),
        ("map.toml", '[defaults]\ntime_zone = "Europe/Bielefeld"', "no time zone Europe/Bielefeld"),
    ],
)
def test_a_mapping_that_cannot_be_read_says_why(
    tmp_path: Path, name: str, text: str, reason: str
) -> None:
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(BadFile, match=reason):
        mappings.read(file)


def test_defaults_are_stated_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("Ja,\nbitte.\n")
    found = mappings.stated(
        ["topics=news, offers", "source_address=", f"consent_text=@{tmp_path}/text.txt"]
    )
    assert (found.topics, found.source_address, found.consent_text) == (
        ("news", "offers"),
        "",
        "Ja,\nbitte.\n",
    )
    assert mappings.merged(ALL, found).language == "en"
    with pytest.raises(BadFile, match="--default colour: Extra"):
        mappings.stated(["colour=green"])


def test_every_vendor_can_be_read() -> None:
    for name in mappings.vendors():
        columns, defaults = mappings.vendor(name)
        assert columns.email
        assert defaults.source_address == ""
    assert tables.BadFile is BadFile

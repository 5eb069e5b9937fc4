"""A file of subscribers: every refusal has its reason, and a large file needs little memory."""

import hashlib
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chalicelib import company
from ops import rows
from ops.rows import BadFile, Cells, Row

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
    "confirmed_at": "2024-05-31T12:00:00+02:00",
    "source_address": "192.0.2.7",
}


def test_a_good_row() -> None:
    row = rows.check(Cells(2, GOOD), NOW)
    assert isinstance(row, Row)
    assert (row.topics, row.wording) == (("news", "offers"), SHA256)
    assert row.confirmed_at == datetime(2024, 5, 31, 10, tzinfo=UTC)
    by_hash = rows.check(
        Cells(2, {**GOOD, "consent_text": "", "consent_sha256": SHA256.upper()}), NOW
    )
    assert isinstance(by_hash, Row)
    assert by_hash.wording == SHA256


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"confirmed_at": ""}, "missing: confirmed_at"),
        ({"source_address": " "}, "missing: source_address"),
        ({"consent_version": "", "confirmed_at": ""}, "missing: consent_version, confirmed_at"),
        ({"consent_text": ""}, "missing: consent_text or consent_sha256"),
        ({"email": ""}, "missing: email"),
        ({"topics": ""}, "missing: topics"),
        ({"email": "eva@"}, "email: Please enter a valid e-mail address"),
        ({"email": "x\r\nBcc: e@x.example"}, CONTROL_CHARACTERS.replace("proof_note", "email")),
        ({"language": "fr"}, "language is none of de, en"),
        ({"topics": "news,x,y"}, f"topics are not of {TOPICS}"),
        ({"source_address": "unknown"}, "source_address is no IP address"),
        ({"consent_sha256": "abc"}, "consent_sha256 is no SHA-256 in hex"),
        ({"consent_sha256": "0" * 64}, "consent_sha256 is not that of consent_text"),
        ({"consent_text": "x" * 20_001}, "consent_text: This is too long"),
        ({"proof_note": "x" * 501}, "proof_note: This is too long"),
        ({"proof_note": "a\x1bb"}, CONTROL_CHARACTERS),
        ({"confirmed_at": "2026-11-23T09:00:01Z"}, "confirmed_at is in the future"),
    ],
)
def test_a_refused_row_says_why(changes: dict[str, str], reason: str) -> None:
    assert rows.check(Cells(2, {**GOOD, **changes}), NOW) == reason


@pytest.mark.parametrize(
    "written",
    [
        "2024-05-31",
        "31.05.2024 12:00",
        "2024-05-31T12:00:00",
        "1717149600",
        "2024-W22-5T12:00:00Z",
        "2024-02-30T12:00:00Z",
        "0001-01-01T00:00:00+02:00",
        "٢٠٢٤-05-31T12:00:00Z",
    ],
)
def test_only_a_whole_instant_proves_a_time(written: str) -> None:
    refused = rows.check(Cells(2, {**GOOD, "confirmed_at": written}), NOW)
    assert refused == "confirmed_at is no RFC 3339 time such as 2024-05-31T12:00:00+02:00"


def read(path: Path, text: str, encoding: str = "utf-8") -> list[Cells]:
    file = path / "in.csv"
    file.write_bytes(text.encode(encoding))
    return list(rows.read(file, lambda count: None))


HEADER = "email,language,topics,consent_version,consent_text,confirmed_at,source_address"


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_files_as_programs_write_them(
    tmp_path: Path, separator: str, encoding: str, end: str
) -> None:
    cells = [
        "a@example.org",
        "de",
        "news",
        "1",
        '"two\nlines"',
        "2024-05-31T12:00:00Z",
        "192.0.2.7",
    ]
    lines = [
        HEADER.replace(",", separator),
        separator.join(cells),
        "",
        separator.join(["b\0", *cells[1:]]),
        "short",
    ]
    found = read(tmp_path, end.join(lines), encoding)
    assert [each.line for each in found] == [2, 5, 7]
    assert found[0].named["consent_text"] == "two\nlines"
    assert found[1].named["email"] == "b\N{REPLACEMENT CHARACTER}"
    assert rows.check(found[2], NOW) == "1 cell, the header has 7"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "lacks the columns email, language"),
        ("email,language\n", "lacks the columns topics"),
        (HEADER.replace("consent_text", "page"), "columns consent_text or consent_sha256"),
        (f"{HEADER},reason,line", "unknown columns: reason, line"),
        (f"{HEADER},email", "has columns twice: email"),
        (f'{HEADER}\n"{"x" * 140_000}', "line 2 cannot be read as CSV"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(BadFile, match=reason):
        read(tmp_path, text)


def test_another_encoding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="not in UTF-8"):
        read(tmp_path, f"{HEADER}\nmüller@example.org", "latin-1")


def test_a_hundred_thousand_rows_need_little_memory(tmp_path: Path, slow: None) -> None:
    file, most = tmp_path / "large.csv", 100_000
    with file.open("w") as out:
        out.write(f"{HEADER}\n")
        for number in range(most):
            row = f"reader-{number}@example.org,de,news,1,{'x' * 200}"
            out.write(f"{row},2024-05-31T12:00:00Z,192.0.2.7\n")
    passed: list[int] = [0]

    def pass_by(count: int) -> None:
        passed[0] += count

    tracemalloc.start()
    try:
        read_rows = sum(1 for _ in rows.read(file, pass_by))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert read_rows == most
    assert passed[0] == file.stat().st_size
    assert peak < 1_000_000
    print(f"\nrows {most} · file {file.stat().st_size >> 20} MB · peak memory {peak >> 10} KB")


def test_the_digest_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    file.write_text(HEADER)
    assert rows.digest(file) == hashlib.sha256(HEADER.encode()).hexdigest()


def test_a_confirmation_of_this_moment_is_not_in_the_future() -> None:
    assert isinstance(
        rows.check(Cells(2, {**GOOD, "confirmed_at": "2026-11-23T09:00:00Z"}), NOW), Row
    )
    assert rows.check(Cells(2, GOOD), NOW - timedelta(days=1000)) == "confirmed_at is in the future"

"""Files as other programs write them, and what is no file of rows."""

import hashlib
import tracemalloc
from pathlib import Path

import pytest

from ops import tables
from ops.tables import BadFile, Cells

HEADER = ("email", "note", "at")


def read(folder: Path, content: str | bytes, encoding: str = "utf-8") -> list[Cells]:
    file = folder / "in.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return list(tables.opened(file).rows())


def emails(found: list[Cells]) -> list[tuple[int, str]]:
    return [(each.line, each.named["email"]) for each in found]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_files_as_programs_write_them(
    tmp_path: Path, separator: str, encoding: str, end: str
) -> None:
    lines = [
        separator.join(HEADER),
        separator.join(["a@example.org", f'"zwei{end}Zeilen{separator} mit ""ä“"""', "1"]),
        "",
        separator.join(["b\0", "", "2"]),
        "short",
        separator.join(["", " ", ""]),
        separator.join(["c@example.org", "", "3", "", ""]),
        separator.join(["d@example.org", "", "4", "more"]),
        "",
        "",
    ]
    found = read(tmp_path, end.join(lines), encoding)
    assert emails(found) == [
        (2, "a@example.org"),
        (5, "b\N{REPLACEMENT CHARACTER}"),
        (6, "short"),
        (8, "c@example.org"),
        (9, "d@example.org"),
    ]
    assert found[0].named["note"] == f'zwei{end}Zeilen{separator} mit "ä“"'
    assert [each.wrong for each in found] == [
        "",
        "",
        "1 cell, the header has 3",
        "",
        "4 cells, the header has 3",
    ]


def test_mixed_ends_of_lines_are_counted(tmp_path: Path) -> None:
    found = read(tmp_path, "email,note\r\na@x.de,1\nb@x.de,2\rc@x.de,3\r\n\r\n\nd@x.de,4")
    assert emails(found) == [(2, "a@x.de"), (3, "b@x.de"), (4, "c@x.de"), (7, "d@x.de")]


@pytest.mark.parametrize("first", ["sep=;\r\n", '"sep=;"\n', "SEP=;\n", "\n\n", "\ufeff", ""])
def test_what_stands_before_the_header(tmp_path: Path, first: str) -> None:
    found = read(tmp_path, f"{first}email;note\na@x.de;1,2,3\n")
    assert emails(found) == [(first.count("\n") + 2, "a@x.de")]


def test_a_header_of_two_lines_and_with_separators(tmp_path: Path) -> None:
    found = read(tmp_path, 'email;"a, b, c, d";"two\nlines"\na@x.de;1;2\n')
    assert emails(found) == [(3, "a@x.de")]
    assert found[0].named["two\nlines"] == "2"


def test_cells_that_excel_keeps_as_text(tmp_path: Path) -> None:
    (found,) = read(tmp_path, 'email,note,at\n="a@x.de","=""00123""",=1+1\n')
    assert list(found.named.values()) == ["a@x.de", "00123", "=1+1"]


def test_a_cell_of_a_megabyte_is_a_cell(tmp_path: Path) -> None:
    found = read(tmp_path, f'email,note\na@x.de,"{"x" * 1_000_000}"\nb@x.de,1\n')
    assert emails(found) == [(2, "a@x.de"), (3, "b@x.de")]


def test_json_lines(tmp_path: Path) -> None:
    lines = [
        '{"email": "a@x.de", "topics": ["news", "offers"], "at": null, "count": 3}',
        "",
        "{nonsense",
        '["a"]',
        '{"email": "b\\ud800@x.de"}',
    ]
    found = read(tmp_path, "\n".join(lines))
    assert [(each.line, each.wrong) for each in found] == [
        (1, ""),
        (3, "it cannot be read as JSON"),
        (4, "it cannot be read as JSON"),
        (5, ""),
    ]
    assert found[0].named == {"email": "a@x.de", "topics": "news,offers", "at": "", "count": "3"}
    assert found[3].named["email"] == "b?@x.de"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"email,note\na@x.de,\xe4\nb@x.de,\xc3\xa4\n", "line 3 is in UTF-8, line 2 is not"),
        (b"email,note\na@x.de,\x81\n", "cannot be read in the encoding cp1252"),
        (b"\xff\xfee\x00m", "cannot be read in the encoding utf-16"),
        (b'email,note\na@x.de,"open\nb@x.de,1\nc@x.de,2\n', "line 2: a quote is never closed"),
        (b'email,note\na@x.de,"' + b"x\n" * 3_000_000, "line 2: a quote is never closed"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(BadFile, match=reason):
        read(tmp_path, content)


@pytest.mark.parametrize("content", ["", "\n\n", "email,note\n", "email"])
def test_a_file_without_rows_has_none(tmp_path: Path, content: str) -> None:
    assert read(tmp_path, content) == []


def test_an_encoding_can_be_stated(tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    file.write_bytes("email,note\na@x.de,größer".encode("cp850"))
    (found,) = tables.opened(file, "cp850").rows()
    assert found.named["note"] == "größer"
    with pytest.raises(BadFile, match="cannot be read in the encoding klingon"):
        tables.opened(file, "klingon")


def test_a_hundred_thousand_rows_need_little_memory(tmp_path: Path, slow: None) -> None:
    file, most = tmp_path / "large.csv", 100_000
    with file.open("w") as out:
        out.write("email,note,at\n")
        for number in range(most):
            out.write(f"reader-{number}@example.org,{'x' * 200},2024-05-31T12:00:00Z\n")
    passed: list[int] = [0]

    def pass_by(count: int) -> None:
        passed[0] += count

    tracemalloc.start()
    try:
        read_rows = sum(1 for _ in tables.opened(file).rows(pass_by))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert read_rows == most
    assert passed[0] == file.stat().st_size
    assert peak < 1_000_000
    print(f"\nrows {most} · file {file.stat().st_size >> 20} MB · peak memory {peak >> 10} KB")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_progress_ends_with_the_file(tmp_path: Path, encoding: str) -> None:
    file, passed = tmp_path / "in.csv", list[int]()
    file.write_bytes("email,note\na@x.de,ä\nb@x.de,ö\n".encode(encoding))
    list(tables.opened(file).rows(passed.append))
    assert 0 <= file.stat().st_size - sum(passed) <= 3  # but for the mark at the beginning


def test_the_digest_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    file.write_text("email")
    assert tables.digest(file) == hashlib.sha256(b"email").hexdigest()

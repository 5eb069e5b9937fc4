"""The snippet's files: built from the modules, small, with every word, and kept for a year."""

import gzip
import io
import json
import re
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
from babel.messages.extract import extract

from chalicelib import company, settings, texts
from chalicelib.errors import NotFound
from chalicelib.web import snippet
from tests import npm
from tests.backend import Backend
from tools import embed, snippet_versions

SOURCES = sorted(embed.SOURCES.glob("*.js"))
WORDS = json.loads((snippet.BUILT / "words.json").read_text())


def size(text: str) -> int:
    """Return the bytes of a text as API Gateway sends it."""
    return len(gzip.compress(text.encode()))


def test_it_is_small() -> None:
    current = snippet.current()
    first, *forms = map(size, current.files.values())
    assert current.text == next(iter(current.files.values()))
    print(f"\nthe snippet: {first} bytes gzip, with forms and proof of work {first + max(forms)}")
    assert first <= 5 * 1024
    assert first + max(forms) <= 8 * 1024


def test_its_words_are_those_that_translators_get() -> None:
    collected = set()
    for source in SOURCES:
        found = extract("javascript", io.BytesIO(source.read_bytes()))
        collected |= {(context or "", word) for _line, word, _comments, context in found}
    assert ("", "Sending …") in collected
    built = {(context, word) for words in WORDS.values() for context, word in words}
    assert {each for each in built if each[0] != "company"} == collected
    own = {word for context, word in built if context == "company"}
    assert own == {"newsletter_success", "callback_success"}


def test_it_brings_every_word_in_every_language() -> None:
    own = company.current()
    first, *forms = snippet.current().files.values()
    assert len(forms) == len(own.languages)
    for language, text in zip(own.languages, forms, strict=True):
        catalogue = texts.of(language)
        assert json.dumps(own.texts[language]["callback_success"], ensure_ascii=False) in text
        assert catalogue.gettext("The security check did not work.") in text
        assert catalogue.gettext("open now") in first


@pytest.fixture
def evil(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Have a company say what would end a script, and return that."""
    said, folder = '</script><!--"\\ \u2028\u2029', tmp_path / "company"
    shutil.copytree(company.FOLDER, folder)
    entries, thanks = (folder / "company.toml").read_text(), "newsletter_success = "
    lines = [
        thanks + json.dumps(said) if line.startswith(thanks) else line
        for line in entries.splitlines()
    ]
    (folder / "company.toml").write_text("\n".join(lines))
    monkeypatch.setenv("COMPANY_FOLDER", str(folder))
    settings.current.cache_clear()
    return said


def test_what_a_company_says_is_safe_in_a_script(evil: str) -> None:
    try:
        forms = list(snippet.current().files.values())[1:]
    finally:
        settings.current.cache_clear()
    for text in forms:
        assert r"\u003c/script>\u003c!--\"\\ \u2028\u2029" in text
        for each in ("</script", "<!--", "\u2028", "\u2029"):
            assert each not in text


def test_each_part_is_served_by_the_name_of_its_content_for_ever(backend: Backend) -> None:
    first = backend.call("GET", "/embed.js")
    assert first.headers["cache-control"] == "public, max-age=300"
    assert first.headers["etag"].strip('"') == snippet.name(first.text).removesuffix(".js")
    named = {name: backend.call("GET", f"/embed/{name}") for name in snippet.current().files}
    assert first.text in {answer.text for answer in named.values()}
    for name, answer in named.items():
        assert answer.status == 200
        assert snippet.name(answer.text) == name
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    for form in re.findall(r'"([0-9a-f]{16})"', first.text):
        assert f"{form}.js" in named


@pytest.mark.parametrize("name", ["0123456789abcdef.js", "kept.tsv", "..", "x", "altcha-license"])
def test_no_other_file_is_served(backend: Backend, name: str) -> None:
    assert backend.call("GET", f"/embed/{name}").status == 404


def test_what_is_served_now_is_kept_for_later() -> None:
    kept = snippet_versions.read(snippet.VERSIONS)
    now = {name for name, until in kept.items() if not until}
    assert now == set(snippet.current().files), "run make generated"
    for name in kept:
        assert snippet.name((snippet.VERSIONS / name).read_text("utf-8")) == name
    assert {each.name for each in snippet.VERSIONS.iterdir()} == {*kept, snippet_versions.LIST}


def test_a_file_that_another_has_followed_is_kept_for_a_year(tmp_path: Path) -> None:
    folder, today = tmp_path / "versions", date(2027, 3, 1)
    old, new = {"0123456789abcdef.js": "old"}, {"fedcba9876543210.js": "new"}
    snippet_versions.renew(folder, old, today)
    assert snippet_versions.read(folder) == dict.fromkeys(old, "")
    for days in (10, 100, 376):
        snippet_versions.renew(folder, new, today + timedelta(days=days))
        until = str(today + timedelta(days=10 + 366))
        assert snippet_versions.read(folder) == {
            **dict.fromkeys(old, until),
            **dict.fromkeys(new, ""),
        }
        assert (folder / "0123456789abcdef.js").read_text() == "old"
    snippet_versions.renew(folder, new, today + timedelta(days=377))
    assert [each.name for each in folder.glob("*.js")] == list(new)


def test_a_kept_file_is_found(tmp_path: Path) -> None:
    text = "earlier()"
    (tmp_path / snippet.name(text)).write_text(text)
    assert snippet.file(snippet.name(text), tmp_path) == text
    with pytest.raises(NotFound):
        snippet.file(snippet.name(text))


@pytest.mark.soak
def test_the_built_files_are_those_of_the_modules(root: Path, tmp_path: Path) -> None:
    embed.build(npm.installed(Path(embed.__file__).parent, root), tmp_path)
    for built in snippet.BUILT.iterdir():
        assert (tmp_path / built.name).read_text() == built.read_text(), "run make embed"

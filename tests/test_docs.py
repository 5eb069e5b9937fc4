"""The documents are true: targets, files, settings and attributes they name exist."""

import re
from pathlib import Path

from chalicelib.http.routing import INVENTORY
from tools import settings_table

ROOT = Path(__file__).parent.parent
DOCS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_settings_page_is_current() -> None:
    assert settings_table.PAGE.read_text() == settings_table.page(), "run `make generated`"


def test_links_lead_somewhere() -> None:
    broken = [
        f"{doc.name}: {link}"
        for doc in DOCS
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", doc.read_text())
        if not (doc.parent / link).exists()
    ]
    assert broken == []


def test_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = {
        target for doc in DOCS for target in re.findall(r"(?:^ {4}|`)make ([a-z-]+)(?=[`\s])", doc.read_text(), re.M)
    }
    assert {"run", "test", "check"} <= named
    assert named - targets == set()


def test_files_exist() -> None:
    named = {
        path
        for doc in DOCS
        for path in re.findall(
            r"`((?:chalicelib|infra|tests|local|demo|docs|tools|\.chalice)/[\w./-]+)`", doc.read_text()
        )
    }
    assert named
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_readme_is_one_screen() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 60


def test_the_snippet_knows_what_the_embedding_page_tells() -> None:
    page, snippet = (ROOT / "docs" / "embedding.md").read_text(), (ROOT / "chalicelib/web/embed.js").read_text()
    demo = "".join(file.read_text() for file in (ROOT / "demo" / "site").rglob("*.html"))
    for kind in ("newsletter", "callback", "consent", "slots", "views", "popular", "hotline"):
        assert f'data-contact="{kind}"' in page
        assert f'data-contact="{kind}"' in demo
    for attribute in ("article", "title", "language", "optout"):
        assert f"`data-{attribute}`" in page
        assert attribute in snippet


def test_the_demo_shows_the_declarations_word_for_word() -> None:
    demo = "".join(file.read_text() for file in (ROOT / "demo" / "site").rglob("*.html"))
    for wording in ("newsletter/consent/newsletter-de-1", "callbacks/consent/callback-de-1"):
        assert (ROOT / "chalicelib" / f"{wording}.txt").read_text().strip() in demo


def test_every_route_says_what_it_does() -> None:
    assert [path for path, methods in INVENTORY.items() for route in methods.values() if not route.view.__doc__] == []


def test_nothing_speaks_of_the_workplace() -> None:
    spoken = re.compile(r"/work/|\.\./shared|/tmp/x")
    files = [*DOCS, *(ROOT / "chalicelib").rglob("*.py"), *(ROOT / "local").rglob("*.py"), ROOT / "Makefile"]
    assert [file.name for file in files if spoken.search(file.read_text())] == []

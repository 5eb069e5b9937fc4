"""Who may import whom, and what else keeps the folders true."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted([ROOT / "app.py", *(ROOT / "chalicelib").rglob("*.py")])
CAPABILITIES = {"newsletter", "callbacks", "articles"}
PURE = {"model", "letters", "alerts", "hotline", "numbers", "workflow"}
# What a pure file may import beyond its neighbours, errors and the standard library.
PURE_ALLOWED = {
    "chalicelib.errors",
    "chalicelib.outbox.model",
    "chalicelib.pages",
    "chalicelib.settings",
    "phonenumbers",
}


def imports(file: Path) -> Iterator[str]:
    """Every module a file imports, wherever in the file, as a dotted name."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def name(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def layer(file: Path) -> str:
    return file.stem


@pytest.mark.parametrize("file", FILES, ids=name)
def test_imports(file: Path) -> None:
    imported, me = set(imports(file)), name(file)
    top = {each.partition(".")[0] for each in imported}
    parts = me.split(".")
    capability = parts[1] if len(parts) > 2 and parts[1] in CAPABILITIES else ""
    if "boto3" in top:
        assert me == "chalicelib.aws"
    if "botocore" in top:
        assert me == "chalicelib.aws" or parts[-1] == "store" or "outbox" in parts
    if "chalice" in top:
        assert me in ("app", "chalicelib.api") or "http" in parts or parts[-1] == "routes"
    if "pydantic" in top:
        assert "http" in parts or parts[-1] in ("routes", "desk")
    if capability:
        others = {f"chalicelib.{each}" for each in CAPABILITIES - {capability}}
        assert not [each for each in imported if each.startswith(tuple(others))]
    if capability and layer(file) in PURE:
        ours = {each for each in imported if each.startswith("chalicelib.")}
        foreign = {
            each
            for each in ours
            if not each.startswith((f"chalicelib.{capability}", *PURE_ALLOWED))
        }
        assert foreign == set()
        neighbours = {
            each.split(".")[2] for each in ours if each.startswith(f"chalicelib.{capability}.")
        }
        assert neighbours <= PURE
    if layer(file) == "errors":
        assert not [each for each in imported if each.startswith(("chalicelib", "http"))]


def test_one_reader_of_the_environment() -> None:
    readers = [
        name(file)
        for file in FILES
        if "environ" in file.read_text() and "os.environ" in file.read_text()
    ]
    assert readers == ["chalicelib.settings"]


def test_the_map_fits_one_screen() -> None:
    assert len((ROOT / "app.py").read_text().splitlines()) <= 100


def test_public_things_say_what_they_do() -> None:
    bare = [
        f"{name(file)}.{node.name}"
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
        if node.name
        not in (
            "declare",
            "entrance",
            "make",
            "escapes",
            "left",
            "step",
            "decide",
            "half",
        )  # closures, documented by what holds them
    ]
    assert bare == []
    assert [
        name(file) for file in FILES if not ast.get_docstring(ast.parse(file.read_text()))
    ] == []

"""The rules that docs/architecture.md states, checked against what the modules import.

Imports are followed transitively, and those inside functions count like the others.
"""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CAPABILITIES = ("newsletter", "callbacks", "articles")
SPANNING = ("backoffice", "embedded", "me")  # what spans them
CORE = "chalicelib"

# The folders, lowest first: a folder imports from its own level and from below.
LEVELS = (
    {
        *("errors", "instants", "log", "settings", "company", "texts", "formats", "messages"),
        *("addresses", "cells", "sender", "consent"),
    },
    {
        *("aws", "keys", "tokens", "limits", "mailings", "challenges", "guards", "templates"),
        "local_cloud",
    },
    {"outbox", "auth", "intake"},
    {"http"},
    {*CAPABILITIES, "web"},
    {"backoffice", "embedded", "me"},
    {"api", "triggers"},
)
# The layers of a capability and of what spans them, lowest first: a module imports from its own
# layer and from those below. Modules of the same name are of the same layer, wherever they stand.
LAYERS = {
    "pure": {
        *("model", "workflow", "calls", "ledger", "opening_hours", "phone_numbers", "filters"),
        *("browsers", "names", "entries"),
        *("words", "letters", "alerts", "calendar", "domain_events"),
    },
    "stores": {"stores", "keys", "rules", "links"},
    "services": {
        *("service", "proof", "export", "erasure", "clock", "counting", "ranking", "reactions"),
        *("changes", "feedback", "intakes", "wishes", "feeds", "fetching", "reading"),
    },
    "entrances": {"fields", "routes", "api", "view", "pages"},
}
# Other modules that are pure: they only say how something is written, or who somebody is.
PURE_ELSEWHERE = {
    f"{CORE}.{name}"
    for name in ("addresses", "errors", "formats", "templates", "auth.roles", "auth.person")
} | {f"{CORE}.outbox.{name}" for name in ("model", "lanes", "notices", "sms", "domain_events")}
# A pure module may import the settings' type, how instants are written, and what the deployment
# ships: the company and the words. It reads neither the current settings nor the current time.
PURE_MAY_IMPORT = {f"{CORE}.{each}" for each in ("settings", "instants", "company", "texts")}
IMPURE = {"random", "secrets", "time", "os", "uuid", "socket", "threading", "subprocess", "urllib"}
STREAM_FUNCTIONS = (
    *(
        "newsletter.clock",
        "newsletter.reactions",
        "newsletter.feedback",
        "newsletter.intakes",
        "callbacks.reactions",
        "callbacks.intakes",
        "callbacks.clock",
        "callbacks.erasure",
    ),
    *("me.intakes", "me.reactions"),
    *("articles.counting", "articles.ranking", "articles.reading"),
    *("outbox.delivery", "outbox.feedback", "outbox.suppression"),
)


def name(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


FILES = {
    name(file): file for file in sorted([ROOT / "app.py", *(ROOT / "chalicelib").rglob("*.py")])
}
OPERATORS = {name(file): file for file in sorted((ROOT / "ops").rglob("*.py"))}


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def imported(file: Path) -> Iterator[str]:
    """Yield every module that a file imports, wherever in the file, as a dotted name."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in FILES else node.module


@cache
def direct(module: str) -> frozenset[str]:
    """Return the names of the modules that one of our modules imports directly."""
    return frozenset(imported(FILES[module]))


@cache
def reached(module: str) -> frozenset[str]:
    """Return everything that importing a module may lead to, ours and others'."""
    seen: set[str] = set()
    ahead = [module]
    while ahead:
        for each in direct(ahead.pop()) - seen:
            seen.add(each)
            if each in FILES:
                ahead.append(each)
    return frozenset(seen)


def top(imports: frozenset[str]) -> set[str]:
    return {each.partition(".")[0] for each in imports}


def folder(module: str) -> str:
    return module.partition(".")[2].partition(".")[0]


def layer(module: str) -> str:
    """Return the layer of a module of a capability or of what spans them, else an empty text."""
    if folder(module) not in (*CAPABILITIES, *SPANNING):
        return ""
    parts = module.split(".")[2:]
    names = {"stores"} if "stores" in parts else {parts[-1]} if parts else set()
    return next((each for each, members in LAYERS.items() if names & members), "")


def layered() -> list[str]:
    """Return the modules of capabilities and of what spans them, without their bare packages."""
    found = [each for each in FILES if folder(each) in (*CAPABILITIES, *SPANNING)]
    return [each for each in found if FILES[each].name != "__init__.py" or "stores" in each]


def entrances() -> list[str]:
    return [*(each for each in layered() if layer(each) == "entrances"), f"{CORE}.web.routes"]


def pure() -> list[str]:
    return sorted({*(each for each in layered() if layer(each) == "pure"), *PURE_ELSEWHERE})


def test_there_are_no_cycles() -> None:
    graph = {module: {each for each in direct(module) if each in FILES} for module in FILES}
    for module, ours in graph.items():
        ours.discard(module)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as cycle:
        pytest.fail(f"a cycle of imports: {' → '.join(cycle.args[1])}", pytrace=False)


@pytest.mark.parametrize("module", sorted(FILES.keys() - {"app", CORE}))
def test_a_folder_imports_from_below(module: str) -> None:
    level = {each: at for at, names in enumerate(LEVELS) for each in names}
    above = [
        each
        for each in direct(module)
        if each in FILES and each != CORE and level[folder(each)] > level[folder(module)]
    ]
    assert above == []


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_capabilities_never_reach_each_other(capability: str) -> None:
    others = tuple(f"{CORE}.{each}" for each in CAPABILITIES if each != capability)
    found = {
        module: foreign
        for module in FILES
        if folder(module) == capability
        and (foreign := sorted(each for each in reached(module) if each.startswith(others)))
    }
    assert found == {}


@pytest.mark.parametrize("module", layered())
def test_each_module_belongs_to_a_layer_and_imports_from_it_or_below(module: str) -> None:
    assert layer(module), f"{module}: name its layer in LAYERS"
    order = list(LAYERS)
    above = [
        each
        for each in direct(module)
        if each in FILES and layer(each) and order.index(layer(each)) > order.index(layer(module))
    ]
    assert above == []


@pytest.mark.parametrize("module", pure())
def test_a_pure_module_reaches_nothing_that_is_not(module: str) -> None:
    ours = {each for each in reached(module) if each in FILES} - PURE_MAY_IMPORT
    assert ours - set(pure()) == set()
    assert top(direct(module)) & {*IMPURE, "boto3", "botocore", "chalice", "pydantic"} == set()
    names = {node.id for node in ast.walk(tree(FILES[module])) if isinstance(node, ast.Name)}
    called = {
        node.attr for node in ast.walk(tree(FILES[module])) if isinstance(node, ast.Attribute)
    }
    assert names & {"current"} == set(), "settings are arguments"
    assert called & {"now", "today", "utcnow"} == set(), "the time is an argument"


@pytest.mark.parametrize("module", [each for each in layered() if layer(each) == "services"])
def test_a_service_knows_no_http(module: str) -> None:
    found = reached(module)
    assert [each for each in found if each.startswith(f"{CORE}.http")] == []
    assert top(found) & {"chalice", "pydantic"} == set()


@pytest.mark.parametrize("module", entrances())
def test_an_entrance_holds_no_decisions(module: str) -> None:
    """Check that an entrance only calls services: it touches no table and moves no state."""
    barred = ("workflow", "ledger", "erasure", "clock", "counting", "ranking", "reactions")
    ours = {each for each in direct(module) if each in FILES}
    assert [each for each in ours if layer(each) == "stores" and ".stores" in each] == []
    assert [each for each in ours if each.rpartition(".")[2] in barred] == []
    assert f"{CORE}.aws" not in ours


@pytest.mark.parametrize("module", [each for each in FILES if folder(each) != "http"])
def test_http_alone_knows_status_codes(module: str) -> None:
    numbers = {
        node.value
        for node in ast.walk(tree(FILES[module]))
        if isinstance(node, ast.keyword) and node.arg in ("status", "errors")
        for node in ast.walk(node.value)
        if isinstance(node, ast.Constant) and isinstance(node.value, int)
    }
    assert numbers == set()


@pytest.mark.parametrize("module", [f"{CORE}.{each}" for each in STREAM_FUNCTIONS])
def test_stream_functions_import_no_pydantic(module: str) -> None:
    assert "pydantic" not in top(reached(module))


@pytest.mark.parametrize("module", list(FILES))
def test_libraries_have_their_places(module: str) -> None:
    used, part = top(direct(module)), module.rpartition(".")[2]
    if "boto3" in used:
        assert module == f"{CORE}.aws"
    if "botocore" in used:
        assert module in {
            f"{CORE}.{name}" for name in ("aws", "outbox.delivery", "outbox.suppression")
        }
    if "chalice" in used:
        assert module in ("app", f"{CORE}.api") or folder(module) == "http"
    if "pydantic" in used:
        assert folder(module) == "http" or part in LAYERS["entrances"]


@pytest.mark.parametrize("module", list(OPERATORS))
def test_operators_commands_call_services(module: str) -> None:
    """Check that the operators' commands call services, without entrances or stores.

    They may name a model's types, and may look at the outbox, which has no service. What deals with
    items as they are stored, whatever they mean, knows the stores: formats and a restore.
    """
    ours = {each for each in imported(OPERATORS[module]) if each in FILES}
    beneath = [each for each in ours if ".stores" in each or each.endswith(".workflow")]
    assert beneath == [] or module in ("ops.kinds", "ops.since", "ops.writing_back")
    assert [each for each in ours if layer(each) == "entrances"] == []


def test_what_exists_once() -> None:
    """Check that one module has the retry loop, the redirect, the guards and the environment."""
    loops = [
        module
        for module, file in FILES.items()
        for loop in ast.walk(tree(file))
        if isinstance(loop, ast.For) and "range" in ast.unparse(loop.iter)
        for caught in ast.walk(loop)
        if isinstance(caught, ast.ExceptHandler) and "Cancelled" in ast.unparse(caught.type or loop)
    ]
    assert loops == [f"{CORE}.aws"]
    texts = {module: file.read_text() for module, file in FILES.items()}
    assert [module for module, text in texts.items() if "Reply(status=SEE_OTHER" in text] == [
        f"{CORE}.http.replies"
    ]
    assert [module for module, text in texts.items() if "challenges.REFUSED" in text] == [
        f"{CORE}.guards"
    ]
    assert [module for module, text in texts.items() if "os.environ" in text] == [
        f"{CORE}.settings"
    ]


def test_the_map_fits_one_screen() -> None:
    assert len((ROOT / "app.py").read_text().splitlines()) <= 100


def test_the_page_of_the_architecture_states_the_rules() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    for names in (*LAYERS.values(), *LEVELS):
        assert [each for each in names if f"`{each}`" not in page] == []

"""Which modules with routes a Lambda function imports, and when."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import app
from chalicelib.http.inventory import INVENTORY
from tests.events import api_event

ROOT = Path(__file__).parent.parent
# Runs a function in a process of its own. It prints which modules with routes were imported at its
# start and after all requests.
LOOK = """
import json, os, sys
from types import SimpleNamespace
os.environ["_HANDLER"] = sys.argv[1]
import app

def opened():
    ours = [name[11:] for name in sys.modules if name.startswith("chalicelib.")]
    return sorted(name for name in ours if name.endswith((".routes", ".api", ".pages")))

start, invocation = opened(), SimpleNamespace(aws_request_id="1")
answers = [app.app(event, invocation) for event in json.loads(sys.argv[2])]
told = {"start": start, "end": opened(), "pydantic": "pydantic" in sys.modules}
told["statuses"] = [each["statusCode"] for each in answers]
told["bodies"] = [each["body"] for each in answers]
print("\\n" + json.dumps(told))
"""
ARTICLES = ["articles.routes"]


def look(function: str, *urls: str, method: str = "OPTIONS") -> dict[str, Any]:
    events = json.dumps([api_event(method, url) for url in urls])
    command = [sys.executable, "-c", LOOK, function, events]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.parametrize("path", sorted(INVENTORY))
def test_the_first_part_of_a_path_leads_to_its_routes(path: str) -> None:
    modules = app.ENTRANCES.get(path.split("/")[1], app.ENTRANCES[""])
    views = {route.view.__module__ for route in INVENTORY[path].values()}
    assert views <= {f"chalicelib.{module}" for module in modules}


def test_the_api_starts_with_the_articles_and_imports_the_others_as_they_are_asked_for() -> None:
    told = look("app.app", "/hotline", "/callbacks")
    assert told["start"] == ARTICLES
    assert told["statuses"] == [204, 204]
    assert told["end"] == [*ARTICLES, "callbacks.routes"]


@pytest.mark.parametrize(
    "url", ["/newsletter/signups", "/callbacks", "/articles/popular", "/health", "/altcha.js"]
)
def test_whatever_is_asked_first_is_answered(slow: None, url: str) -> None:
    assert look("app.app", url)["statuses"] == [204]


def test_the_staffs_pages_come_in_together(slow: None) -> None:
    told = look("app.app", "/staff/search")
    assert told["statuses"] == [401]
    assert {*ARTICLES, *app.ENTRANCES["staff"]} <= set(told["end"])


def test_the_contract_is_the_same_whatever_was_asked_before(slow: None) -> None:
    first = look("app.app", "/openapi.json", method="GET")
    late = look("app.app", "/staff", "/hotline", "/openapi.json", method="GET")
    assert first["bodies"][0] == late["bodies"][2]
    assert set(json.loads(first["bodies"][0])["paths"]) == set(INVENTORY)


def test_a_triggers_function_imports_no_routes() -> None:
    told = look("app.deliver_messages")
    assert (told["start"], told["pydantic"]) == ([], False)


def test_a_packager_has_them_all() -> None:
    assert set(app.app.routes) == set(INVENTORY)

"""The smoke test waits for a stage that settles, and tells one that is wrong from one astray."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from infra import smoke
from infra.target import NotDone, Target
from local import ports

ORIGIN, NUMBER = "https://www.firma.de", "+4979302699"
BODIES: dict[str, tuple[int, Any]] = {
    "/health": (200, {"stage": "dev"}),
    "/articles/popular": (200, {"articles": []}),
    "/hotline": (200, {"number": NUMBER}),
    "/callbacks/slots": (200, {"slots": []}),
    "/newsletter/signups": (204, None),
    "/nothing-is-here": (404, {"code": "not_found"}),
    "/staff/callbacks": (401, {}),
    "/staff/subscribers": (401, {}),
}


class Stage(ThreadingHTTPServer):
    """A stage that answers some requests with something else first."""

    def __init__(self) -> None:
        self.wrong: list[tuple[int, bytes]] = []
        stage = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                status, known = BODIES[self.path]
                body = json.dumps(known).encode()
                if stage.wrong:
                    status, body = stage.wrong.pop(0)
                self.send_response(status)
                self.send_header("Access-Control-Allow-Origin", ORIGIN)
                self.end_headers()
                if status != 204:
                    self.wfile.write(body)

            do_GET = do_OPTIONS = _answer

            def log_message(self, *_: object) -> None:
                pass

        super().__init__((ports.HOST, 0), Handler)
        self.url = f"http://{ports.HOST}:{self.server_port}"


@pytest.fixture
def stage() -> Iterator[Stage]:
    started = Stage()
    threading.Thread(target=started.serve_forever, args=(0.01,), daemon=True).start()
    yield started
    started.shutdown()
    started.server_close()


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    settings = {"HOTLINE_NUMBER": NUMBER, "SITE_ORIGINS": ORIGIN}
    (tmp_path / ".chalice").mkdir()
    (tmp_path / ".chalice" / "config.json").write_text(
        json.dumps({"stages": {"dev": {"environment_variables": settings}}})
    )
    monkeypatch.setattr(smoke, "PAUSE", 0.01)
    monkeypatch.setattr(smoke, "SETTLING", 0.3)
    return Target(tmp_path, "dev")


def ask(target: Target, url: str) -> None:
    for change in smoke.changes(target, url):
        assert change.do
        change.do()


def test_a_stage_that_settles_is_waited_for(
    stage: Stage,
    target: Target,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(smoke, "SETTLING", 60.0)
    stage.wrong = [
        (403, b'{"message": "Missing Authentication Token"}'),  # a gateway that is not there yet
        (200, b"<html>a parked domain</html>"),
        (200, b"[]"),
        (502, b""),
    ]
    ask(target, stage.url)
    assert stage.wrong == []
    assert capsys.readouterr().out.count("not yet: 403") == 1


@pytest.mark.parametrize(
    "body", [b'{"stage": "prod"}', b"null", b"\xff", b"[1]", b'{"stage": {"dev": 1}}', b""]
)
def test_a_stage_that_stays_wrong_does_not_serve(stage: Stage, target: Target, body: bytes) -> None:
    stage.wrong = [(200, body)] * 1000
    with pytest.raises(smoke.Unserved, match="/health does not answer as it should: "):
        ask(target, stage.url)


@pytest.mark.parametrize("path", BODIES)
def test_each_answer_counts(
    stage: Stage, target: Target, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smoke, "SETTLING", 0.0)
    monkeypatch.setitem(BODIES, path, (500, {}))
    ask_all = pytest.raises(smoke.Unserved, match=path)
    if path == "/newsletter/signups":  # a preflight counts by its header alone
        ask(target, stage.url)
        return
    with ask_all:
        ask(target, stage.url)


def test_an_address_that_leads_nowhere_says_nothing_of_the_deployment(target: Target) -> None:
    with pytest.raises(NotDone) as told:
        ask(target, "http://contact.firma.invalid")
    assert not isinstance(told.value, smoke.Unserved)


def test_a_stage_that_refuses_connections_does_not_serve(target: Target) -> None:
    with pytest.raises(smoke.Unserved, match="URLError"):
        ask(target, f"http://{ports.HOST}:{ports.free(0, 'nobody')}")

"""One poison record among a batch of a hundred.

It is set aside alone, counted and alarmed. Once the bug is mended, a redrive delivers it.
"""

import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import boto3
import pytest

import app
from infra import alarms, config
from tests.backend import Backend
from tests.edge.test_newsletter import sign_up
from tests.events import Context
from tests.infra.test_watching import matches
from tests.ops.commands import ops

BATCH = 100


class DeliverMessages(BaseHTTPRequestHandler):
    """The function `deliver_messages` in this process, as the emulator calls it."""

    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers["content-length"])))
        app.deliver_messages(event, Context())
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def deployed(stage: str) -> Iterator[None]:
    """Create the function `deliver_messages` of a stage, for those who invoke it by name."""
    server = HTTPServer(("127.0.0.1", 0), DeliverMessages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as packed:
        packed.writestr("app.py", "")
    client, name = boto3.client("lambda"), config.function_name(stage, "deliver_messages")
    client.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role="arn:aws:iam::000000000000:role/none",
        Handler="app.deliver_messages",
        Code={"ZipFile": code.getvalue()},
        Environment={
            "Variables": {"MINISTACK_LAMBDA_PROXY_URL": f"http://127.0.0.1:{server.server_port}/"}
        },
    )
    try:
        yield
    finally:
        client.delete_function(FunctionName=name)
        server.shutdown()
        server.server_close()


def poisoned(key: str) -> Callable[..., None]:
    """Return a handler that fails on one message, whenever it is read."""

    def meet(request: Any, **_: Any) -> None:
        if json.loads(request.body).get("Key", {}).get("pk", {}).get("S") == key:
            raise RuntimeError("what nobody foresaw")

    return meet


@pytest.mark.soak
def test_one_in_a_hundred(backend: Backend, capsys: pytest.CaptureFixture[str]) -> None:
    backend.configure(LIMIT_SIGNUPS_PER_CALLER="1000")
    for number in range(BATCH):
        assert sign_up(backend, f"beside-poison-{number}@example.org").status == 202
    batch = [each for each in backend.records() if each["eventID"].startswith("MSG#")]
    poison = batch[41]["eventID"]
    capsys.readouterr()

    def sent() -> int:
        return list(backend.states().values()).count("sent")

    with deployed(backend.env["STAGE"]):
        with backend.hooked("dynamodb", "before-send.dynamodb.GetItem", poisoned(poison)):
            app.deliver_messages({"Records": batch}, Context())
        lines = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
        assert (len(batch), sent()) == (BATCH, BATCH - 1)
        assert [each["event"] for each in lines] == ["record.quarantined"]
        (alarmed,) = (each.name for each in alarms.MEASURES if matches(each.pattern, lines[0]))
        status = ops("status")
        assert (status.exit_code, "1 dead letter" in status.output) == (1, True)
        with backend.hooked("dynamodb", "before-send.dynamodb.GetItem", poisoned(poison)):
            unmended = ops("redrive")
        assert (unmended.exit_code, unmended.output.splitlines()[-1]) == (
            1,
            "1 handed on, 0 not done, 1 set aside again",
        )
        assert sent() == BATCH - 1
        mended = ops("redrive")
    assert (mended.exit_code, mended.output) == (0, "1 handed on, 0 not done, 0 set aside again\n")
    assert sent() == BATCH
    mails = [
        to
        for each in backend.messages()
        for to in each.get("to", ())
        if to.startswith("beside-poison-")
    ]
    assert sorted(mails) == sorted(f"beside-poison-{number}@example.org" for number in range(BATCH))
    with capsys.disabled():
        aside = f"1 set aside, alarm {alarmed}; redriven: {sent()}"
        print(f"\npoison: {BATCH - 1} of {BATCH} done beside it, {aside}")

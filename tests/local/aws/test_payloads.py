"""What a function may answer, to the byte, and where that is enforced."""

import json
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from local import ports, worker
from local.aws import payloads
from local.cloud import Cloud
from tests.backend import Backend

FUNCTIONS = ModuleType("functions")
FUNCTIONS.fits = lambda event, context: "x" * (payloads.LARGEST - 2)  # type: ignore[attr-defined]
FUNCTIONS.too_large = lambda event, context: "x" * (payloads.LARGEST - 1)  # type: ignore[attr-defined]


@pytest.fixture
def live() -> Iterator[str]:
    """Run a worker in a thread and return its address."""
    lifeline, alive = os.pipe()
    with ports.listen(0, "worker") as listener:
        functions = worker.Functions(FUNCTIONS, None)
        thread = threading.Thread(target=worker.serve, args=(listener, lifeline, functions))
        thread.start()
        yield "http://{}:{}".format(*listener.getsockname())
        os.close(alive)
        thread.join(10)
    os.close(lifeline)


def failed(url: str, body: bytes | None = None) -> tuple[int, str, Any]:
    """Return status, content type and JSON of a request that fails."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url, body)
    with caught.value as answer:
        return answer.code, answer.headers["Content-Type"], json.load(answer)


def test_a_live_function_fails_beyond_it(live: str) -> None:
    with urllib.request.urlopen(f"{live}/fits", b"{}") as answer:
        assert len(answer.read()) == payloads.LARGEST
    status, _, said = failed(f"{live}/too_large", b"{}")
    assert (status, said["errorType"]) == (500, "Function.ResponseSizeTooLarge")


def test_the_gateway_answers_for_it(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payloads, "LARGEST", 200)
    status, kind, _ = failed(f"{cloud.api}/health")
    assert (status, kind) == (503, "application/problem+json")


def test_a_call_in_process_is_answered_alike(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert backend.call("GET", "/health").status == 200
    monkeypatch.setattr(payloads, "LARGEST", 200)
    answer = backend.call("GET", "/health")
    assert (answer.status, answer.headers["content-type"]) == (503, "application/problem+json")


def test_the_largest_payload() -> None:
    assert payloads.refusal(b"x" * 6_291_556) is None
    refused = payloads.refusal(b"x" * 6_291_557)
    assert refused is not None
    assert (refused.code, refused.status) == ("Function.ResponseSizeTooLarge", 502)
    assert "(6291557 bytes)" in refused.message


def test_the_largest_answer() -> None:
    headers = {"Content-Type": "text/csv"}
    answer = {"statusCode": 200, "headers": headers, "body": "", "isBase64Encoded": False}
    left = payloads.LARGEST - len(json.dumps(answer))
    assert payloads.refusal_of_answer(200, headers, b"x" * left) is None
    assert payloads.refusal_of_answer(200, headers, b"x" * (left + 1)) is not None
    # A quote takes two bytes in JSON, another letter six.
    assert payloads.refusal_of_answer(200, headers, b'"' * (left // 2 + 1)) is not None
    assert payloads.refusal_of_answer(200, headers, "ü".encode() * (left // 6 + 1)) is not None
    # Bytes that are no text go as base64.
    assert payloads.refusal_of_answer(200, headers, b"\xff" * (left // 4 * 3 - 9)) is None
    assert payloads.refusal_of_answer(200, headers, b"\xff" * (left // 4 * 3 + 9)) is not None

"""Beyond the maximum of the views' tables, views are refused at once; all else goes on."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

import app
from chalicelib import aws
from chalicelib.errors import Unavailable
from tests.backend import ORIGIN, Backend
from tests.events import Context

SAYS = "Throughput exceeds the maximum OnDemandThroughput configured on table or index"
SIGNUP = {"email": "flooded@example.org", "consent": "newsletter-de-1"}
CALLBACK = {"name": "Eva", "phone": "07930 2000", "consent": "callback-de-1"}


@contextmanager
def beyond(backend: Backend, *tables: str) -> Iterator[list[str]]:
    """Have DynamoDB refuse what asks for one of these tables, as it documents; yield the calls."""
    names = [backend.env[each] for each in tables]
    refused: list[str] = []

    def refuse(request: Any, **_: Any) -> AWSResponse | None:
        if not any(name.encode() in request.body for name in names):
            return None
        refused.append(request.headers["X-Amz-Target"].decode().rpartition(".")[2])
        error = {"__type": "com.amazon.coral.availability#ThrottlingException", "message": SAYS}
        body = json.dumps(error).encode()
        answer = AWSResponse(request.url, 400, {}, None)
        answer._content = body
        return answer

    with backend.hooked("dynamodb", "before-send.dynamodb", refuse):
        yield refused


BOTH = ("VIEW_MARKERS_TABLE", "VIEW_COUNTS_TABLE")


def test_a_view_is_refused_at_once_and_one_after_the_flood_counts(backend: Backend) -> None:
    assert backend.call("POST", "/articles/gold/views").status == 204
    with beyond(backend, *BOTH) as refused:
        answer = backend.call("POST", "/articles/gold/views", client_ip="192.0.2.9")
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert refused == ["PutItem"]  # once, without waiting for another try
        assert backend.call("GET", "/articles/gold/views").status == 503
        assert len(refused) == 2
    assert backend.call("POST", "/articles/gold/views", client_ip="192.0.2.9").status == 204
    backend.count()
    assert backend.call("GET", "/articles/gold/views").json["views"] == 2


def test_forms_and_the_rest_of_a_page_work_meanwhile(
    backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = "hotline=1&slots=3&consent=newsletter,callbacks&language=de"
    whole = backend.call("GET", f"/page?{asked}").json
    with beyond(backend, *BOTH):
        page = backend.call(
            "GET", f"/page?{asked}&article=gold&popular=7d", headers={"origin": ORIGIN}
        )
        assert (page.status, page.json) == (200, whole)
        assert page.headers["cache-control"] == "no-store"
        assert '"event": "page.without_views"' in capsys.readouterr().out
        assert backend.call("GET", "/page?article=gold").status == 503
        assert backend.call("POST", "/newsletter/signups", SIGNUP).status == 202
        assert backend.call("POST", "/callbacks", CALLBACK).status == 202
        assert backend.call("GET", "/forms/newsletter").status == 200
    assert backend.states() != {}


def test_views_that_were_taken_are_counted_once_the_counts_have_room(backend: Backend) -> None:
    for visitor in range(3):
        backend.call("POST", "/articles/gold/views", client_ip=f"192.0.2.{visitor}")
    batch = {"Records": backend.records("VIEW_MARKERS_TABLE")}
    with beyond(backend, "VIEW_COUNTS_TABLE"), pytest.raises(Unavailable):
        app.count_views(batch, Context())  # the stream brings the batch again
    app.count_views(batch, Context())
    app.count_views(batch, Context())
    assert backend.call("GET", "/articles/gold/views").json["views"] == 3


def test_another_throttle_is_tried_again(backend: Backend) -> None:
    """Check that a hot key, which passes by itself, is waited for."""
    told: list[str] = []

    def refuse_once(request: Any, **_: Any) -> AWSResponse | None:
        told.append("asked")
        if len(told) > 1:
            return None
        answer = AWSResponse(request.url, 400, {}, None)
        says = {"__type": "ThrottlingException", "message": "Throughput exceeds the current"}
        answer._content = json.dumps(says).encode()
        return answer

    with backend.hooked("dynamodb", "before-send.dynamodb.PutItem", refuse_once):
        aws.write(aws.put(backend.env["VIEW_MARKERS_TABLE"], {"pk": "SALT#x"}))
    assert len(told) == 2

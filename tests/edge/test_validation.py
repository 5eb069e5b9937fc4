"""No call has parameters that botocore would refuse: its own validation is switched off."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from chalicelib import aws
from tests.backend import Backend

SIGNUP = {
    "email": "eva@example.org",
    "consent": "newsletter-de-1",
    "topics": ["news"],
    "language": "de",
    "page": "/",
}
CALLBACK = {
    "name": "Eva",
    "phone": "07930 2000",
    "consent": "callback-de-1",
    "topic": "buying",
    "note": "x",
    "page": "/",
    "email": "eva@example.org",
    "window": {"from": "2026-11-23T09:00:00Z", "to": "2026-11-23T10:00:00Z"},
}
VIEW = {"title": "Gold", "page": "https://www.site.example/gold"}
FORMS: dict[str, dict[str, Any]] = {
    "/newsletter/signups": SIGNUP,
    "/callbacks": CALLBACK,
    "/articles/gold/views": VIEW,
}
# fmt: off
HOSTILE: list[Any] = [
    None, True, 0, -1, 1.5, 10**400, 1e308,
    "", " ", "\0", "\x7f", "\u2028", "x" * 3000, "ä" * 1000, "😀", "{}", "NaN", "{{7*7}}",
    [], [None], [1.5], ["x"] * 100,
    {}, {"S": "x"}, {"a": {"b": [1.5]}},
]
# fmt: on


class Validator:
    """Runs botocore's validation on each call, and keeps its reports."""

    def __init__(self) -> None:
        self.calls = 0
        self.reports: list[str] = []

    def look(self, params: Any, model: Any, **_: Any) -> None:
        self.calls += 1
        report = ParamValidator().validate(params, model.input_shape)
        if report.has_errors():
            self.reports.append(f"{model.name}: {report.generate_report()}")


@pytest.fixture
def validator(backend: Backend) -> Iterator[Validator]:
    found = Validator()
    with backend.hooked("dynamodb", "before-parameter-build.dynamodb", found.look):
        yield found


def bodies() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each form with each field replaced by each hostile value, unknown fields included."""
    for path, form in FORMS.items():
        for field in (*form, "unknown", "altcha", "website", "next"):
            yield from ((path, {**form, field: value}) for value in HOSTILE)


def test_no_call_would_be_refused_by_botocores_validation(
    backend: Backend, validator: Validator, capsys: pytest.CaptureFixture[str]
) -> None:
    backend.configure(LIMIT_PER_CALLER_FACTOR="1000")
    answers: dict[int, int] = {}
    # `configure` made a new client, which has no hooks.
    with backend.hooked("dynamodb", "before-parameter-build.dynamodb", validator.look):
        for path, body in bodies():
            status = backend.call("POST", path, json.dumps(body)).status
            answers[status] = answers.get(status, 0) + 1
    with capsys.disabled():
        requests = f"{sum(answers.values())} requests, by status {answers}"
        print(f"\nvalidated {validator.calls} calls of {requests}")
    assert validator.reports == []
    assert validator.calls > 100
    assert set(answers) <= {202, 204, 400, 413, 422}


def test_the_validator_would_see_it(backend: Backend, validator: Validator) -> None:
    with pytest.raises(ClientError):
        aws.call("put_item", TableName=backend.env["CONTACTS_TABLE"], Item={"pk": {"S": 1}})
    assert len(validator.reports) == 1

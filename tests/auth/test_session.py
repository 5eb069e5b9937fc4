"""Sessions in the table: hashed, ended by time and by hand, and safe from foreign pages."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import aws, instants
from chalicelib.auth import session
from chalicelib.auth.person import Person
from chalicelib.errors import BadToken
from tests.backend import ORIGIN, Backend

ANNA = Person("anna-id", "Anna", "agent")
NOW = instants.now()
MINUTE = timedelta(minutes=1)
OURS = "https://contact.site.example"


def writes(backend: Backend, session_id: str, after: timedelta) -> int:
    """Count the writes that it takes to find a session."""
    seen: list[str] = []

    def note(model: Any, **_: Any) -> None:
        seen.append(model.name)

    with backend.hooked("dynamodb", "before-call.dynamodb", note):
        assert session.find(session_id, NOW + after) == ANNA
    return len([each for each in seen if each != "GetItem"])


def test_the_table_has_no_id_that_opens_anything(backend: Backend) -> None:
    begun = session.begin(ANNA, "cause", NOW)
    assert len(begun) == 43  # 256 bits
    assert begun not in str(backend.items())
    (item,) = backend.items(prefix="SESSION#")
    assert item["pk"] == f"SESSION#{hashlib.sha256(begun.encode()).hexdigest()}"
    assert session.find(item["pk"].removeprefix("SESSION#"), NOW) is None


def test_a_session_ends_after_thirty_idle_minutes(backend: Backend) -> None:
    begun = session.begin(ANNA, "cause", NOW)
    assert session.find(begun, NOW + session.IDLE) is None
    assert session.find(begun, NOW + session.IDLE - MINUTE / 60) == ANNA
    assert session.find(begun, NOW + 2 * session.IDLE - MINUTE) == ANNA
    assert session.find(begun, NOW + 3 * session.IDLE) is None


def test_a_session_ends_after_eight_hours_however_busy(backend: Backend) -> None:
    begun, late = session.begin(ANNA, "cause", NOW), NOW
    while (late := late + 20 * MINUTE) < NOW + timedelta(hours=8):
        assert session.find(begun, late) == ANNA
    assert late == NOW + timedelta(hours=8)
    assert session.find(begun, late) is None
    (item,) = backend.items(prefix="SESSION#")
    # The table removes it then.
    assert item["expires"] == instants.epoch(NOW + timedelta(hours=8))


def test_reading_writes_once_a_minute_at_most(backend: Backend) -> None:
    begun = session.begin(ANNA, "cause", NOW)
    found = [
        writes(backend, begun, seconds * timedelta(seconds=1))
        for seconds in (0, 30, 59, 60, 61, 119, 120)
    ]
    assert found == [0, 0, 0, 1, 0, 0, 1]


def test_whoever_signs_out_while_a_request_runs_stays_signed_out(backend: Backend) -> None:
    begun = session.begin(ANNA, "cause", NOW)

    def sign_out(**_: Any) -> None:
        aws.client("dynamodb").delete_item(
            TableName=backend.env["CONTACTS_TABLE"],
            Key={
                "pk": {"S": f"SESSION#{hashlib.sha256(begun.encode()).hexdigest()}"},
                "sk": {"S": "SESSION"},
            },
        )

    with backend.hooked("dynamodb", "before-call.dynamodb.UpdateItem", sign_out):
        assert session.find(begun, NOW + 5 * MINUTE) is None
    assert backend.items(prefix="SESSION#") == []


def test_what_brought_a_session_about_does_so_once(backend: Backend) -> None:
    session.begin(ANNA, "cause", NOW)
    with pytest.raises(BadToken):
        session.begin(ANNA, "cause", NOW)
    assert len(backend.items(prefix="SESSION#")) == 1


def test_the_cookie_opens_pages_and_is_this_hosts_alone(backend: Backend) -> None:
    begun = session.begin(ANNA, "cause", instants.now())
    assert session.cookie(begun).startswith(
        f"__Host-staff={begun}; Path=/; Max-Age=28800; HttpOnly"
    )
    assert backend.call("GET", "/staff", headers={"cookie": f"__Host-staff={begun}"}).status == 200
    assert backend.call("GET", "/staff", headers={"cookie": f"staff={begun}"}).status == 401


def test_a_change_has_to_come_from_a_page_of_ours(backend: Backend) -> None:
    """Check that a change needs the origin of our pages besides the cookie.

    The cookie comes along whoever makes the browser send the request.
    """
    begun = session.begin(ANNA, "cause", instants.now())
    cookie = {"cookie": f"__Host-staff={begun}"}
    foreign = (
        "null",
        "",
        ORIGIN,
        "https://evil.example",
        f"{OURS}.evil.example",
        OURS.upper(),
        f"{OURS}:443",
        f"{OURS}/",
    )
    for headers in (cookie, *({**cookie, "origin": origin} for origin in foreign)):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            refused = backend.call(method, "/staff/sign-out", headers=headers)
            assert (refused.status, refused.json["code"]) == (403, "origin")
    assert session.find(begun, instants.now()) == ANNA
    done = backend.call("POST", "/staff/sign-out", headers={**cookie, "origin": OURS})
    assert done.status == 200


def test_signing_out_ends_the_session(backend: Backend) -> None:
    begun = session.begin(ANNA, "cause", instants.now())
    ours = {"cookie": f"__Host-staff={begun}", "origin": OURS}
    done = backend.call("POST", "/staff/sign-out", headers=ours)
    assert done.headers["set-cookie"].startswith("__Host-staff=; Path=/; Max-Age=0")
    assert "Abgemeldet" in done.text
    assert "Anna" not in done.text
    assert backend.items(prefix="SESSION#") == []
    assert backend.call("GET", "/staff", headers=ours).status == 401
    assert backend.call("POST", "/staff/sign-out", headers=ours).status == 401  # a second press


def test_a_person_who_opens_a_page_is_led_to_the_sign_in(backend: Backend) -> None:
    browser = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8", "accept-language": "en"}
    led = backend.call("GET", "/staff/subscribers?domain=b.example&x=%C3%A4", headers=browser)
    assert led.status == 303
    then = "%2Fstaff%2Fsubscribers%3Fdomain%3Db.example%26x%3D%25C3%25A4"
    assert led.headers["location"] == f"{OURS}/staff/sign-in?next={then}&language=en"
    script = {**browser, "sec-fetch-mode": "cors"}
    for method, headers in (("POST", browser), ("GET", {}), ("GET", script), ("HEAD", browser)):
        assert backend.call(method, "/staff", headers=headers).status == 401


def test_a_page_loads_nothing_from_others_and_is_kept_nowhere(backend: Backend) -> None:
    begun = session.begin(ANNA, "cause", instants.now())
    pages = [
        backend.call("GET", "/staff", headers={"cookie": f"__Host-staff={begun}"}) for _ in range(2)
    ]
    for page in pages:
        policy = dict(
            each.strip().partition(" ")[::2]
            for each in page.headers["content-security-policy"].split(";")
        )
        nonce = policy["style-src"]
        assert policy == {
            "default-src": "'none'",
            "style-src": nonce,
            "script-src": nonce,
            "img-src": "'self' data:",
            "connect-src": "'self'",
            "form-action": "'self'",
            "base-uri": "'none'",
            "frame-ancestors": "'none'",
        }
        assert f'nonce="{nonce[7:-1]}"' in page.text
        assert (page.headers["cache-control"], page.headers["referrer-policy"]) == (
            "no-store",
            "same-origin",
        )
    assert (
        pages[0].headers["content-security-policy"] != pages[1].headers["content-security-policy"]
    )


def test_a_name_is_no_markup(backend: Backend) -> None:
    begun = session.begin(Person("x", "<img src=x onerror=1>", "agent"), "cause", instants.now())
    page = backend.call("GET", "/staff", headers={"cookie": f"__Host-staff={begun}"})
    assert "&lt;img" in page.text
    assert "<img" not in page.text

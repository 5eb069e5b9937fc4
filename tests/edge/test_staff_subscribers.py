"""The staff list subscribers, find one by address, and act on the record; programs get JSON."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from chalicelib import aws, instants
from chalicelib.newsletter import model
from chalicelib.newsletter import service as newsletter
from chalicelib.newsletter.filters import Filter
from chalicelib.newsletter.keys import key_of
from chalicelib.newsletter.model import State, Subscriber
from chalicelib.newsletter.staff import service
from chalicelib.newsletter.staff.service import Who
from chalicelib.newsletter.stores import items, listed
from tests.backend import Backend
from tests.edge.staff import Agent
from tests.edge.test_newsletter import sign_up
from tests.edge.test_staff_figures import look
from tests.edge.test_staff_numbers import led, send
from tests.edge.test_subscription import link, post, subscribe
from tests.events import Answer
from tests.scale import Scale

PATH = "/staff/subscribers"
SEARCH = f"{PATH}/search"
EVA = "eva@example.org"
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
STATES: tuple[State, ...] = get_args(State)


@pytest.fixture
def sam(backend: Backend) -> Agent:
    backend.configure(STAGE="local", STAFF_TEST_KEY="key")
    return Agent(backend, "Sam", "supervisor")


@pytest.fixture
def anna(sam: Agent) -> Agent:
    return Agent(sam.backend)


def find(who: Agent, email: str) -> Answer:
    return send(who, SEARCH, f"email={quote(email)}")


def made(name: str, state: State = "confirmed", **more: Any) -> Subscriber:
    """Return a subscriber of a name, who came into the state at NOW unless told otherwise."""
    at = more.pop("at", NOW)
    ended = None if state in ("pending", "confirmed") else at
    asked = {"asked_at": at, "since": at, "ended_at": ended, "language": "de", "topics": ("news",)}
    asked |= {"email": name if "@" in name else f"{name}@example.org"}
    if state == "confirmed":
        asked["confirmed_at"] = at
    if state == "refused":
        asked["refused_at"] = at
    values = {**asked, **more}
    return Subscriber(key=key_of(asked["email"]), state=state, consent="newsletter-de-1", **values)


def put(backend: Backend, *stored: Subscriber) -> None:
    """Store subscribers as they are, many at once."""
    table = backend.env["CONTACTS_TABLE"]
    for at in range(0, len(stored), 25):
        lot = [items.pack(each, "0" * 64, instants.now()) for each in stored[at : at + 25]]
        puts = [{"PutRequest": {"Item": aws.pack_item(item)}} for item in lot]
        answer = aws.client("dynamodb").batch_write_item(RequestItems={table: puts})
        assert not answer["UnprocessedItems"]


def ledger(backend: Backend, key: str) -> list[dict[str, Any]]:
    found = [each for each in backend.items(prefix=f"SUB#{key}") if "event" in each]
    return sorted(found, key=lambda each: int(each["version"]))


def told(capsys: pytest.CaptureFixture[str], event: str) -> list[dict[str, Any]]:
    lines = [json.loads(each) for each in capsys.readouterr().out.splitlines() if each[:1] == "{"]
    return [each for each in lines if each["event"] == event]


# The search for an address


def test_from_the_address_to_the_proof_without_the_address_in_a_link(sam: Agent) -> None:
    subscribe(sam.backend, EVA)
    path = led(find(sam, "Eva@Example.org"))
    assert path == f"{PATH}/{key_of(EVA)}"
    shown = look(sam, path).text
    for said in (EVA, "bestätigt", "newsletter-de-1", "Anmeldung bestätigt"):
        assert said in shown
    assert "Nachweis der Einwilligung" in look(sam, f"{path}/proof").text
    assert EVA not in "".join(re.findall(r'(?:href|action)="([^"]*)"', shown))


@pytest.mark.parametrize(
    "typed",
    [
        " eva@example.org ",
        "EVA@EXAMPLE.ORG",
        "\u200beva@example.org\u00a0",
        "Eva Muster <eva@example.org>",
        "mailto:eva@example.org",
        "eva@example。org",
        "eva\u00ad@\u200bexample.org",
    ],
)
def test_an_address_is_found_however_it_is_typed(sam: Agent, typed: str) -> None:
    put(sam.backend, made("eva"))
    assert led(find(sam, typed)) == f"{PATH}/{key_of(EVA)}"
    found = sam.post(SEARCH, email=typed).json
    assert [each["email"] for each in found["subscribers"]] == [EVA]
    assert found["counts"]["confirmed"] == 1


def test_umlaut_domains_and_tags_are_told_apart_as_the_key_does(sam: Agent) -> None:
    put(sam.backend, made("eva@müller.example"), made("eva+news@example.org"))
    for typed, is_there in (
        ("eva@xn--mller-kva.example", True),
        ("EVA@MU\u0308LLER.example", True),
        ("eva+news@example.org", True),
        ("eva%2Bnews@example.org", False),
        ("eva@example.org", False),
    ):
        assert find(sam, typed).status == (303 if is_there else 404), typed
        assert len(sam.post(SEARCH, email=typed).json["subscribers"]) == is_there, typed


def test_who_is_not_there_and_what_is_no_address(sam: Agent) -> None:
    no_address = "Bitte eine gültige E-Mail-Adresse angeben."
    for email, status, said in (
        ("nobody@example.org", 404, "Zu dieser Adresse ist nichts gespeichert."),
        ("nonsense", 422, no_address),
        ("eva @example.org", 422, no_address),
        ("eva@", 422, no_address),
        ("%", 422, no_address),
        ("eva@example.org, bob@example.org", 422, no_address),
        ("x" * 5000 + "@example.org", 422, "zu lang"),
        ("jörg@example.org", 422, "vor dem @"),
        ("eva\x07@example.org", 422, "Steuerzeichen"),
        ("🦊@example.org", 422, "vor dem @"),
        ('"><script>alert(1)</script>', 422, "&lt;script&gt;"),
    ):
        answer = find(sam, email)
        assert (answer.status, said in answer.text) == (status, True), (email, answer.text[-900:])
        program = sam.post(SEARCH, email=email)
        assert program.status == (200 if status == 404 else 422), email
    assert look(sam, f"{PATH}/x").status == 404
    for page in ("erase", "unsubscribe", "proof", "data"):
        assert look(sam, f"{PATH}/x/{page}").status == 404, page
    assert find(sam, "").headers["location"].endswith(f"{PATH}?")


def test_no_query_takes_an_address(sam: Agent) -> None:
    put(sam.backend, made("eva"), made("bob"))
    for page in (look(sam, f"{PATH}?email={EVA}"), look(sam, PATH)):
        assert page.status == 200
        assert "bob@example.org" in page.text  # the address in the query has no effect
    assert sam.get(f"/staff/numbers?phone={quote('07930 2000')}").status == 405
    assert look(sam, SEARCH).headers["location"].endswith(PATH)


# The list


def walk(who: Agent, **filters: str) -> Iterator[dict[str, Any]]:
    """Yield every page of the list, as a program gets them."""
    cursor: str | None = ""
    while cursor is not None:
        page: dict[str, Any] = who.post(SEARCH, **filters, cursor=cursor).json
        yield page
        cursor = page["cursor"]


def emails(pages: Iterator[dict[str, Any]]) -> list[str]:
    return [each["email"] for page in pages for each in page["subscribers"]]


def mixed() -> list[Subscriber]:
    """Return 120 subscribers of every state, language and topic, one a minute, some at once."""
    topics = (("news",), ("products", "news"), ("offers",))
    domains = ("example.org", "example.org.evil.example", "müller.example", "sub.example.org")
    found = []
    for number in range(120):
        at = instants.now() - timedelta(minutes=number // 3)
        found.append(
            made(
                f"r{number}@{domains[number % 4]}",
                STATES[number % 6],
                at=at,
                topics=topics[number % 3],
                language=("de", "en")[number % 5 == 0],
            )
        )
    return found


FILTERS: dict[str, Callable[[Subscriber], bool]] = {
    "": lambda each: True,
    "state=confirmed": lambda each: each.state == "confirmed",
    "state=refused": lambda each: each.state == "refused",
    "topic=news": lambda each: "news" in each.topics,
    "language=en": lambda each: each.language == "en",
    "domain=example.org": lambda each: each.email.endswith("@example.org"),
    "domain=@EXAMPLE.org.": lambda each: each.email.endswith("@example.org"),
    "domain=MÜLLER.example": lambda each: each.email.endswith("@müller.example"),
    "domain=xn--mller-kva.example": lambda each: each.email.endswith("@müller.example"),
    "domain=%25": lambda each: False,
    "state=pending&topic=products&language=de": lambda each: (
        (each.state, each.language) == ("pending", "de") and "products" in each.topics
    ),
    "from=2026-01-01&to=2100-12-31": lambda each: True,
    "to=2026-01-01": lambda each: False,
    "from=2100-12-31": lambda each: False,
}


def test_each_filter_finds_those_it_describes_the_latest_first(sam: Agent) -> None:
    stored = mixed()
    put(sam.backend, *stored)
    found_in_all = 0
    for query, is_meant in FILTERS.items():
        filters = {name: values[0] for name, values in parse_qs(query).items()}
        pages = list(walk(sam, **filters))
        meant = [each for each in stored if is_meant(each)]
        rows = [each for page in pages for each in page["subscribers"]]
        assert sorted(each["email"] for each in rows) == sorted(each.email for each in meant), query
        when = [each["confirmed_at"] or each["ended_at"] or each["asked_at"] for each in rows]
        assert when == sorted(when, reverse=True), query
        assert [page["counts"] is None for page in pages] == [False] + [True] * (len(pages) - 1)
        # The counts are of each state, whichever one is listed.
        others = {name: value for name, value in filters.items() if name != "state"}
        every = FILTERS.get(urlencode(others))
        if every:
            by_state = Counter(each.state for each in stored if every(each))
            assert pages[0]["counts"] == {state: by_state[state] for state in STATES}, query
        assert pages[0]["counts_complete"] is True
        html = look(sam, f"{PATH}?{query.replace('language', 'subscriber_language')}").text
        assert '<html lang="de">' in html
        assert html.count('<th scope="row">') == min(len(meant), 50), query
        assert ("Dazu wurde niemand gefunden." in html) is (not meant), query
        found_in_all += len(rows)
    print(f"\nfilters {len(FILTERS)} · subscribers {len(stored)} · found {found_in_all}")


def test_the_page_leads_through_all_of_the_list_and_its_links_keep_the_filters(sam: Agent) -> None:
    put(sam.backend, *(made(f"r{number}", at=NOW) for number in range(101)))  # all at once
    seen: list[str] = []
    path, pages = f"{PATH}?domain=example.org&topic=news", 0
    while path:
        page = look(sam, path)
        assert page.status == 200
        pages += 1
        seen += re.findall(r">(r\d+@example\.org)<", page.text)
        older = re.search(r'href="[^"]*?(/staff/[^"]+)">Ältere anzeigen', page.text)
        path = older[1].replace("&amp;", "&") if older else ""
        for file in re.findall(r'href="([^"]+subscribers\.csv[^"]*)"', page.text):
            query = parse_qs(urlsplit(file.replace("&amp;", "&")).query)
            assert (query["domain"], query["topic"]) == (["example.org"], ["news"])
            assert "cursor" not in query
    assert (len(seen), len(set(seen)), pages) == (101, 101, 3)


def test_a_day_begins_and_ends_by_the_clock_of_the_company(sam: Agent) -> None:
    """Check the first and last millisecond of a day, and the days on which the clock changes."""
    for day, begins, ends in (
        ("2026-03-29", "2026-03-28T23:00:00.000Z", "2026-03-29T21:59:59.999Z"),
        ("2026-10-25", "2026-10-24T22:00:00.000Z", "2026-10-25T22:59:59.999Z"),
    ):
        first, last = instants.parse(begins), instants.parse(ends)
        moment = timedelta(milliseconds=1)
        times = {"before": first - moment, "first": first, "last": last, "after": last + moment}
        put(sam.backend, *(made(f"{name}-{day}", at=at) for name, at in times.items()))
        found = list(walk(sam, **{"from": day, "to": day}))
        assert set(emails(iter(found))) == {f"first-{day}@example.org", f"last-{day}@example.org"}
        assert found[0]["counts"]["confirmed"] == 2


def test_who_did_not_confirm_in_time_is_neither_listed_nor_counted(sam: Agent) -> None:
    now = instants.now()
    waits = made("waits", "pending", at=now - model.CONFIRM_WITHIN + timedelta(minutes=5))
    expired = made("expired", "pending", at=now - model.CONFIRM_WITHIN - timedelta(seconds=1))
    put(sam.backend, waits, expired)
    (page,) = walk(sam)
    assert [each["email"] for each in page["subscribers"]] == ["waits@example.org"]
    assert page["counts"]["pending"] == 1
    record = sam.get(f"{PATH}/{expired.key}").json
    assert record["state"] == "expired"
    assert "nicht innerhalb von sieben Tagen bestätigt" in look(sam, f"{PATH}/{expired.key}").text


def test_a_refused_address_that_was_deleted_is_listed_and_has_its_page(sam: Agent) -> None:
    gone = made("gone", "refused")
    put(sam.backend, replace(gone, email="", language="", topics=()))
    (page,) = walk(sam, state="refused")
    assert [(each["id"], each["email"], each["language"]) for each in page["subscribers"]] == [
        (gone.key, None, None)
    ]
    assert page["counts"]["refused"] == 1
    assert "Adresse gelöscht" in look(sam, PATH).text
    shown = look(sam, led(find(sam, "gone@example.org"))).text
    assert "„Das war ich nicht.“" in shown
    assert "gone@" not in shown
    assert emails(walk(sam, domain="example.org")) == []


def test_filters_that_cannot_be_are_refused(sam: Agent) -> None:
    for filters, field in (
        ({"state": "gone"}, "state"),
        ({"topic": "cats"}, "topic"),
        ({"language": "xx"}, "language"),
        ({"from": "yesterday"}, "from"),
        ({"from": "1999-12-31"}, "from"),
        ({"to": "2101-01-01"}, "to"),
        ({"from": "2026-02-01", "to": "2026-01-31"}, "to"),
        ({"domain": "a\x07b"}, "domain"),
        ({"domain": ["a", "b"]}, "domain"),
    ):
        refused = sam.post(SEARCH, **filters)
        assert refused.status == 422, filters
        assert [each["field"] for each in refused.json["errors"]] == [field], filters
    assert (
        "Das Ende liegt vor dem Anfang." in look(sam, f"{PATH}?from=2026-02-01&to=2026-01-31").text
    )


def test_a_cursor_belongs_to_its_filters_and_is_ours(sam: Agent) -> None:
    put(sam.backend, *(made(f"r{number}") for number in range(60)))
    cursor = sam.post(SEARCH, topic="news").json["cursor"]
    assert "example" not in cursor
    assert len(sam.post(SEARCH, topic="news", cursor=cursor).json["subscribers"]) == 10
    for wrong in (
        {"cursor": cursor},
        {"topic": "news", "language": "de", "cursor": cursor},
        {"topic": "news", "cursor": cursor[:-1]},
        {"cursor": "x"},
    ):
        assert sam.post(SEARCH, **wrong).status == 400, wrong
        query = urlencode(wrong).replace("language", "subscriber_language")
        assert look(sam, f"{PATH}?{query}").status == 400
    assert sam.post(SEARCH, cursor="x" * 3000).status == 422
    # The page's own language is no filter.
    english = look(sam, f"{PATH}?language=en").text
    assert '<html lang="en">' in english
    assert english.count('<th scope="row">') == 50


def test_paging_while_records_change(sam: Agent) -> None:
    """Check that a list whose records change meanwhile shows nobody twice and nothing untrue."""
    stored = [made(f"r{number:03}", at=NOW + timedelta(minutes=number)) for number in range(150)]
    put(sam.backend, *stored)
    pages = walk(sam, state="confirmed")
    first = emails(iter([next(pages)]))
    leaves, erased, stays = stored[60], stored[70], stored[80]
    assert first[-1] == stored[100].email
    noted = {"how": "mail"}
    assert sam.post(f"{PATH}/{leaves.key}/unsubscribe", **noted).status == 200
    sam.backend.call("DELETE", f"{PATH}/{erased.key}", headers=sam.headers)
    put(sam.backend, made("newer", at=NOW + timedelta(days=1)))
    rest = emails(pages)
    assert not {leaves.email, erased.email, "newer@example.org"} & set(rest)
    assert stays.email in rest
    assert len(set(first + rest)) == len(first + rest) == 148
    assert emails(walk(sam, state="unsubscribed")) == [leaves.email]


def test_a_page_and_a_count_end_when_their_time_is_over(sam: Agent) -> None:
    put(sam.backend, *(made(f"r{number}", topics=("offers",)) for number in range(400)))
    put(
        sam.backend,
        made("needle", at=NOW - timedelta(days=1)),
        *(made(f"p{number}", "pending", at=instants.now()) for number in range(3)),
    )
    wanted, now = Filter("Europe/Berlin", "all", topic="news"), instants.now()
    after, found, rounds = None, [], 0
    while rounds == 0 or after:
        page = listed.page(wanted, now, after, 50, lambda: False)
        found += [each.email for each in page.subscribers]
        after, rounds = page.after, rounds + 1
    assert sorted(found) == sorted(["needle@example.org", *(f"p{n}@example.org" for n in range(3))])
    assert rounds > 3

    def by_hundred(params: dict[str, Any], **_: object) -> None:
        params.setdefault("Limit", 100)

    with sam.backend.hooked("dynamodb", "provide-client-params.dynamodb.Query", by_hundred):
        cut = listed.count(replace(wanted, topic=None), now, lambda: False)
        whole = listed.count(replace(wanted, topic=None), now, lambda: True)
        seconds = iter([0.0, 0.0, 9.0, 9.0, 9.0, *[99.0] * 50])
        shown = service.search(wanted, now, None, Who("sam", True), lambda: next(seconds))
    assert (cut.complete, cut.by_state["confirmed"], cut.by_state["pending"]) == (False, 100, 3)
    assert (whole.complete, whole.by_state["confirmed"]) == (True, 401)
    assert shown.counts is not None
    assert shown.counts.complete is False
    print(
        f"\nreads of a page with little time {rounds} · counted {cut.by_state} of {whole.by_state}"
    )


def test_a_large_list_is_read_in_bounded_pieces(sam: Agent, scale: Scale) -> None:
    """Check how much a page reads, which does not grow with the table, and time it."""
    number = scale(3_000)
    put(
        sam.backend,
        *(made(f"r{n}@{n % 3}.example", at=NOW - timedelta(minutes=n)) for n in range(number)),
    )
    calls = Counter[str]()

    def count(model: Any, **_: object) -> None:
        calls[model.name] += 1

    timed = {}
    with sam.backend.hooked("dynamodb", "before-call.dynamodb", count):
        for query in ("", "state=confirmed", "topic=news", "domain=2.example", "topic=offers"):
            calls.clear()
            began = time.perf_counter()
            filters = {name: values[0] for name, values in parse_qs(query).items()}
            page = sam.post(SEARCH, **filters).json
            timed[query or "all"] = (time.perf_counter() - began, dict(calls))
            assert len(page["subscribers"]) == (0 if "offers" in query else 50)
            assert calls["Scan"] == 0
            assert calls["BatchGetItem"] <= 1
            assert calls["Query"] <= 30
    for query, (seconds, made_calls) in timed.items():
        print(f"\nof {number} subscribers, {query}: {seconds:.2f} s, calls {made_calls}", end="")


# What is done with a record


def in_state(backend: Backend, name: str) -> str:
    """Store a subscriber in this state, `expired` or `erased` among them; return the key."""
    if name == "expired":
        subscriber = made(name, "pending", at=instants.now() - timedelta(days=8))
    elif name in ("none", "erased"):
        subscriber = made(name)
    else:
        subscriber = made(name, name, at=instants.now() - timedelta(hours=1))  # type: ignore[arg-type]  # a state
    if name != "none":
        put(backend, subscriber)
    if name == "erased":
        newsletter.erase_for(subscriber.key, "staff", "sam", instants.now())
    return subscriber.key


NOTHING = "Zu dieser Adresse ist nichts gespeichert."
NO_WAIT = "Für diese Adresse wartet keine Anmeldung auf Bestätigung."
# What each action answers to a program by state: the state then, or a status and a sentence.
# `agent` differs in one place.
# fmt: off
TABLE: dict[str, dict[str, str | tuple[int, str]]] = {
    "none": {"unsubscribe": (404, NOTHING), "release": (404, NOTHING), "resend": (404, NOTHING)},
    "pending": {"unsubscribe": "unsubscribed", "release": "pending", "resend": "pending"},
    "expired": {"unsubscribe": "expired", "release": "expired", "resend": (409, NO_WAIT)},
    "confirmed": {"unsubscribe": "unsubscribed", "release": "confirmed", "resend": (409, NO_WAIT)},
    "unsubscribed": {
        "unsubscribe": "unsubscribed", "release": "unsubscribed", "resend": (409, NO_WAIT)},
    "refused": {"unsubscribe": "refused", "release": "unsubscribed", "resend": (409, NO_WAIT)},
    "bounced": {"unsubscribe": "bounced", "release": "unsubscribed", "resend": (409, NO_WAIT)},
    "complained": {
        "unsubscribe": "complained", "release": "unsubscribed", "resend": (409, NO_WAIT)},
    "erased": {
        "unsubscribe": (404, NOTHING), "release": (404, NOTHING), "resend": (404, NOTHING)},
}
# fmt: on
BODY = {"unsubscribe": {"how": "letter"}, "release": {}, "resend": {}}


@pytest.mark.parametrize("role", ["supervisor", "agent"])
@pytest.mark.parametrize("state", list(TABLE))
def test_every_action_in_every_state(sam: Agent, state: str, role: str) -> None:
    sam.backend.configure(MAIL_DAILY_CAP="1000")
    for action, expected in TABLE[state].items():
        key = in_state(sam.backend, state)
        who = Agent(sam.backend, "Kim", role)
        page = look(who, f"{PATH}/{key}")
        if state == "complained" and (action, role) == ("release", "agent"):
            expected = (403, "Das darf nur die Leitung.")
        before = ledger(sam.backend, key)
        answers = [who.post(f"{PATH}/{key}/{action}", **BODY[action]) for _ in range(2)]
        if action == "resend" and state == "pending":
            assert answers[1].status == 429, "one in ten minutes"
            answers = answers[:1]
        for answer in answers:
            if isinstance(expected, str):
                assert (answer.status, answer.json["state"]) == (200, expected), (action, answer)
            else:
                assert (answer.status, answer.json["detail"]) == expected, (action, answer.text)
        written = ledger(sam.backend, key)[len(before) :]
        changes = isinstance(expected, str) and (expected != state or action == "resend")
        assert len(written) == (1 if changes and answers[0].status == 200 else 0), (action, written)
        if action == "resend" and state != "pending":
            assert not written
        for each in written:
            assert each["facts"]["staff"] == "test-Kim"
        # A page offers what changes something, and nothing else.
        offered = f"{PATH}/{key}/{action}" in page.text
        assert offered is bool(changes), (action, state, role)
        for item in sam.backend.items(prefix=f"SUB#{key}"):
            place = {name: aws.pack(item[name]) for name in ("pk", "sk")}
            aws.client("dynamodb").delete_item(
                TableName=sam.backend.env["CONTACTS_TABLE"], Key=place
            )


def test_supervisors_alone_list_prove_download_and_erase(sam: Agent, anna: Agent) -> None:
    key = subscribe(sam.backend, EVA)
    own = f"{PATH}/{key}"
    for path in (PATH, f"{own}/proof", f"{own}/data", f"{own}/erase", f"{PATH}.csv"):
        answer = look(anna, path)
        assert (answer.status, "Das darf nur die Leitung." in answer.text) == (403, True), path
        assert look(sam, path).status == 200, path
    assert find(anna, EVA).status == 403
    assert anna.post(SEARCH).status == anna.post(SEARCH, email=EVA).status == 403
    assert send(anna, f"{own}/erase").status == 403
    assert "subscribers" not in look(anna, "/staff").text
    assert "subscribers" in look(sam, "/staff").text
    shown = look(anna, led(send(anna, "/staff/search", f"text={EVA}"))).text
    assert EVA in shown
    assert "Abmelden" in shown
    for what in ("Nachweis", "löschen", "herunterladen"):
        assert what not in shown.partition("<main")[2], what
    assert "Daten löschen" in look(sam, own).text


def test_a_withdrawal_is_recorded_with_how_it_came_and_repeated_it_is_the_same(
    sam: Agent, anna: Agent, capsys: pytest.CaptureFixture[str]
) -> None:
    key = subscribe(sam.backend, EVA)
    own = f"{PATH}/{key}"
    before = ledger(sam.backend, key)
    asked = look(anna, f"{own}/unsubscribe")
    assert asked.status == 200
    assert ledger(sam.backend, key) == before
    for wrong in ("", "how=fax", "how=mail&note=" + "x" * 501):
        assert send(anna, f"{own}/unsubscribe", wrong).status == 422
    capsys.readouterr()
    for who in (anna, anna, sam):
        done = send(who, f"{own}/unsubscribe", f"how=telephone&note={quote('sagt, es reicht')}")
        assert led(done) == f"{own}?done=unsubscribed"
    shown = look(sam, f"{own}?done=unsubscribed").text
    assert "Die Abmeldung ist erfasst" in shown
    assert "am Telefon" in shown
    assert "sagt, es reicht" in shown
    (event,) = ledger(sam.backend, key)[len(before) :]
    assert event["event"] == "unsubscribed"
    assert {name: event["facts"][name] for name in ("by", "how", "staff")} == {
        "by": "staff",
        "how": "telephone",
        "staff": "test-Anna",
    }
    assert event["personal"]["note"] == "sagt, es reicht"
    assert {each["by"] for each in told(capsys, "newsletter.withdrawn")} == {
        "test-Anna",
        "test-Sam",
    }
    # No visit of a page may undo it.
    token = link(sam.backend, EVA, "unsubscribe")
    post(sam.backend, f"unsubscribe?token={token}", action="undo")
    assert sam.get(own).json["state"] == "unsubscribed"
    # Erased with the rest.
    sam.backend.call("DELETE", own, headers=sam.headers)
    sam.backend.settle()
    assert "es reicht" not in json.dumps(sam.backend.items(prefix="SUB#"), default=str)


def test_a_queued_mail_is_not_sent_after_a_withdrawal(sam: Agent) -> None:
    assert sign_up(sam.backend, EVA).status == 202
    assert sam.post(f"{PATH}/{key_of(EVA)}/unsubscribe", how="mail").json["state"] == "unsubscribed"
    sam.backend.settle()
    assert sam.backend.mails(EVA) == []
    assert "void" in sam.backend.states().values()


def test_the_confirmation_mail_goes_again_within_the_mailboxs_limits(
    sam: Agent, anna: Agent, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sign_up(sam.backend, EVA).status == 202
    sam.backend.settle()
    own = f"{PATH}/{key_of(EVA)}"
    refused = anna.post(f"{own}/resend")
    assert (refused.status, refused.json["code"]) == (429, "mailbox_limit")
    wait = int(refused.headers["retry-after"])
    assert 540 < wait <= 600
    page = send(anna, f"{own}/resend")
    assert (page.status, int(page.headers["retry-after"]) <= wait) == (429, True)
    assert "Wieder möglich in 10 min." in page.text
    assert EVA in page.text
    later = instants.now() + timedelta(minutes=11)
    who = Who("test-Anna", False)
    pressed = service.resend(key_of(EVA), who, later)
    assert pressed.refused is None
    again = service.resend(key_of(EVA), who, later)
    assert type(again.refused).__name__ == "LimitReached"
    sam.backend.tick(later)
    assert len(sam.backend.mails(EVA)) == 2
    assert [each["by"] for each in told(capsys, "newsletter.resent")] == ["test-Anna"]
    assert ledger(sam.backend, key_of(EVA))[-1]["facts"]["staff"] == "test-Anna"
    token = link(sam.backend, EVA, "confirm")
    post(sam.backend, "confirm", token=token)
    assert sam.get(own).json["state"] == "confirmed"


def test_erasing_asks_first_and_a_second_press_does_no_more(
    sam: Agent, capsys: pytest.CaptureFixture[str]
) -> None:
    subscribe(sam.backend, EVA)
    path = led(find(sam, EVA))
    before = sam.backend.items(prefix="SUB#")
    assert EVA in look(sam, f"{path}/erase").text
    assert sam.backend.items(prefix="SUB#") == before
    for _ in range(2):
        assert led(send(sam, f"{path}/erase")) == f"{path}?done=erased"
    shown = look(sam, f"{path}?done=erased")
    assert shown.status == 200
    assert "wurden gelöscht:" in shown.text
    assert EVA not in shown.text
    record = sam.get(path).json
    assert (record["state"], record["email"], record["topics"]) == ("erased", None, [])
    assert instants.parse(record["erased_at"]) <= instants.now()
    (hit,) = sam.post(SEARCH, email=EVA).json["subscribers"]
    assert hit == record
    assert led(find(sam, EVA)) == path
    assert emails(walk(sam)) == []
    sam.backend.settle()
    assert EVA not in json.dumps(sam.backend.items(prefix="SUB#"), default=str)
    logged = capsys.readouterr().out
    assert EVA not in logged
    lines = [json.loads(each) for each in logged.splitlines()]
    erasures = [each for each in lines if each["event"] == "newsletter.person_erased"]
    assert [(each["subscriber"], each["by"]) for each in erasures] == [
        (key_of(EVA), "test-Sam")
    ] * 2
    assert {
        each["facts"]["staff"]
        for each in ledger(sam.backend, key_of(EVA))
        if each["event"] == "erased"
    } == {"test-Sam"}


def test_a_page_that_was_left_open_says_what_became_of_the_record(sam: Agent, anna: Agent) -> None:
    """Check each press on a page of somebody whom another supervisor has erased meanwhile."""
    key = subscribe(sam.backend, EVA)
    own = f"{PATH}/{key}"
    sam.backend.call("DELETE", own, headers=sam.headers)
    before = sam.backend.items(prefix="SUB#")
    for page in ("erase", "unsubscribe"):
        assert led(look(sam, f"{own}/{page}")) == own
    for press, body in (("unsubscribe", "how=mail"), ("release", ""), ("resend", "")):
        late = send(anna, f"{own}/{press}", body)
        assert (late.status, NOTHING in late.text) == (404, True), press
        assert "wurden gelöscht" in late.text
    assert sam.backend.items(prefix="SUB#") == before


def test_of_two_supervisors_at_once_each_is_answered_alike(sam: Agent) -> None:
    key = subscribe(sam.backend, EVA)
    own = f"{PATH}/{key}"
    before = len(ledger(sam.backend, key))
    with ThreadPoolExecutor(8) as pool:
        presses = [
            pool.submit(
                sam.backend.call, "POST", f"{own}/unsubscribe", {"how": "mail"}, sam.headers
            )
            for _ in range(8)
        ]
        answers = [each.result() for each in presses]
    assert {(each.status, each.json["state"]) for each in answers} == {(200, "unsubscribed")}
    assert len(ledger(sam.backend, key)) == before + 1


def test_the_data_is_downloaded_as_a_file_that_does_not_name_the_person(
    sam: Agent, capsys: pytest.CaptureFixture[str]
) -> None:
    key = subscribe(sam.backend, EVA)
    capsys.readouterr()
    answer = sam.get(f"{PATH}/{key}/data")
    assert answer.headers["content-disposition"] == 'attachment; filename="subscriber.json"'
    assert answer.json["subscriber"]["email"] == EVA
    assert len(answer.json["events"]) == 3
    assert [each["by"] for each in told(capsys, "newsletter.data_downloaded")] == ["test-Sam"]


def test_each_look_at_people_is_on_record(sam: Agent, capsys: pytest.CaptureFixture[str]) -> None:
    put(sam.backend, made("eva"))
    capsys.readouterr()
    sam.post(SEARCH, domain="example.org", topic="news")
    sam.post(SEARCH, email=EVA)
    look(sam, f"{PATH}/{key_of(EVA)}")
    out = capsys.readouterr().out
    lines = [json.loads(each) for each in out.splitlines()]
    assert [(each["event"], each["by"]) for each in lines] == [
        ("newsletter.listed", "test-Sam"),
        ("newsletter.looked_up", "test-Sam"),
        ("newsletter.looked_up", "test-Sam"),
    ]
    assert "example.org" not in out


def test_a_record_has_the_fields_of_the_contract(sam: Agent) -> None:
    sign_up(sam.backend, EVA)
    (record,) = sam.post(SEARCH).json["subscribers"]
    assert list(record) == [
        *("id", "email", "state", "language", "topics", "consent"),
        *("asked_at", "confirmed_at", "ended_at", "erased_at"),
    ]
    assert sam.get(f"{PATH}/{record['id']}").json == record


def test_an_address_that_was_replaced_leads_to_the_other_and_back(sam: Agent) -> None:
    old = made("old", "unsubscribed", moved_to=key_of("new@example.org"))
    put(sam.backend, old, made("new", moved_from=old.key))
    assert f"{PATH}/{key_of('new@example.org')}" in look(sam, f"{PATH}/{old.key}").text
    assert f"{PATH}/{old.key}" in look(sam, f"{PATH}/{key_of('new@example.org')}").text


def test_what_a_page_shows_is_text(sam: Agent) -> None:
    key = subscribe(sam.backend, EVA)
    note = "<img src=x onerror=a> =1+1"
    send(sam, f"{PATH}/{key}/unsubscribe", f"how=shop&note={quote(note)}")
    shown = look(sam, f"{PATH}/{key}").text
    assert "&lt;img src=x" in shown
    assert "<img" not in shown
    assert "&lt;b&gt;" in look(sam, f"{PATH}?domain={quote('<b>')}").text


def test_the_index_agrees_with_the_export_on_days(sam: Agent) -> None:
    """Check that the index has everybody at the time by which filters go."""
    for state in STATES:
        subscriber = made("eva", state)
        day = date(2026, 11, 23)
        meant = Filter("Europe/Berlin", state, first=day, last=day)
        assert meant.describes(subscriber)
        assert items.pack(subscriber, "", NOW)["listed_at"] == instants.text(NOW)

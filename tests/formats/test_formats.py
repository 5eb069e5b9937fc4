"""Items of every kind, as they were written before, as they are now, and as a newer version may.

`before.json` has what the last version without a format's version wrote. A newer version raises
`v`, and adds attributes: every reader sees the same, and what is written back loses nothing.
"""

import itertools
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from chalicelib import aws, instants, intake, mailings
from chalicelib.articles.entries import Entry
from chalicelib.articles.stores import counts, decisions, known, markers, sums
from chalicelib.articles.stores.decisions import Decision
from chalicelib.auth import session
from chalicelib.auth.person import Person
from chalicelib.aws import Item
from chalicelib.callbacks import changes, erasure
from chalicelib.callbacks.model import Change, Who
from chalicelib.callbacks.stores import blocks, digests, requests
from chalicelib.callbacks.stores.requests import Proof
from chalicelib.limits import Limit
from chalicelib.newsletter import model, service
from chalicelib.newsletter.ledger import How
from chalicelib.newsletter.stores import growth, subscribers, wordings
from chalicelib.outbox import counters, store
from chalicelib.outbox import model as outbox
from local.cloud import Cloud
from ops import kinds
from ops.kinds import KINDS, UNSTAMPED, Table
from tests.backend import Backend
from tests.formats.walk import walk
from tests.scale import part

AT = instants.parse("2026-11-26T16:53:00Z")
DAY = "2026-11-26"
VERSIONS = ("before", "now", "newer")
LATER = {"added": ["by", "a newer version"], "number": aws.Foreign({"N": "1.5"})}
_stages, _views = itertools.count(1), itertools.count(1)
Tables = dict[Table, list[Item]]


def _bytes(value: dict[str, Any]) -> Any:
    return bytes.fromhex(value["bytes"]) if value.keys() == {"bytes"} else value


BEFORE: Tables = json.loads((Path(__file__).parent / "before.json").read_text(), object_hook=_bytes)


def items(kind: str, tables: Tables = BEFORE) -> list[Item]:
    """Return the items of a kind."""
    return [
        item
        for table, found in tables.items()
        for item in found
        if (it := kinds.kind_of(table, item)) and it.name == kind
    ]


def of_version(version: str, table: Table, item: Item) -> Item:
    """Return an item as that version writes it."""
    kind = kinds.kind_of(table, item)
    assert kind, item["pk"]
    if version == "before":
        return item
    if version == "now":
        return {**item, "v": kind.v}
    newer = {name: _with_more(value, name) for name, value in item.items()}
    return {**newer, "v": kind.v + 1, "later": LATER}


def _with_more(value: Any, name: str) -> Any:
    """Return a value whose parts have more, too, where they are parts of a request."""
    if name in ("wishes", "attempts", "asked", "earlier", "moved"):
        if isinstance(value, list):
            return [_with_more(each, name) if isinstance(each, dict) else each for each in value]
        if isinstance(value, dict) and "kind" not in value:
            inner = {key: _with_more(each, key) for key, each in value.items()}
            return {**inner, "later": LATER}
    return value


def bare(value: Any) -> Any:
    """Return a dataclass as plain values, without what a newer version has added."""
    if isinstance(value, dict):
        return {key: bare(each) for key, each in value.items() if key not in ("rest", "later", "v")}
    if isinstance(value, list | tuple):
        return [bare(each) for each in value]
    return value


def raw(kind: str) -> list[Item]:
    """Return what the tables have of a kind now."""
    tables = {table: _scan(kinds.name_of(table)) for table in BEFORE}
    return items(kind, tables)


def _scan(name: str) -> list[Item]:
    pages = aws.client("dynamodb").get_paginator("scan").paginate(TableName=name)
    return [aws.unpack_item(item) for page in pages for item in page["Items"]]


def key_with(state: str) -> str:
    return str(next(each["key"] for each in items("subscriber") if each["state"] == state))


GONE = items("suppressed")[0]["pk"].removeprefix("SUB#")
REFERENCE = "R-H5S4"
OTHER = next(each["reference"] for each in items("callback") if each["reference"] != REFERENCE)
NUMBER = items("lock")[0]["pk"].removeprefix("NUMBER#")
TOLD = items("message")[0]["id"]
WORDING = items("wording")[0]

READERS: dict[str, Callable[[], Any]] = {
    "subscriber": lambda: [
        bare(asdict(subscribers.load(each["key"]).subscriber))  # type: ignore[arg-type]  # it is there
        for each in items("subscriber")
    ],
    "subscriber-event": lambda: [
        asdict(each) for each in subscribers.events(key_with("confirmed"))
    ],
    "suppressed": lambda: subscribers.load(GONE).suppressed,
    "withdrawn": lambda: subscribers.load(key_with("unsubscribed")).withdrawn,
    "growth": lambda: growth.by_day(AT.date(), AT.date()),
    "wording": lambda: wordings.text(WORDING["pk"].removeprefix("WORDING#")),
    "callback": lambda: bare(asdict(requests.load(REFERENCE))),  # type: ignore[arg-type]  # it is there
    "callback-event": lambda: bare(requests.events(REFERENCE)),
    "comment": lambda: bare(requests.comments(REFERENCE)),
    "proof": lambda: bare(raw("proof")),  # read by people only
    "reference": lambda: getattr(requests.load("R-FJ65"), "reference", None),
    "lock": lambda: requests.number(NUMBER, NUMBER).live,
    "block": lambda: [blocks.listed(AT), requests.number("blocked", "blocked")],
    "asked": lambda: requests.number(NUMBER, NUMBER).asked_at,
    "listed": lambda: requests.references_of_address(
        items("listed")[0]["pk"].removeprefix("ADDRESS#")
    ),
    "message": lambda: [
        bare(asdict(store.load(each["id"])))  # type: ignore[arg-type]  # it is there
        for each in items("message")
    ],
    "digest": lambda: [
        digests.led_by("callback-alert_R-2222_10"),
        digests.of("callback-alert", instants.parse(items("digest")[0]["pk"].rpartition("#")[2])),
    ],
    "lifted": lambda: bare(raw("lifted")),
    "intake": lambda: [
        bare(asdict(each))
        for each in intake.of_key(items("intake")[0]["pk"].removeprefix("INTAKE#"))
    ],
    "mailbox": lambda: [
        mailings.of_mailbox(each["sk"], each["pk"].removeprefix("MAILBOX#"))
        for each in items("mailbox")
    ],
    "mails": lambda: counters.left("transactional", AT),
    "limit": lambda: bare(raw("limit")),  # read by the condition of its own Update
    "challenge": lambda: bare(raw("challenge")),  # read by the condition of its own Put
    "session": lambda: session.find("session", AT, touch=False),
    "sign-in": lambda: bare(raw("sign-in")),  # read by the condition of its own Put
    "staff": lambda: [session.colleagues(AT), session.address("eva", AT)],
    "view": lambda: sorted(map(markers.marker_of, raw("view")), key=lambda each: each.key),
    "salt": lambda: markers.salt(DAY, AT),
    "total": lambda: counts.totals(["gold", "silver"]),
    "day": lambda: [counts.by_day("gold", DAY, DAY), counts.day_sums(DAY, lambda: True)],
    "sources": lambda: counts.sources(["gold"]),
    "filtered": lambda: counts.filtered(DAY),
    "list": lambda: bare(counts.load_list("24h")),
    "views": lambda: counts.views(DAY, DAY),
    "articles": lambda: known.find(["gold"]),
    "feed": known.state,
    "versions": known.versions,
    "decision": decisions.load,
    "sums": lambda: sums.head("base"),
    "sums-chunk": lambda: list(
        sums.lines(sums.Head("base", instants.parse("2026-11-26T16:52:38.238Z"), 1, {}))
    ),
    "sweep": markers.load_cursor,
}


def _change(reference: str, **fields: Any) -> None:
    def decide(before: Any) -> Change:
        after = replace(before, version=before.version + 1, **fields)
        return Change(before, after, "escalated")

    changes.change(reference, decide, AT)


def _prefer() -> None:
    def decide(known: subscribers.Known) -> model.Change:
        return model.prefer(known.subscriber, ("news",), "en")

    service.change(key_with("confirmed"), decide, How(), AT)


def _withdraw() -> None:
    def decide(known: subscribers.Known) -> model.Change:
        return model.withdraw(known.subscriber, known.key, AT, known.version)

    service.change(key_with("unsubscribed"), decide, How(), AT)


def _proved() -> None:
    callback = requests.load(REFERENCE)
    assert callback
    proof = Proof("0" * 64, {"caller": "192.0.2.1"})
    aws.write(requests.proved(REFERENCE, "R-FJ65", callback.asked, proof, AT))


def _end() -> None:
    """End a request, and erase its contact data after its term."""
    _change(OTHER, state="cancelled", ended_at=AT)
    erasure.erase_contact(OTHER, AT)


def _say(message: outbox.Message | None) -> None:
    assert message
    store.replace(message, outbox.recorded(message))


def _accept() -> None:
    decisions.save("silver", Decision(hidden=True), decisions.of("silver"), "sam", AT)


def _count_mails() -> None:
    for _ in range(200):  # in one of sixteen counters, by chance
        counters.count("transactional", AT)


def _tally() -> None:
    for _ in range(60):  # likewise
        counts.tally("bot", DAY)
        aws.write(growth.counted("signup", AT))


def _view() -> None:
    read = [markers.marker_of(each) for each in raw("view")]
    fresh = [
        replace(each, visitor=f"another-{next(_views)}") for each in read if each.slug == "gold"
    ][:1]
    markers.mark(fresh[0], AT)
    counts.count(fresh)


def _learn() -> None:
    known.learn(
        [Entry("gold", f"Gold {next(_views)}", "https://www.site.example/gold", DAY, "Markt")]
    )


def _count_limit() -> None:
    (one, *_) = raw("limit")
    place = {"pk": one["pk"], "sk": one["sk"]}
    limited = limit_of("signups", "192.0.2.77")
    member = limited["Update"]
    aws.call("update_item", **{**member, "Key": aws.pack_item(place)})


def limit_of(what: str, who: str) -> Item:
    return Limit(what, who, 1000).counted(AT)


def _mail() -> None:
    (one, *_) = items("mailbox")
    mailing = mailings.of_mailbox(one["sk"], one["pk"].removeprefix("MAILBOX#"))
    aws.write(mailing.counted("another", AT))


# How an item of a kind is written back; None for what is written once, or read and deleted.
WRITERS: dict[str, Callable[[], object] | None] = {
    "subscriber": _prefer,
    "subscriber-event": lambda: subscribers.tidy(key_with("unsubscribed")),
    "suppressed": lambda: subscribers.looked_after(subscribers.load(GONE), AT),
    "withdrawn": _withdraw,
    "growth": _tally,
    "wording": lambda: wordings.keep(WORDING["pk"].removeprefix("WORDING#"), "text"),
    "callback": lambda: _change(REFERENCE, level=1),
    "callback-event": _end,
    "comment": lambda: requests.keep_comment(REFERENCE, Who("anna", "A"), "Ask for Eva", AT),
    "proof": _proved,
    "reference": lambda: aws.write(requests.led("R-FJ65", REFERENCE, AT, is_reserved=True)),
    "lock": None,
    "block": lambda: blocks.unblock("blocked", AT),
    "asked": _end,
    "listed": None,
    "message": lambda: _say(store.load(TOLD)),
    "digest": None,
    "lifted": None,
    "intake": None,
    "mailbox": _mail,
    "mails": _count_mails,
    "limit": _count_limit,
    "challenge": None,
    "session": lambda: session.find("session", AT.replace(minute=59)),
    "sign-in": None,
    "staff": lambda: session.begin(Person("eva", "Eva B", "agent", "e@example.org"), "b", AT),
    "view": _view,
    "salt": None,
    "total": _view,
    "day": _view,
    "sources": lambda: counts.note_sources("gold", ["x"]),
    "filtered": _tally,
    "list": lambda: counts.save_list("24h", [], AT),
    "views": lambda: counts.save_views(DAY, 7),
    "articles": _learn,
    "feed": lambda: known.save_state(known.State(found=2)),
    "versions": _learn,
    "decision": _accept,
    "sums": lambda: sums.save("base", ["gold\t2"], AT, {}, None),
    "sums-chunk": lambda: sums.save(
        "base", ["gold\t2"], instants.parse("2026-11-26T16:52:38.238Z"), {}, None
    ),
    "sweep": lambda: markers.save_cursor(None, AT),
}


# Made anew, all of them, from other items: a newer version makes its own again.
DERIVED = ("list", "views", "sums", "sums-chunk", "sweep")
# Of which a further write changes nothing, or of which others were written.
ONCE = ("wording", "sources", "suppressed", "asked", "view", "subscriber-event")


@pytest.fixture(scope="module")
def stages(cloud: Cloud) -> dict[str, Backend]:
    """Return a stage for each version, with every item as that version writes it."""
    made: dict[str, Backend] = {}
    for version in VERSIONS:
        backend = Backend.of_its_own(cloud, f"f{next(_stages)}-{os.getpid()}")
        with backend:
            for table, found in BEFORE.items():
                for item in found:
                    written = aws.pack_item(of_version(version, table, item))
                    aws.call("put_item", TableName=kinds.name_of(table), Item=written)
        made[version] = backend
    return made


@pytest.fixture
def newer(stages: dict[str, Backend]) -> Iterator[Backend]:
    with stages["newer"] as backend:
        yield backend


def test_the_table_of_kinds_is_whole(slow: None, backend: Backend) -> None:
    """Check that a walk of the flows leaves items of these kinds, with their versions."""
    walk(backend)
    seen = set()
    for table, name in (
        ("contacts", "CONTACTS_TABLE"),
        ("view-markers", "VIEW_MARKERS_TABLE"),
        ("view-counts", "VIEW_COUNTS_TABLE"),
    ):
        for item in backend.items(name):
            kind = kinds.kind_of(table, item)  # type: ignore[arg-type]  # one of the three
            assert kind, f"{item['pk']} {item.get('sk')}: give this kind a row in ops/kinds.py"
            assert item.get("v") == (None if kind.name in UNSTAMPED else kind.v), kind.name
            seen.add(kind.name)
    names = {each.name for each in KINDS}
    assert seen == names
    assert READERS.keys() == WRITERS.keys() == names
    assert {kind for kind in names if not items(kind)} == set()


@pytest.mark.parametrize("kind", READERS)
def test_every_version_reads_the_same(stages: dict[str, Backend], kind: str) -> None:
    readings = []
    for backend in stages.values():
        with backend:
            readings.append(READERS[kind]())
    before, now, newer = readings
    assert before, "the fixture has something to read"
    assert before == now
    assert before == newer


@pytest.mark.parametrize("kind", [name for name, write in WRITERS.items() if write])
def test_what_a_newer_version_added_is_there_after_a_write_back(newer: Backend, kind: str) -> None:
    recorded = {(each["pk"], each.get("sk")) for each in items(kind)}
    stored = {(each["pk"], each.get("sk")): each for each in raw(kind)}
    before = {place: each for place, each in stored.items() if place in recorded}
    write = WRITERS[kind]
    assert write
    write()
    after = {(each["pk"], each.get("sk")): each for each in raw(kind)}
    kept = {place: each for place, each in after.items() if place in before}
    # What the erasure of a request after its term has taken is gone, with what was added.
    lost = {
        place
        for place, each in kept.items()
        if each.get("later") != LATER and not each.get("erased")
    }
    assert kind in DERIVED or lost == set()
    if kind not in ONCE:
        assert any(each != before[place] for place, each in kept.items()), "nothing was written"
    if kind == "callback":
        (own,) = [each for each in after.values() if each["reference"] == REFERENCE]
        for part in (*own["wishes"], *own["attempts"], own["wishes"][0]["asked"]):
            assert part["later"] == LATER
        assert own["v"] == 1, "who writes last says so"


@pytest.mark.parametrize("kind", part((each,) for each in READERS))
def test_pages_of_one_item_read_the_same(stages: dict[str, Backend], kind: str) -> None:
    """Check that whoever reads more than a page, which DynamoDB ends at 1 MB, reads on."""
    with stages["now"] as backend:
        whole = READERS[kind]()

        def limit(params: dict[str, Any], **_: Any) -> None:
            params.setdefault("Limit", 1)

        with (
            backend.hooked("dynamodb", "provide-client-params.dynamodb.Query", limit),
            backend.hooked("dynamodb", "provide-client-params.dynamodb.Scan", limit),
        ):
            assert READERS[kind]() == whole

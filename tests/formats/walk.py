"""A walk through the flows, which leaves an item of every kind in the tables."""

import app
from chalicelib import instants
from chalicelib.articles.entries import Entry
from chalicelib.articles.stores import counts, decisions, known, sums
from chalicelib.articles.stores.decisions import Decision
from chalicelib.auth import session
from chalicelib.auth.person import Person
from chalicelib.callbacks.model import Who
from chalicelib.callbacks.stores import blocks, digests, requests
from chalicelib.callbacks.stores.digests import Digest
from tests.backend import Backend
from tests.edge.staff import ALWAYS, Agent, ask
from tests.edge.test_articles import read
from tests.edge.test_challenges import fresh, written
from tests.edge.test_gateway import SCHEDULED
from tests.edge.test_newsletter import sign_up
from tests.edge.test_subscription import link, post, subscribe
from tests.events import Context
from tests.ops.commands import ops

BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def walk(backend: Backend) -> str:
    """Play the flows; return the reference of a callback that has one of everything."""
    backend.configure(
        **ALWAYS,
        STAGE="local",
        STAFF_TEST_KEY="key",
        ALTCHA_REQUIRED="0",
        ALTCHA_COST="20",
        DOMAIN_EVENTS="1",
    )
    _newsletter(backend)
    reference = _callbacks(backend)
    _articles(backend)
    person = Person("eva", "Eva", "supervisor", "eva@example.org")
    session.begin(person, "cause", instants.now())
    backend.takes_in = False
    sign_up(backend, "waits@example.org")
    return reference


def _newsletter(backend: Backend) -> None:
    subscribe(backend, "reads@example.org")
    subscribe(backend, "leaves@example.org")
    token = link(backend, "leaves@example.org", "unsubscribe")
    assert post(backend, f"unsubscribe?token={token}").status == 200
    subscribe(backend, "gone@example.org")
    assert ops("erase", "gone@example.org", "--yes").exit_code == 0
    sign_up(backend, "pending@example.org")
    backend.deliver()


def _callbacks(backend: Backend) -> str:
    backend.configure(ALTCHA_REQUIRED="1")
    proof = written(fresh(backend))
    reference = ask(backend, email="eva@example.org", note="Krügerrand", altcha=proof)
    backend.configure(ALTCHA_REQUIRED="0")
    ask(backend, email="tom@example.org", name="Tom")
    backend.deliver()
    anna = Agent(backend)
    anna.do(reference, "claim")
    anna.do(reference, "dial")
    anna.do(reference, "outcome", outcome="no_answer", note="nobody")
    ask(backend, phone="07930 2001")
    now = instants.now()
    requests.keep_comment(reference, Who("anna", "Anna"), "Ask for Eva", now)
    blocks.block("blocked", "blocked", now, reference)
    digests.add("callback-alert", now, 1, Digest("callback-alert_R-2222_10", (reference, "R-2222")))
    return reference


def _articles(backend: Backend) -> None:
    for slug in ("gold", "silver"):
        for visitor in range(2):
            read(backend, slug, visitor, title="Gold", page="https://www.site.example/gold")
    backend.call("POST", "/articles/gold/views", headers={"user-agent": BOT})
    backend.count()
    now = instants.now()
    counts.note_sources("gold", ["Gold", "gold"])
    known.learn([Entry("gold", "Gold", "https://www.site.example/gold", "2026-11-23", "Markt")])
    known.save_state(known.State("https://www.site.example/feed", instants.text(now), 1))
    decisions.save("silver", Decision(accepted=True, title="Silber"), Decision(), "sam", now)
    app.sweep_views(SCHEDULED, Context(seconds=60))
    app.rank_articles(SCHEDULED, Context(seconds=60))
    sums.save("day#2026-11-23", ["gold\t1"], now, {}, None)

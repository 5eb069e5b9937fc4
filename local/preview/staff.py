"""Every page of the staff's, in each of its states, for the roles where it differs."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import get_args

from chalicelib import aws, instants
from chalicelib.articles import ranking
from chalicelib.articles.entries import Entry
from chalicelib.articles.filters import CLASSES
from chalicelib.articles.model import Marker
from chalicelib.articles.stores import counts, known, markers
from chalicelib.articles.stores.known import State
from chalicelib.auth.person import Person
from chalicelib.backoffice.figures.pages import SPANS
from chalicelib.callbacks import model
from chalicelib.callbacks.stores import items
from chalicelib.errors import NotAllowed, Unavailable
from chalicelib.http import problems, responses, staff_page
from chalicelib.http.problems import Problem
from chalicelib.newsletter.model import Subscriber
from chalicelib.settings import current
from local.preview.scene import ANNA, BEN, EMAIL, SAM, FeedbackKind, Scene
from local.preview.specimens import Shelf

SHELF = Shelf("staff")
put = SHELF.put

# The board


def _line(at: Scene) -> None:
    """Fill each tab of the board."""
    at.act(at.ask(), "claim", "dial", "reached", by=BEN)
    at.act(at.ask(), "claim", "dial", "wrong_number")
    at.press(at.link(at.ask()), action="cancel")
    at.ask(window=at.tomorrow())
    at.act(at.ask(), "claim", "dial", "no_answer")
    at.held()
    at.often()
    at.wishes()
    at.later(minutes=65)
    at.tick()
    at.act(at.ask(), "claim", "handover", to=ANNA.id, by=BEN)
    at.act(at.ask(), "claim", "dial", by=BEN)
    at.act(at.ask(), "claim", "handover", to=BEN.id)
    at.act(at.ask(), "claim", "dial")
    at.act(at.ask(), "claim", "release")
    at.ask()
    at.later(minutes=5)


def _board(tab: str, person: Person = ANNA) -> Callable[[Scene], str]:
    def make(at: Scene) -> str:
        _line(at)
        return at.get(f"/staff?state={tab}", person)

    return make


for _tab in get_args(model.Tab):
    put(f"board-{_tab}", _board(_tab))
    put(f"board-{_tab}-empty", lambda at, tab=_tab: at.get(f"/staff?state={tab}", ANNA))  # type: ignore[misc]  # bound now
put("board-due-supervisor", _board("due", SAM))
put("board-held-supervisor", _board("held", SAM))


@SHELF.named("board-line-closed")
def _board_line_closed(at: Scene) -> str:
    _line(at)
    at.later(hours=10)
    return at.get("/staff", ANNA)


@SHELF.named("board-line-never-opens")
def _board_line_never_opens(at: Scene) -> str:
    _line(at)
    at.configure(HOTLINE_HOURS="Mon-Sun closed")
    return at.get("/staff", ANNA)


@SHELF.named("board-agreed")
def _board_agreed(at: Scene) -> str:
    _agreed(at)
    return at.get("/staff", BEN)


@SHELF.named("board-closed-with-older-ones")
def _board_closed_with_older_ones(at: Scene) -> str:
    for _ in range(51):
        at.act(at.ask(), "called_in")
    return at.get("/staff?state=closed", ANNA)


# One request


def _agreed(at: Scene) -> str:
    reference = at.act(at.ask(), "claim", "dial")
    window = "/".join(each.isoformat() for each in at.tomorrow())
    at.act(reference, "later", window=window, note="14-16")
    at.wait_for(reference)
    return reference


def _calls(at: Scene, days: int) -> str:
    """Take a request and call twice a day, and leave each call without an outcome."""
    reference = at.ask()
    for _ in range(days):
        for _ in range(2):
            at.act(reference, "claim", "dial", "release")
            at.later(minutes=25)
        at.later(days=1)
    at.later(days=-1)
    return at.act(reference, "claim")


def _mine_at_night(at: Scene) -> str:
    at.later(hours=6, minutes=55)
    reference = at.act(at.ask(), "claim")
    at.later(minutes=10)
    return reference


def _outside_window(at: Scene) -> str:
    reference = at.ask(window=at.tomorrow())
    at.wait_for(reference)
    at.later(minutes=115)
    at.act(reference, "claim")
    at.later(minutes=10)
    return reference


def _lapsed(at: Scene) -> str:
    reference = at.act(at.ask(), "claim")
    at.later(minutes=16)
    at.tick()
    return reference


def _late(at: Scene) -> str:
    reference = at.ask()
    at.later(minutes=95)
    at.tick()
    return reference


def _following(at: Scene) -> str:
    first = at.act(_after_undo(at), "follow", by=SAM)
    return at.callback(first).followed_by


def _after_undo(at: Scene) -> str:
    """Make a request that ended too long ago to be taken back."""
    reference = at.act(at.ask(), "claim", "dial", "reached")
    at.later(minutes=12)
    return reference


def _corrected(at: Scene) -> str:
    return at.act(at.ask(), "claim", "number", phone="0711 2777777")


def _merged(at: Scene) -> str:
    """Make a request whose right number has a live request."""
    at.ask(phone="0711 2777777")
    return at.act(at.ask(), "claim", "number", phone="0711 2777777")


def _eventful(at: Scene) -> str:
    """Make a request to which everything happened that can happen."""
    reference = at.act(at.ask(), "claim", "dial", "no_answer")
    for number, event in enumerate(get_args(model.Event), 50):
        facts = {"outcome": "mailbox"} if event in ("missed", "unreached") else {}
        item = {
            "event": event,
            "by": ("clock", "customer", ANNA.id, BEN.id)[number % 4],
            "at": instants.text(at.now + timedelta(minutes=number)),
            "state": "open",
            "facts": facts,
            "personal": {"by": ANNA.name, "to": BEN.name} if number % 4 > 1 else {},
        }
        place = {"pk": items.key(reference)["pk"], "sk": f"EVENT#{number:08}"}
        aws.write(aws.put(current().contacts_table, {**place, **item}))
    return reference


REQUESTS: dict[str, Callable[[Scene], str]] = {
    "unclaimed": lambda at: at.ask(),
    "unclaimed-late": _late,
    "unclaimed-given-back": lambda at: at.act(at.ask(), "claim", "release"),
    "unclaimed-lapsed": _lapsed,
    "unclaimed-agreed": _agreed,
    "unclaimed-following": _following,
    "mine": lambda at: at.act(at.ask(), "claim"),
    "mine-without-note": lambda at: at.act(at.ask(note="", email=""), "claim"),
    "mine-extension": lambda at: at.act(at.ask(phone="0711 2345678-15 ext. 3"), "claim"),
    "mine-calling": lambda at: at.act(at.ask(), "claim", "dial"),
    "mine-offered": lambda at: at.act(at.ask(), "claim", "handover", to=BEN.id),
    "mine-too-soon": lambda at: at.act(at.ask(), "claim", "dial", "release", "claim"),
    "mine-attempts-today": lambda at: _calls(at, 1),
    "mine-attempts": lambda at: _calls(at, 2),
    "mine-closed": _mine_at_night,
    "mine-outside-window": _outside_window,
    "offered-me": lambda at: at.act(at.ask(), "claim", "handover", to=ANNA.id, by=BEN),
    "bens": lambda at: at.act(at.ask(), "claim", by=BEN),
    "bens-calling": lambda at: at.act(at.ask(), "claim", "dial", by=BEN),
    "scheduled": lambda at: at.ask(window=at.tomorrow()),
    "retry": lambda at: at.miss(at.ask()),
    "done": lambda at: at.act(at.ask(), "claim", "dial", "reached", note="4711"),
    "called-in": lambda at: at.act(at.ask(), "called_in"),
    "unreached": lambda at: at.miss(at.ask(), 3),
    "refused": lambda at: at.act(at.ask(), "claim", "dial", "refused"),
    "wrong-number": lambda at: at.act(at.ask(), "claim", "dial", "wrong_number"),
    "expired": lambda at: at.expire(at.ask()),
    "eventful": _eventful,
    "held": lambda at: at.held(),
    "held-often": lambda at: at.often(),
    "wishes": lambda at: at.wishes(),
    "wishes-mine": lambda at: at.act(at.wishes(), "claim"),
    "mine-with-comment": lambda at: at.act(at.ask(), "claim", "comment", note="4711"),
    "mine-early": lambda at: at.act(at.ask(window=at.tomorrow()), "claim"),
    "undone": lambda at: at.act(at.ask(), "claim", "dial", "busy", "undo"),
    "declined": lambda at: at.act(at.held(), "decline", by=SAM),
    "corrected": _corrected,
    "merged": _merged,
    "followed": lambda at: at.act(_after_undo(at), "follow", by=SAM),
}


def _cancelled(at: Scene) -> str:
    reference = at.ask()
    at.press(at.link(reference), action="cancel")
    return reference


def _request(make: Callable[[Scene], str], person: Person = ANNA) -> Callable[[Scene], str]:
    return lambda at: at.get(f"/staff/callbacks/{make(at)}", person)


for _name, _make in {**REQUESTS, "cancelled": _cancelled}.items():
    put(f"request-{_name}", _request(_make))
for _name in (
    "done",
    "bens",
    "bens-calling",
    "unclaimed",
    "scheduled",
    "held",
    "held-often",
    "wishes",
):
    put(f"request-{_name}-supervisor", _request(REQUESTS[_name], SAM))
put("request-held-without-address", _request(lambda at: at.held(email=""), SAM))
put("request-follow", _request(_after_undo, SAM))
put("request-decided", _request(lambda at: at.act(at.held(), "admit", by=SAM), SAM))


@SHELF.named("request-other-language")
def _other_language(at: Scene) -> str:
    spoken, reference = at.language, at.ask()
    at.language = at.another_language()
    reference = at.act(at.ask(), "claim")
    at.language = spoken
    return at.get(f"/staff/callbacks/{reference}", ANNA)


@SHELF.named("request-taken-meanwhile")
def _taken_meanwhile(at: Scene) -> str:
    reference = at.act(at.ask(), "claim", by=BEN)
    return at.post(f"/staff/callbacks/{reference}", ANNA, action="claim")


@SHELF.named("request-taken-meanwhile-with-note")
def _taken_meanwhile_with_note(at: Scene) -> str:
    reference = at.act(at.ask(), "claim", by=BEN)
    return at.post(f"/staff/callbacks/{reference}", ANNA, outcome="reached", note="4711")


@SHELF.named("request-outcome-missing")
def _outcome_missing(at: Scene) -> str:
    reference = at.act(at.ask(), "claim")
    return at.post(f"/staff/callbacks/{reference}", ANNA, outcome="later", note="4711")


@SHELF.named("request-number-wrong")
def _number_wrong(at: Scene) -> str:
    reference = at.act(at.ask(), "claim")
    return at.post(f"/staff/callbacks/{reference}", ANNA, action="number", phone="12", note="4711")


@SHELF.named("request-to-nobody")
def _to_nobody(at: Scene) -> str:
    return at.post(f"/staff/callbacks/{at.act(at.ask(), 'claim')}", ANNA, action="handover")


@SHELF.named("request-without-comment")
def _without_comment(at: Scene) -> str:
    return at.post(f"/staff/callbacks/{at.ask()}", ANNA, action="comment")


@SHELF.named("request-undone-too-late")
def _undone_too_late(at: Scene) -> str:
    return at.post(f"/staff/callbacks/{_after_undo(at)}", ANNA, action="undo", note="4711")


# The form to take a request down

put("new", lambda at: at.get("/staff/new", ANNA))


@SHELF.named("new-wrong")
def _new_wrong(at: Scene) -> str:
    typed = {"name": "Erika Beispiel", "phone": "12", "email": "erika", "consent_by": "shop"}
    return at.post("/staff/new", ANNA, **typed, language=at.language)


# The search, and a person by their number

PEOPLE = (ANNA, SAM)


def _roles(name: str, make: Callable[[Scene, Person], str]) -> None:
    for person in PEOPLE:
        put(f"{name}-{person.role}", lambda at, person=person: make(at, person))  # type: ignore[misc]  # bound now


def _search(at: Scene, person: Person, typed: str = "") -> str:
    at.act(at.ask(), "claim", "dial", "wrong_number")
    at.post(f"/staff/search/{_key(at, at.ask())}/block", SAM)
    at.post(f"/staff/search/{'a' * 22}/block", SAM)
    return (
        at.post("/staff/search", person, wanted=typed) if typed else at.get("/staff/search", person)
    )


_roles("search", _search)
_roles("search-wrong", lambda at, person: _search(at, person, "12"))
_roles("search-unknown", lambda at, person: _search(at, person, "R-2222"))
put("search-none-blocked", lambda at: at.get("/staff/search", SAM))


def _key(at: Scene, reference: str) -> str:
    return at.callback(reference).asked.number_key


def _number(make: Callable[[Scene], str], *actions: str) -> Callable[[Scene, Person], str]:
    """Return how to see the number of a request after a supervisor's actions."""

    def see(at: Scene, person: Person) -> str:
        page = f"/staff/search/{_key(at, make(at))}"
        for action in actions:
            at.post(f"{page}/{action}", SAM)
        return at.get(f"{page}?done={actions[-1]}" if actions else page, person)

    return see


def _asked_again(at: Scene) -> str:
    at.act(at.ask(phone="0711 2345678"), "claim", "dial", "reached")
    at.later(days=1)
    return at.ask(phone="0711 2345678")


_roles("number", _number(_asked_again))
_roles("number-ended", _number(REQUESTS["done"]))
_roles("number-blocked", _number(REQUESTS["refused"]))
_roles("number-done-block", _number(REQUESTS["done"], "block"))
_roles("number-done-lift", _number(REQUESTS["refused"], "lift"))
_roles("number-done-restore", _number(REQUESTS["refused"], "lift", "restore"))
_roles("number-done-erase", _number(REQUESTS["done"], "erase"))
_roles("number-unknown", lambda at, person: at.get(f"/staff/search/{'a' * 22}", person))
for _action in ("block", "lift", "restore", "erase"):
    for _state in ("done", "mine"):
        put(
            f"number-sure-{_action}-{_state}",
            lambda at, action=_action, state=_state: at.get(  # type: ignore[misc]  # bound now
                f"/staff/search/{_key(at, REQUESTS[state](at))}/{action}", SAM
            ),
        )

# Subscribers

put("subscribers", lambda at: at.get("/staff/subscribers", SAM))
for _name, _typed in (("wrong", "erika@"), ("unknown", EMAIL)):
    put(
        f"subscribers-{_name}",
        lambda at, typed=_typed: at.post("/staff/subscribers/search", SAM, email=typed),  # type: ignore[misc]  # bound now
    )


def _listed(query: str, number: int = 12) -> Callable[[Scene], str]:
    """Return how to see a list of subscribers of several states."""

    def make(at: Scene) -> str:
        for each in range(number):
            at.later(minutes=7 * each)
            email = f"{EMAIL.replace('@', f'.{each}@')}"
            confirmation = at.confirmation(email)
            if each % 4:
                at.press(confirmation["confirm"])
            if each % 4 == 2 and each > 4:
                at.feed_back("hard bounce" if each < 9 else "complaint", email)
        return at.get(f"/staff/subscribers{query}", SAM)

    return make


put("subscribers-listed", _listed(""))
put("subscribers-confirmed", _listed("?state=confirmed&domain=example.org&topic=news"))
put("subscribers-none-found", _listed("?state=refused&from=2026-01-01&to=2026-12-31"))
put("subscribers-wrong-days", _listed("?from=2026-02-01&to=2026-01-31"))
put("subscribers-with-older-ones", _listed("", 52))


def _subscribed(at: Scene) -> Subscriber:
    at.subscribed()
    return at.subscriber()


def _unsubscribed(at: Scene) -> Subscriber:
    at.post(at.subscribed()["unsubscribe"])
    return at.subscriber()


def _pending(at: Scene) -> Subscriber:
    at.sign_up()
    return at.subscriber()


def _unconfirmed(at: Scene) -> Subscriber:
    at.sign_up()
    at.later(days=8)
    return at.subscriber()


def _refused(at: Scene) -> Subscriber:
    at.press(at.confirmation()["refuse"])
    return at.subscriber()


def _fed_back(kind: FeedbackKind) -> Callable[[Scene], Subscriber]:
    """Return how to make the subscriber of whose mail SES told something."""

    def make(at: Scene) -> Subscriber:
        at.subscribed()
        at.feed_back(kind)
        return at.subscriber()

    return make


SUBSCRIBERS: dict[str, Callable[[Scene], Subscriber]] = {
    "pending": _pending,
    "expired": _unconfirmed,
    "confirmed": _subscribed,
    "refused": _refused,
    "unsubscribed": _unsubscribed,
    "bounced": _fed_back("hard bounce"),
    "complained": _fed_back("complaint"),
}


def _subscriber(
    make: Callable[[Scene], Subscriber], page: str = "", person: Person = SAM
) -> Callable[[Scene], str]:
    return lambda at: at.get(f"/staff/subscribers/{make(at).key}{page}", person)


for _name, _made in SUBSCRIBERS.items():
    put(f"subscriber-{_name}", _subscriber(_made))
put("subscriber-pending-agent", _subscriber(_pending, person=ANNA))
put("subscriber-complained-agent", _subscriber(SUBSCRIBERS["complained"], person=ANNA))
put("subscriber-unsubscribe", _subscriber(_subscribed, "/unsubscribe", ANNA))
put("subscriber-sure", _subscriber(_subscribed, "/erase"))


def _pressed(
    make: Callable[[Scene], Subscriber], action: str, done: str = "", **form: str
) -> Callable[[Scene], str]:
    """Return how to see what follows from a press: the page it leads to, or its own answer."""

    def press(at: Scene) -> str:
        path = f"/staff/subscribers/{make(at).key}"
        answer = at.post(f"{path}/{action}", SAM, **form)
        return at.get(f"{path}?done={done}", SAM) if done else answer

    return press


_WITHDRAWAL = {"how": "telephone", "note": "Möchte weiterhin angerufen werden"}
put(
    "subscriber-done-unsubscribed",
    _pressed(_subscribed, "unsubscribe", "unsubscribed", **_WITHDRAWAL),
)
put(
    "subscriber-done-nothing",
    _pressed(SUBSCRIBERS["bounced"], "unsubscribe", "unsubscribed", **_WITHDRAWAL),
)
put("subscriber-done-released", _pressed(SUBSCRIBERS["bounced"], "release", "released"))
put("subscriber-done-erased", _pressed(_subscribed, "erase", "erased"))
put("subscriber-resent-too-soon", _pressed(_pending, "resend"))
put("subscriber-resent-too-late", _pressed(_unconfirmed, "resend"))


@SHELF.named("subscriber-done-resent")
def _resent(at: Scene) -> str:
    at.sign_up()
    at.later(minutes=11)
    path = f"/staff/subscribers/{at.subscriber().key}"
    at.post(f"{path}/resend", SAM)
    return at.get(f"{path}?done=resent", SAM)


# Opening hours

put("hours", lambda at: at.get("/staff/hours", ANNA))


@SHELF.named("hours-without-shifts")
def _hours_without_shifts(at: Scene) -> str:
    at.configure(STAFF_SHIFTS="")
    return at.get("/staff/hours", ANNA)


@SHELF.named("hours-with-a-clock-change")
def _hours_with_a_clock_change(at: Scene) -> str:
    at.configure(
        HOTLINE_HOURS="Mon-Sun 00:00-24:00", STAFF_SHIFTS="dora@company.example Sun 22:00-23:00"
    )
    at.later(days=-40)
    return at.get("/staff/hours", ANNA)


# Figures


def _history(at: Scene, days: int, points: int = 12) -> None:
    """Let so many days pass, with callbacks, signups and views now and then."""
    end, outcomes = at.now, ("reached", "no_answer", "later", "wrong_number", "reached", "busy")
    for number in range(points):
        at.now = end - timedelta(days=(days - 1) * (points - 1 - number) // (points - 1))
        at.later(days=-max(at.now.weekday() - 4, 0))  # nobody is called at the weekend
        day = instants.day(at.now, current().time_zone).isoformat()
        counts.save_views(day, 40 + number * 13 % 70)
        for kind in CLASSES[number % 3 :: 3]:
            counts.tally(kind, day)
        email = f"reader-{number}@example.org"
        links = at.confirmation(email)
        if number % 4:
            at.press(links["confirm"])
        if number % 6 == 1:
            at.post(at.standing(email)["unsubscribe"])
        if number % 6 == 2:
            at.feed_back("hard bounce", email)
        reference = at.ask()
        at.later(minutes=number * 7 % 50)
        if number % 7:
            window = "/".join(each.isoformat() for each in at.tomorrow())
            outcome = outcomes[number % len(outcomes)]
            at.act(reference, "claim", "dial", outcome, window=window)
    at.now = end
    at.later(hours=5)


def _figures(days: int) -> Callable[[Scene], str]:
    def make(at: Scene) -> str:
        _history(at, days)
        return at.get(f"/staff/figures?days={days}", SAM)

    return make


for _days in SPANS:
    put(f"figures-{_days}", _figures(_days))
put("figures-empty", lambda at: at.get("/staff/figures", SAM))

# Articles

_SITE = "https://www.company.example"


def _articles(at: Scene) -> None:
    """Let five articles of the feed be read for two weeks, and a page that no feed has."""
    at.configure(SITE_ORIGINS=_SITE, ARTICLES_FEED=f"{_SITE}/feed.xml")
    titles = ("Gold", "Silber & Platin", "Was ein Barren wiegt", "<b>Münzen</b>", "Ein Titel " * 18)
    known.learn(
        Entry(f"artikel-{at_}", title, f"{_SITE}/artikel-{at_}", instants.text(at.now), "Markt")
        for at_, title in enumerate(titles)
    )
    for ago in range(14):
        day = instants.day(at.now - timedelta(days=ago), current().time_zone).isoformat()
        for number in range(6):
            read = [Marker(f"artikel-{number}", day, f"{at_}", 7 + number) for at_ in range(9)]
            for marker in read[: 1 + (ago * 5 + number * 3) % 9]:
                markers.mark(marker, at.now)
                counts.count([marker])
        for kind in CLASSES[ago % 3 :: 3]:
            counts.tally(kind, day)
    at.later(minutes=1)
    ranking.forget()
    ranking.rank(at.now)
    ranking.forget()
    known.save_state(State(f"{_SITE}/feed.xml", read_at=instants.text(at.now), found=5))


def _failing(at: Scene) -> None:
    """Let the feed fail after it was read, with entries left out and a name that two have."""
    _articles(at)
    since = instants.text(at.now)
    faults, pages = {"elsewhere": 3, "no title": 1}, [f"{_SITE}/a/b", f"{_SITE}/a.b"]
    examples = {"elsewhere": "https://elsewhere.example/"}
    told = replace(known.state(), failing_since=since, error="status", detail="503", faults=faults)
    known.save_state(replace(told, examples=examples, collisions={"a.b": pages}))


def _set_aside(at: Scene) -> None:
    """Let supervisors hide an article, merge one and accept another."""
    _articles(at)
    for name, decision in (
        ("artikel-1", {"merge_into": "artikel-0"}),
        ("artikel-2", {"hidden": "true"}),
        ("artikel-5", {"accept": "true"}),
    ):
        at.post(f"/staff/articles/{name}", SAM, **decision)


def _page_of(scene: Callable[[Scene], None], page: str) -> Callable[[Scene], str]:
    def make(at: Scene) -> str:
        scene(at)
        return at.get(f"/staff/articles{page}", SAM)

    return make


put("articles", _page_of(_articles, ""))
put("articles-done-saved", _page_of(_articles, "?done=saved"))
put("articles-done-deleted", _page_of(_articles, "?done=deleted"))
put("articles-feed-fails", _page_of(_failing, ""))
put("articles-set-aside", _page_of(_set_aside, ""))
put("articles-empty", lambda at: at.get("/staff/articles", SAM))
put("article", _page_of(_articles, "/artikel-0"))
put("article-long", _page_of(_articles, "/artikel-4?done=saved"))
put("article-unknown", _page_of(_articles, "/artikel-5"))
put("article-never-read", lambda at: at.get("/staff/articles/nobody", SAM))
for _name in ("artikel-0", "artikel-1", "artikel-2", "artikel-5"):
    put(f"article-set-aside-{_name[-1]}", _page_of(_set_aside, f"/{_name}"))
put("article-sure", _page_of(_articles, "/artikel-0/delete"))


def _merged_wrong(at: Scene) -> str:
    _articles(at)
    return at.post("/staff/articles/artikel-0", SAM, merge_into="nobody")


put("article-wrong", _merged_wrong)

# Signing in and out, and problems

put("again", lambda at: at.get("/staff/signed-in?state=wrong"))
put("signed-out", lambda at: at.post("/staff/sign-out", ANNA))


def _rendered(name: str, **values: object) -> Callable[[Scene], str]:
    """Return how to see a page that needs the sign-in's provider, which the preview has not."""

    def make(at: Scene) -> str:
        reply = staff_page.render(at.request("GET", "/staff/signed-in"), name, **values)  # type: ignore[arg-type]  # a page's own
        return str(reply.body)

    return make


ELSEWHERE = "https://sign-in.company.example/logout"
put("signed-out-elsewhere", _rendered("signed_out", elsewhere=ELSEWHERE))
put("no-role", _rendered("no_role", refused=NotAllowed("no_role"), elsewhere=ELSEWHERE))
put("no-role-here", _rendered("no_role", refused=NotAllowed("no_role"), elsewhere=""))


def _problem(
    problem: Problem, method: str = "GET", person: Person | None = ANNA
) -> Callable[[Scene], str]:
    def make(at: Scene) -> str:
        answer = responses.respond_problem(at.request(method, "/staff", person), problem)
        return str(answer.body)

    return make


put("problem-role", lambda at: at.get("/staff/figures", ANNA))
put("problem-not-found", lambda at: at.get("/staff/callbacks/R-2222", ANNA))
put("problem-fields", lambda at: at.post("/staff/callbacks/R-2222", ANNA, outcome="?", note="\x00"))
put("problem-signed-out", lambda at: at.post("/staff/sign-out"))
put("problem-unavailable", _problem(problems.of(Unavailable("away"))))
put("problem-internal", _problem(Problem(500, "internal")))
put("problem-internal-after-a-form", _problem(Problem(500, "internal"), "POST"))

"""A stage in memory, at a time of its own, where people do things in one language."""

import os
import random
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Literal, get_args
from urllib.parse import parse_qs, urlencode, urlsplit

from pydantic import ValidationError

from chalicelib import aws, company, intake, keys, log, settings, triggers
from chalicelib.auth import session
from chalicelib.auth.person import Person
from chalicelib.callbacks import clock, rules, service
from chalicelib.callbacks import links as callback_links
from chalicelib.callbacks.model import Callback
from chalicelib.callbacks.service import Wanted
from chalicelib.callbacks.staff.service import Action
from chalicelib.consent import Wordings
from chalicelib.errors import ContactError
from chalicelib.http import bodies, problems, responses
from chalicelib.http.inventory import INVENTORY
from chalicelib.http.problems import Problem
from chalicelib.http.request import Request
from chalicelib.newsletter import feedback, links
from chalicelib.newsletter import service as newsletter
from chalicelib.newsletter.keys import key_of
from chalicelib.newsletter.model import Subscriber
from chalicelib.outbox import delivery, store
from chalicelib.outbox.feedback import Feedback
from chalicelib.outbox.model import Mail, Message
from chalicelib.sender import Sender
from chalicelib.settings import current
from tests.callbacks.simulation.services import Services
from tests.expressions import Item

# What a stage has besides the settings' defaults. The environment's own settings come first.
STAGE = {
    "MAIL_FROM": "noreply@company.example",
    "STAFF_MAIL": "staff@company.example",
    "STAFF_SHIFTS": "anna@shop.example Mon-Fri 09:00-13:00 | ben@shop.example Tue 14:00-17:00",
    "SITE_URL": "https://www.company.example",
    "BASE_URL": "https://contact.company.example",
    "LIMIT_PER_CALLER_FACTOR": "1000",
}
# These must not be the environment's: nothing is to be read from a real stage.
_MEMORY = {
    "STAGE": "local",
    "CONTACTS_TABLE": "memory",
    "VIEW_COUNTS_TABLE": "memory",
    "MAIL_CONFIGURATION_SET": "memory",
    "IDENTITY_SECRET_ARN": "memory",
    "TOKEN_SECRET_ARN": "memory",
    "OIDC_ISSUER": "",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "memory",
    "AWS_SECRET_ACCESS_KEY": "memory",
}
EMAIL = "erika@example.org"
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)  # 10 o'clock in Berlin, and no holiday
ANNA = Person("anna", "Anna Agent", "agent")
BEN = Person("ben", "Ben Agent", "agent")
SAM = Person("sam", "Sam Supervisor", "supervisor")
FeedbackKind = Literal["hard bounce", "complaint"]
_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
_FORM = {"accept": "text/html", "user-agent": _AGENT, "content-type": bodies.FORM}
_one_at_a_time = threading.RLock()  # AWS's clients and the settings belong to the process


class Memory(Services):
    """The services in memory; they know the one more condition by which figures are read."""

    def _query(self, asked: Item) -> Item:
        condition = asked["KeyConditionExpression"]
        since = condition.replace("board_at >= :first", "board_at BETWEEN :first AND :last")
        values = {":last": {"S": "~"}, **asked["ExpressionAttributeValues"]}
        return super()._query(
            {**asked, "KeyConditionExpression": since, "ExpressionAttributeValues": values}
        )


@contextmanager
def stage() -> Iterator[None]:
    """Give this process the settings of a stage in memory while entered, and a silent log."""
    values = {name: value for name, value in STAGE.items() if name not in os.environ}
    with _environment({**values, **_MEMORY}), log.written_to(lambda line: None):
        aws.client.cache_clear()
        keys._cache.clear()
        try:
            yield
        finally:
            aws.client.cache_clear()
            keys._cache.clear()


@contextmanager
def scene(language: str) -> Iterator["Scene"]:
    """Begin a scene on empty tables, one at a time. Needs `stage`."""
    with _one_at_a_time, ExitStack() as until_the_end:
        made = Scene(language, until_the_end)
        until_the_end.enter_context(made.memory.plugged())
        yield made


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    _forget()
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        _forget()


def _forget() -> None:
    settings.current.cache_clear()
    rules.current.cache_clear()


class Scene:
    """What people do and see from `now` on, which only moves as it is told."""

    def __init__(self, language: str, until_the_end: ExitStack) -> None:
        self.language, self.now = language, MONDAY
        self.memory = Memory(random.Random(1))
        self._until_the_end = until_the_end
        self._asked, self._staffed = 0, False

    def later(self, **span: float) -> None:
        """Let so many minutes, hours or days pass."""
        self.now += timedelta(**span)

    def configure(self, **values: str) -> None:
        """Change settings of the stage until the scene ends."""
        self._until_the_end.enter_context(_environment(values))

    def tick(self) -> None:
        """Let the clock do what is due."""
        clock.tick(lambda: 20.0, self.now)

    def get(self, target: str, by: Person | None = None) -> str:
        """Return the page that a path and query, or a URL, show to a person."""
        return self._answer("GET", target, by, {})

    def post(self, target: str, by: Person | None = None, **form: Any) -> str:
        """Return what a person sees after they sent a form; empty for a redirect."""
        return self._answer("POST", target, by, form)

    def press(self, link: str, **form: Any) -> str:
        """Return what a person sees after they opened a mail's link and pressed the button."""
        return self.post(urlsplit(link).path, token=token_of(link), **form)

    def request(self, method: str, target: str, by: Person | None = None) -> Request:
        """Return a request as a view sees it."""
        url = urlsplit(target)
        declared, in_path = _declared(url.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        return Request(
            method=method,
            path=declared,
            target=target,
            params={**query, **in_path},
            headers=_FORM,
            client_ip="192.0.2.1",
            now=self.now,
            language=self.language,
            signed_in=by,
        )

    def _answer(self, method: str, target: str, by: Person | None, form: Any) -> str:
        if by and not self._staffed:
            self._staffed = True
            for person in (ANNA, BEN, SAM):
                session.begin(person, person.id, self.now)
        request = self.request(method, target, by)
        route = INVENTORY[request.path][method]
        try:
            given = [route.params.model_validate(request.params)] if route.params else []
            if route.takes:
                form = {"language": self.language, **form}
                event = {"body": urlencode(form, doseq=True)}
                given.append(route.takes.model_validate(request.read(event, route.takes)))
            if route.closed:
                request.person.needs(route.role)
            answer = responses.respond(request, route.status, route.view(request, *given))
        except ContactError as error:
            answer = responses.respond_problem(request, problems.of(error))
        except ValidationError as error:
            answer = responses.respond_problem(request, problems.of_validation(error))
        except Problem as problem:
            answer = responses.respond_problem(request, problem)
        self._take_in()
        return str(answer.body)

    def _take_in(self) -> None:
        """Take in what the forms kept, as the stream's function would."""
        kept = [each for key, each in self.memory.table.items() if key.startswith("INTAKE#")]
        for item in [item for partition in kept for item in partition.values()]:
            intake.take(intake.of_image(item), triggers.takers())

    def another_language(self) -> str:
        """Return another language of the company's, where it has one."""
        others = [each for each in company.current().languages if each != self.language]
        return next(iter(others), self.language)

    def consent(self, kind: str) -> str:
        """Return the version of the declaration that a form shows now."""
        return Wordings(kind).current(self.language).version

    # Newsletter

    def sign_up(self, email: str = EMAIL, **more: Any) -> str:
        """Return what a visitor sees after they signed up."""
        consent = self.consent("newsletter")
        form = {"email": email, "consent": consent, "language": self.language, **more}
        return self.post("/newsletter/signups", page="https://www.company.example/", **form)

    def subscriber(self, email: str = EMAIL) -> Subscriber:
        """Return the subscriber of an address."""
        return newsletter.get(key_of(email))

    def confirmation(self, email: str = EMAIL) -> dict[str, str]:
        """Sign somebody up; return the links of the mail they get."""
        self.sign_up(email)
        self.later(minutes=2)
        asked = self.subscriber(email)
        return links.confirmation(asked, asked.letters)

    def subscribed(self) -> dict[str, str]:
        """Sign somebody up who confirms; return the links that all their mails have."""
        self.press(self.confirmation()["confirm"])
        self.later(days=3)
        return self.standing()

    def standing(self, email: str = EMAIL) -> dict[str, str]:
        """Return the links that all mails to a subscriber have."""
        return links.standing(self.subscriber(email))

    def feed_back(self, kind: FeedbackKind, email: str = EMAIL) -> None:
        """Take SES's event about the first mail to an address."""
        feedback.take(Feedback(kind, "id", email, "a mail's id", self.now, self.now))

    def access(self) -> dict[str, str]:
        """Let a subscriber ask for their data; return the links of the mail they get."""
        self.subscribed()
        self.post("/newsletter/access", email=EMAIL)
        asked = self.subscriber()
        return links.access(asked, asked.letters, self.now)

    def unconfirmed(self) -> dict[str, str]:
        """Let somebody ask for their data who has not confirmed; return the mail's links."""
        self.confirmation()
        asked = self.subscriber()
        return links.access(asked, asked.letters, self.now)

    def topics(self) -> tuple[str, ...]:
        """Return the topics of the newsletter."""
        return tuple(company.current().newsletter_topics)

    def me(self, action: str = "show", **form: Any) -> str:
        """Return what a subscriber sees who pressed a button of the page of their data."""
        return self.press(self.access()["me"], action=action, language=self.language, **form)

    # Callbacks

    def ask(self, **more: Any) -> str:
        """Ask for a callback as a new customer; return its reference."""
        self._asked += 1
        wanted = {
            "name": "Erika Beispiel",
            "phone": f"0711 {2_000_000 + self._asked}",
            "topic": next(iter(company.current().callback_topics)),
            "consent": self.consent("callback"),
            "language": self.language,
            "email": EMAIL,
            "note": "Bitte erst ab 15 Uhr",
        }
        sender = Sender("192.0.2.1", _AGENT)
        reference = service.submit(Wanted(**{**wanted, **more}), sender, self.now).reference
        self._take_in()
        return reference

    def held(self, **more: Any) -> str:
        """Ask for a callback at a number that is blocked; return its reference."""
        phone = f"0711 {2_000_000 + self._asked}"
        self.act(self.ask(phone=phone), "claim", "dial", "wrong_number")
        self.later(minutes=12)
        return self.ask(phone=phone, **more)

    def often(self) -> str:
        """Ask for a callback at a number once too often on a day; return its reference."""
        for _ in range(current().limit_callbacks_per_number):
            self.act(self.ask(phone="0711 2999999"), "called_in")
        self.later(minutes=12)
        return self.ask(phone="0711 2999999")

    def wishes(self) -> str:
        """Ask for a callback three times for one number; return its reference."""
        phone = "0711 2888888"
        reference = self.ask(phone=phone)
        self.later(minutes=10)
        topic = [*company.current().callback_topics][-1]
        self.ask(phone=phone, topic=topic, window=self.tomorrow(), email="")
        self.press(self.link(self.ask(phone=phone, note="")), action="cancel")
        return reference

    def tomorrow(self) -> tuple[datetime, datetime]:
        """Return the first time of the next open day that can be booked."""
        return next(each for each in service.slots(self.now, 5) if each[0].day != self.now.day)

    def link(self, reference: str) -> str:
        """Return the customer's link to a request."""
        return callback_links.url(reference)

    def callback(self, reference: str) -> Callback:
        """Return a request as it is now."""
        (found,) = service.load_many([reference])
        return found

    def act(self, reference: str, *actions: str, by: Person = ANNA, **form: Any) -> str:
        """Press buttons of a request's page, or name how the call ended; return the reference."""
        for action in actions:
            pressed = {"action": action} if action in _BUTTONS else {"outcome": action}
            self.post(f"/staff/callbacks/{reference}", by, **pressed, **form)
        return reference

    def miss(self, reference: str, times: int = 1) -> str:
        """Call a customer who does not answer, so many times as they come up."""
        for _ in range(times):
            self.wait_for(reference)
            self.act(reference, "claim", "dial", "no_answer")
        return reference

    def wait_for(self, reference: str) -> None:
        """Wait until a planned request comes up."""
        planned = self.callback(reference)
        if planned.state in ("scheduled", "retry") and planned.due_at:
            self.now = planned.due_at
            self.tick()

    def expire(self, reference: str) -> str:
        """Let a request expire."""
        self.now = self.callback(reference).expires_at
        self.later(hours=17)  # it ends as the line closes, and the clock waits for the next day
        self.tick()
        return reference

    # Mails

    def messages(self, kind: str) -> list[Message]:
        """Return the messages of a kind that are owed, the last one last."""
        found = (store.from_item(item) for item in self.memory.items(f"MSG#{kind}_"))
        return sorted(found, key=lambda each: (each.created_at, each.serial))

    def mail(self, kind: str) -> Mail:
        """Compose the last mail of a kind that is owed."""
        composed = triggers.composers()[kind](self.messages(kind)[-1], self.now)
        if not isinstance(composed, Mail):
            raise LookupError(f"no {kind} is owed")
        return composed

    def deliver(self, kind: str) -> None:
        """Deliver the messages of a kind."""
        for each in self.messages(kind):
            delivery.deliver(each.id, triggers.composers(), self.now)


_BUTTONS = get_args(Action)


def token_of(link: str) -> str:
    """Return the token of a mail's link."""
    return parse_qs(urlsplit(link).query)["token"][0]


@cache
def _declared(path: str) -> tuple[str, dict[str, str]]:
    """Return a path as it is declared, and its parameters; one without any comes first."""
    for each in sorted(INVENTORY, key=lambda declared: declared.count("{")):
        if found := re.fullmatch(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", each), path):
            return each, found.groupdict()
    raise LookupError(path)

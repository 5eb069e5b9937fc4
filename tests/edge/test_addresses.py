"""Every line of the tables of addresses, from the form to what SES is handed; and who sends."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from email.header import decode_header, make_header
from email.utils import parseaddr
from typing import Any

import pytest
from pydantic import TypeAdapter

from chalicelib import aws, instants, texts
from chalicelib.http import fields
from chalicelib.messages import MESSAGES
from chalicelib.newsletter.keys import key_of
from chalicelib.outbox import delivery, handover, model, store
from chalicelib.outbox.model import Alert, Mail
from tests import cases
from tests.backend import FORM, Backend
from tests.cases import EmailCase
from tests.edge.staff import ALWAYS, Agent, ask
from tests.edge.test_subscription import _allow_mails
from tests.events import Answer

EMAIL: TypeAdapter[str] = TypeAdapter(fields.Email)
_CONSENT = {"consent": "newsletter-de-1"}


def sign_up(backend: Backend, email: str) -> Answer:
    return backend.call("POST", "/newsletter/signups", {**_CONSENT, "email": email})


@contextmanager
def handed(backend: Backend) -> Iterator[tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    """Record what SES and SNS are handed while entered, in two lists."""
    mails: list[dict[str, Any]] = []
    alerts: list[dict[str, Any]] = []
    with ExitStack() as stack:
        stack.enter_context(
            backend.hooked(
                "sesv2",
                "before-send.sesv2.SendEmail",
                lambda request, **_: mails.append(json.loads(request.body)),
            )
        )
        stack.enter_context(
            backend.hooked(
                "sns",
                "provide-client-params.sns.Publish",
                lambda params, **_: alerts.append(params),
            )
        )
        yield mails, alerts


def records(backend: Backend) -> dict[str, dict[str, Any]]:
    """Return the subscribers by the key of their address."""
    found = (each for each in backend.items(prefix="SUB#") if each["sk"] == "SUB")
    return {each["pk"].removeprefix("SUB#"): each for each in found}


def look(answer: Answer, case: EmailCase) -> str:
    """Return what is wrong with the answer to a case; empty if nothing is."""
    if answer.status == 202:
        hint = answer.json.get("suggestion", "none")
        if not case.may_be_taken:
            return "was taken"
        if case.hint and hint != case.hint:
            return f"hint {hint}"
        return "" if answer.json.keys() <= {"status", "suggestion"} else answer.text
    if not 400 <= answer.status < 500 or not case.codes:
        return f"answered {answer.status}"
    if answer.json["code"] == "malformed":
        return "" if "any" in case.codes else "malformed"
    (error,) = answer.json.get("errors") or [answer.json]
    own = error["code"] not in ("email", "control_characters")
    own = own and error["message"] != texts.of("de").gettext(MESSAGES["email"])
    fits = "any" in case.codes or error["code"] in case.codes or ("own" in case.codes and own)
    return "" if fits and error["field"] == "email" else json.dumps(error)


def test_every_line_of_the_tables_from_the_form_to_ses(backend: Backend) -> None:
    backend.configure(LIMIT_SIGNUPS_PER_CALLER="10000")
    given = [each.fresh() for each in cases.emails()]
    answers = [sign_up(backend, json.loads(each.typed_json)) for each in given]
    wrong = {each.id: look(answer, each) for each, answer in zip(given, answers, strict=True)}
    taken = [each for each, answer in zip(given, answers, strict=True) if answer.status == 202]
    with handed(backend) as (mails, _):
        backend.settle()
        first = recipients(mails)
        for wanted in ("yes", "no"):
            for each in taken:
                if each.other_json and each.same == wanted:
                    sign_up(backend, json.loads(each.other_json))
            _allow_mails(backend)  # else spellings of one mailbox would count together
        backend.settle()
    to, known = recipients(mails), records(backend)
    for case in taken:
        kept = known.get(key_of(case.shown), {}).get("email")
        if (first[case.ascii], to[case.ascii], kept) != (1, 1, case.shown):
            wrong[case.id] = f"{first[case.ascii]}, then {to[case.ascii]} mails, kept {kept!r}"
        if case.other_json:
            other = key_of(EMAIL.validate_python(json.loads(case.other_json)))
            same = other == key_of(case.shown)
            if same != (case.same == "yes") or other not in known:
                wrong[case.id] = "the same person" if same else "another person"
    assert {id: fault for id, fault in wrong.items() if fault} == {}
    assert len(taken) >= 60
    assert all(each.isascii() for each in to)
    assert set(backend.states().values()) == {"sent"}
    print(f"\n{len(given)} lines, {len(taken)} to SES, {len(known)} people, {len(to)} mails")


def recipients(mails: list[dict[str, Any]]) -> Counter[str]:
    return Counter(to for mail in mails for to in mail["Destination"]["ToAddresses"])


def test_a_person_is_found_by_every_spelling(line: Backend, sam: Agent) -> None:
    line.configure(LIMIT_SIGNUPS_PER_CALLER="1000")
    sign_up(line, "Erika@Müller.example")
    line.settle()
    key = key_of("erika@xn--mller-kva.example")
    headers = {"authorization": "Bearer key:supervisor:Sam", "accept": "text/html"}
    spellings = (
        "erika@mu\u0308ller.example",
        "ERIKA@XN--MLLER-KVA.EXAMPLE",
        " erika@müller.example\u200b",
        "erika@müller。example",
    )
    for typed in spellings:
        found = line.call("POST", "/staff/subscribers/search", {"email": typed}, headers)
        assert (found.status, found.headers["location"].rpartition("/")[2]) == (303, key)
    shown = line.call(
        "GET", f"/staff/subscribers/{key}", headers={"authorization": headers["authorization"]}
    )
    assert shown.json["email"] == "Erika@müller.example"
    mistyped = {"email": "jörg@müller.example"}
    refused = line.call("POST", "/staff/subscribers/search", mistyped, headers)
    assert refused.status == 422
    assert texts.of("de").gettext(MESSAGES["email_local"]) in refused.text


@pytest.mark.parametrize("language", ["de", "en"])
def test_a_plain_form_is_asked_back_in_its_language(backend: Backend, language: str) -> None:
    backend.configure(THANK_YOU_PAGES="")
    body = f"consent=newsletter-{language}-1&language={language}&email="
    said = {"de": "Meinten Sie eva@gmail.com?", "en": "Did you mean eva@gmail.com?"}[language]
    asked = backend.call("POST", "/newsletter/signups", f"{body}eva@gmial.com", _form())
    assert (asked.status, said in asked.text) == (200, True)
    plain = backend.call("POST", "/newsletter/signups", f"{body}eva@gmail.com", _form())
    assert "gmail.com" not in plain.text


def _form() -> dict[str, str]:
    return {"content-type": FORM, "accept": "text/html"}


def test_a_suggestion_shows_what_was_typed_as_text(backend: Backend) -> None:
    backend.configure(THANK_YOU_PAGES="")
    body = "consent=newsletter-de-1&email=a%26b%27c@gmial.com"
    page = backend.call("POST", "/newsletter/signups", body, _form()).text
    assert "a&amp;b&#39;c@gmail.com" in page


def test_the_suggestion_is_the_same_whatever_is_known_of_the_address(backend: Backend) -> None:
    answers = [sign_up(backend, "known@gmial.com").text]
    backend.settle()
    answers += [sign_up(backend, "known@gmial.com").text]
    robot = {**_CONSENT, "email": "known@gmial.com", "website": ""}
    answers += [backend.call("POST", "/newsletter/signups", robot).text]
    assert set(answers) == {'{"status":"pending","suggestion":"known@gmail.com"}'}
    assert sign_up(backend, "known@gmail.com").text == '{"status":"pending"}'


SENDERS = {
    "Tauberwerk <post@tauberwerk.example>": "Tauberwerk",
    "Müller & Söhne <post@tauberwerk.example>": "Müller & Söhne",
    "Müller, Söhne (Bonn) <post@tauberwerk.example>": "Müller, Söhne (Bonn)",
    "Tauberwerk GmbH, Bonn <post@tauberwerk.example>": "Tauberwerk GmbH, Bonn",
    f"{'Gesellschaft für Überführungen ' * 6}<post@tauberwerk.example>": (
        "Gesellschaft für Überführungen " * 6
    ).strip(),
    "post@tauberwerk.example": "",
}


@pytest.mark.parametrize("written", SENDERS, ids=lambda each: each[:20])
def test_the_senders_name_reaches_the_reader(backend: Backend, written: str) -> None:
    backend.configure(MAIL_FROM=written)
    sign_up(backend, "named@example.org")
    with handed(backend) as (mails, _):
        backend.settle()
    (sent,) = mails
    sender = sent["FromEmailAddress"]
    assert sender.isascii()
    assert sender.isprintable()
    name, address = parseaddr(sender)
    assert (str(make_header(decode_header(name))), address) == (
        SENDERS[written],
        "post@tauberwerk.example",
    )
    assert all(len(each) <= 75 for each in re.findall(r"=\?\S+\?=", sender))
    # A name with a comma or a dot would be two addresses without quotes.
    assert re.fullmatch(r'([^",()]*|"[^"]*" )<?[^<>, ]+>?', sender)


def test_all_but_subject_and_body_is_ascii_with_umlauts_everywhere(backend: Backend) -> None:
    backend.configure(
        MAIL_FROM="Müller & Söhne <post@Müller.example>",
        MAIL_REPLY_TO="Büro Köln, Domplatz <buero@müller.example>",
        MAIL_UNSUBSCRIBE="abmeldung@müller.example",
    )
    aws.client("sesv2").create_email_identity(EmailIdentity="xn--mller-kva.example")
    sign_up(backend, "Eva@Köln.example")
    with handed(backend) as (mails, _):
        backend.settle()
        link = re.search(r"/newsletter/confirm\?token=([^\s&]+)", _text(mails[0]))
        assert link
        backend.call("POST", "/newsletter/confirm", f"token={link[1]}", {"content-type": FORM})
        backend.settle()
    confirmation, welcome = mails
    for sent in mails:
        without = {**sent, "Content": {"Simple": {"Headers": sent["Content"]["Simple"]["Headers"]}}}
        assert json.dumps(without, ensure_ascii=False).isascii()
        assert sent["FromEmailAddress"].endswith(" <post@xn--mller-kva.example>")
        (reply_to,) = sent["ReplyToAddresses"]
        assert reply_to.endswith(" <buero@xn--mller-kva.example>")
        assert sent["Destination"] == {"ToAddresses": ["Eva@xn--kln-sna.example"]}
        (tag,) = sent["EmailTags"]
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,256}", tag["Value"])
        assert tag["Value"] in backend.states()
        headers = {each["Name"]: each["Value"] for each in sent["Content"]["Simple"]["Headers"]}
        assert headers["Auto-Submitted"] == "auto-generated"
        assert len(headers) <= 15
        assert all(len(each) <= 870 for each in headers.values())
    assert "List-Unsubscribe" not in {
        each["Name"] for each in confirmation["Content"]["Simple"]["Headers"]
    }
    headers = {each["Name"]: each["Value"] for each in welcome["Content"]["Simple"]["Headers"]}
    to = "<mailto:abmeldung@xn--mller-kva.example?subject=unsubscribe>"
    assert headers["List-Unsubscribe"].endswith(to)


def _text(mail: dict[str, Any]) -> str:
    return str(mail["Content"]["Simple"]["Body"]["Text"]["Data"])


@pytest.mark.parametrize(
    ("settings", "to", "reason"),
    [
        ({}, "jörg@example.org", "recipient: the part before the @ is not ASCII"),
        ({}, "nobody", "recipient: it is no e-mail address"),
        (
            {"MAIL_FROM": "pöst@tauberwerk.example"},
            "eva@example.org",
            "MAIL_FROM: the part before the @ is not ASCII",
        ),
        (
            {"MAIL_REPLY_TO": "Büro"},
            "eva@example.org",
            "MAIL_REPLY_TO: it is no e-mail address",
        ),
    ],
)
def test_what_cannot_be_sent_ends_with_a_reason_and_without_a_call(
    backend: Backend, settings: dict[str, str], to: str, reason: str
) -> None:
    backend.configure(**settings)
    message = model.owe("newsletter-none", "subject", 1, instants.now())
    aws.write(store.owed(message))
    composers = {"newsletter-none": lambda *_: Mail((to,), "Subject", "Text")}
    with handed(backend) as (mails, _):
        assert delivery.deliver(message.id, composers) == "failed"
    kept = store.load(message.id)
    assert kept
    assert (kept.state, kept.error, mails) == ("failed", reason, [])
    assert [item["used"] for item in backend.items(prefix="LIMIT#mails")] == [0]


def test_a_header_is_ascii_or_the_mail_is_refused(backend: Backend) -> None:
    message = model.owe("newsletter-none", "subject", 1, instants.now())
    parcel = Mail(("eva@example.org",), "S", "T", headers=(("List-Unsubscribe", "<https://ü>"),))
    with pytest.raises(handover.Unsendable, match="the header List-Unsubscribe is not ASCII"):
        handover.mail(message, parcel)


def test_an_alerts_subject_is_as_sns_takes_it(backend: Backend) -> None:
    message = model.owe("callback-alert", "R-TEST", 1, instants.now())
    said = {
        "Rückruf\nR-TEST: „Kauf“ – heute": 'Rueckruf R-TEST: "Kauf" - heute',
        "x" * 300: "x" * 99,
        "折り返し": None,
        "Überfällig\x00\x7f": "Ueberfaellig",
    }
    with handed(backend) as (_, alerts):
        for subject in said:
            parcel = Alert(subject, "ein Rückruf", {"sms": "kurz"}, {"topic": "", "level": "0"})
            handover.alert(message, parcel)
    assert [each.get("Subject") for each in alerts] == list(said.values())
    for each in alerts:
        assert each["MessageStructure"] == "json"
        assert json.loads(each["Message"]) == {"default": "ein Rückruf", "sms": "kurz"}
        assert each["MessageAttributes"].keys() == {"level", "message"}


def test_a_callbacks_alert_and_mail_go_to_addresses_with_umlaut_domains(line: Backend) -> None:
    line.configure(**ALWAYS, STAFF_MAIL="Beratung@Köln.example")
    ask(line, email="kunde@müller.example")
    with handed(line) as (mails, alerts):
        line.settle()
        line.tick(instants.now())
    to = {to for mail in mails for to in mail["Destination"]["ToAddresses"]}
    assert to == {"kunde@xn--mller-kva.example", "Beratung@xn--kln-sna.example"}
    assert alerts
    assert all(each["Subject"].isascii() and len(each["Subject"]) <= 99 for each in alerts)

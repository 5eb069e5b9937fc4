"""What a visitor of the website does: sign up, confirm, leave, ask for a callback.

Every address is one of SES's mailbox simulator, and every number one that the Federal Network
Agency keeps for films: nobody is written to or called.
"""

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chalicelib import instants
from chalicelib.newsletter import links
from chalicelib.newsletter import service as newsletter
from chalicelib.newsletter.model import Subscriber
from chalicelib.settings import current
from ops.prove.http import FORM, Answer
from ops.prove.outcomes import Fails, NotDone
from ops.prove.run import Run
from ops.words import _

SIMULATOR = "simulator.amazonses.com"
TAKEN_IN = 120.0  # seconds until the stream, or the clock, has taken a form in
SENT = 300.0  # until a mail has left
_NUMBERS, _REGION = "+493023125", "DE"  # and three digits
_JSON = {"Accept": "application/json"}


def address(mailbox: str, label: str) -> str:
    """Return an address of the simulator's mailbox; the label tells the runs' lines apart."""
    return f"{mailbox}+prove-{label}@{SIMULATOR}"


@contextmanager
def signed_up(run: Run, email: str) -> Iterator[str]:
    """Sign an address up by the form; yield its key once it waits for its confirmation.

    Its data are erased on the way out. Raises NotDone, Fails.
    """
    with run.journal.made_here("subscriber", email=email):
        declaration = _given(run.ask("/newsletter/consent"), 200).json
        wanted = {"email": email, "consent": declaration["version"], **_proof(run, "newsletter")}
        _given(run.ask("/newsletter/signups", "POST", wanted), 202)

        def known() -> Subscriber | None:
            return newsletter.find(email).subscriber

        waits = run.wait(_("the signup is taken in"), known, TAKEN_IN)
        if waits is None:
            raise Fails(_("the signup was not taken in within %(s)s s", s=round(TAKEN_IN)))
        yield waits.key


def confirm(run: Run, key: str) -> Answer:
    """Press the button behind the mailed link, whose token is made with the stage's own keys."""
    subscriber = newsletter.get(key)
    link = links.confirmation(subscriber, subscriber.letters)["confirm"]
    token = link.partition("token=")[2].partition("&")[0]
    body = f"token={token}".encode()
    return run.ask("/newsletter/confirm", "POST", body, {"Content-Type": FORM, **_JSON})


def confirmed(run: Run, key: str) -> None:
    """Confirm a subscription. Raises Fails where that does not work."""
    answer = confirm(run, key)
    if answer.status != 200 or state(key) != "confirmed":
        raise Fails(_("confirming is answered with %(answer)s", answer=answer))


def one_click(run: Run, key: str) -> Answer:
    """Unsubscribe as a mail program does (RFC 8058): one POST, without a cookie or a referrer."""
    link = links.standing(newsletter.get(key))["unsubscribe"]
    # The link begins with the address in the settings; a proof may go to another.
    path = link.removeprefix(current().base_url)
    return run.ask(path, "POST", b"List-Unsubscribe=One-Click", {"Content-Type": FORM})


def state(key: str) -> str:
    """Return the state of a subscriber; empty where there is none."""
    found = newsletter.known(key)
    return found.state if found else ""


def mailed(run: Run, key: str, count: int = 1) -> list[dict[str, Any]]:
    """Wait until SES has taken this many mails to a subscriber; return those it took."""

    def taken() -> list[dict[str, Any]]:
        mails: list[dict[str, Any]] = newsletter.prove(key, instants.now())["mails"]
        sent = [each for each in mails if each["state"] == "sent" and each["service_id"]]
        return sent if len(sent) >= count else []

    found = run.wait(_("SES takes the mail"), taken, SENT)
    if not found:
        mails = newsletter.prove(key, instants.now())["mails"]
        states = ", ".join(each["state"] for each in mails)
        raise Fails(
            _(
                "the mail has not left within %(s)s s (%(states)s): make outbox says why",
                s=round(SENT),
                states=states or "–",
            )
        )
    return found


@contextmanager
def callback_asked_for(run: Run) -> Iterator[str]:
    """Ask for a callback by the form; yield its reference. It is erased on the way out."""
    if _REGION not in current().phone_regions:
        raise NotDone(_("PHONE_REGIONS lacks %(region)s, whose number is taken", region=_REGION))
    phone = f"{_NUMBERS}{secrets.randbelow(1000):03}"
    with run.journal.made_here("number", phone=phone):
        declaration = _given(run.ask("/callbacks/consent"), 200).json
        wanted = {
            "name": "make prove",
            "note": "make prove: please do not call",
            "phone": phone,
            "consent": declaration["version"],
            **_proof(run, "callback"),
        }
        yield _given(run.ask("/callbacks", "POST", wanted), 202).json["reference"]


def _proof(run: Run, form: str) -> dict[str, str]:
    """Return the field with the form's proof of work, where the stage requires one."""
    if not current().altcha_required:
        return {}
    import altcha

    challenge = _given(run.ask(f"/altcha?form={form}"), 200).json
    solution = altcha.solve_challenge(altcha.Challenge.from_dict(challenge))
    if solution is None:
        raise Fails(_("the proof of work has no solution"))
    written = json.dumps({"challenge": challenge, "solution": solution.to_dict()})
    return {"altcha": base64.b64encode(written.encode()).decode()}


def _given(answer: Answer, status: int) -> Answer:
    """Return an answer of this status. Raises NotDone at a limit, Fails for any other."""
    if answer.status == 429:
        raise NotDone(_("a limit is reached (%(answer)s): run it again later", answer=answer))
    if answer.status != status:
        raise Fails(_("not %(status)s, but %(answer)s", status=status, answer=answer))
    return answer

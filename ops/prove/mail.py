"""Lines about the newsletter's mails and what SES tells of them."""

import json
import secrets
import time
from typing import Any

from chalicelib import addresses
from chalicelib.settings import current
from ops.prove.outcomes import Fails, NotDone
from ops.prove.run import Hear, Run
from ops.prove.visitor import (
    SENT,
    address,
    confirm,
    confirmed,
    mailed,
    one_click,
    signed_up,
    state,
)
from ops.words import _

_TOLD = 600.0  # seconds until SES's event has had its effect
_PUBLISHED = 240.0  # until the clock has published an event for other systems


def dkim(run: Run) -> str:
    """Check that SES may send for the sender's domain, and signs what it sends."""
    client = run.target.client("sesv2")
    domain = addresses.sending_domain(current().mail_from)
    try:
        found = client.get_email_identity(EmailIdentity=domain)
    except client.exceptions.NotFoundException:
        raise Fails(_("SES has no identity %(domain)s", domain=domain)) from None
    signing = found.get("DkimAttributes", {})
    told = _(
        "%(domain)s: DKIM %(status)s, %(access)s",
        domain=domain,
        status=signing.get("Status"),
        access=_access(client.get_account()),
    )
    if not (found.get("VerifiedForSendingStatus") and signing.get("SigningEnabled")):
        raise Fails(told)
    if signing.get("Status") != "SUCCESS":
        raise Fails(told)
    return told


def _access(account: Any) -> str:
    if not account.get("ProductionAccessEnabled"):
        return _("in the sandbox")
    return _("%(mails)s mails a day", mails=round(account["SendQuota"]["Max24HourSend"]))


def signup(run: Run) -> str:
    """Check a subscription from the form to the welcome mail."""
    began = time.monotonic()
    with signed_up(run, address("success", "signup")) as key:
        mailed(run, key)
        took = time.monotonic() - began
        confirmed(run, key)
        mailed(run, key, 2)
    return _("SES took the first mail %(s)s s after the form", s=f"{took:.1f}")


def leaving(run: Run) -> str:
    """Check that a mail program's one click ends a subscription, and a repeat changes nothing."""
    with signed_up(run, address("success", "leaving")) as key:
        confirmed(run, key)
        for _try in range(2):
            answer = one_click(run, key)
            if answer.status != 200 or state(key) != "unsubscribed":
                raise Fails(_("one click is answered with %(answer)s", answer=answer))
    return _("%(status)s, in %(ms)s ms", status=answer.status, ms=round(answer.seconds * 1000))


def bounce(run: Run) -> str:
    """Check that a bounce ends the subscription."""
    return _ended(run, "bounce", "bounced")


def complaint(run: Run) -> str:
    """Check that a complaint ends the subscription."""
    return _ended(run, "complaint", "complained")


def suppressed(run: Run) -> str:
    """Check that a mail that SES itself holds back ends the subscription."""
    return _ended(run, "suppressionlist", "bounced")


def _ended(run: Run, mailbox: str, wanted: str) -> str:
    with signed_up(run, address(mailbox, "ends")) as key:
        # At once, so that there is a subscription to end; SES may have been faster.
        confirm(run, key)
        began = time.monotonic()
        if not run.wait(_("SES tells of it"), lambda: state(key) == wanted, _TOLD):
            raise Fails(_("still %(state)s after %(s)s s", state=state(key) or "–", s=round(_TOLD)))
    return _("%(state)s after %(s)s s", state=wanted, s=f"{time.monotonic() - began:.1f}")


def lifted(run: Run) -> str:
    """Check that a fresh signup takes an address off SES's suppression list."""
    client = run.target.client("sesv2")
    # The list is cleared of an address once in 30 days: each run takes another one.
    email = address("success", f"listed-{secrets.token_hex(4)}")
    with run.journal.made_here("suppressed", email=email):
        client.put_suppressed_destination(EmailAddress=email, Reason="BOUNCE")
        with signed_up(run, email) as key:
            mailed(run, key)
        try:
            client.get_suppressed_destination(EmailAddress=email)
        except client.exceptions.NotFoundException:
            return _("off the list, and the mail has left")
    raise Fails(_("still on the list: its mails reach nobody"))


def events(run: Run) -> str:
    """Check that SES itself publishes what becomes of a mail."""
    topic, email = current().mail_events_topic_arn, address("success", "events")
    with run.heard(topic, "mail-events") as hear, signed_up(run, email) as key:
        mailed(run, key)
        seen: set[str] = set()

        def delivered() -> bool:
            told = (_event(each) for each in hear())
            seen.update(
                str(each["eventType"])
                for each in told
                if email in (each.get("mail") or {}).get("destination", ())
            )
            return "Delivery" in seen

        if not run.wait(_("SES tells of the delivery"), delivered, SENT):
            told = ", ".join(sorted(seen)) or "–"
            raise Fails(_("no event of the delivery; seen: %(kinds)s", kinds=told))
    return ", ".join(sorted(seen))


def _event(envelope: dict[str, Any]) -> dict[str, Any]:
    """Return SES's event in SNS's envelope; empty where it is none."""
    try:
        found = json.loads(envelope["Message"])
    except (ValueError, KeyError):
        return {}
    return found if isinstance(found, dict) and "eventType" in found else {}


def domain_events(run: Run) -> str:
    """Check that another system is told of a signup, by a queue at the topic."""
    if not current().domain_events:
        raise NotDone(_("DOMAIN_EVENTS is 0: nobody is told"))
    began = time.monotonic()
    with (
        run.heard(current().domain_events_topic_arn, "domain-events") as hear,
        signed_up(run, address("success", "told")) as key,
    ):
        if not run.wait(_("the event is published"), lambda: _tells(hear, key), _PUBLISHED):
            raise Fails(_("no event within %(s)s s", s=round(_PUBLISHED)))
    return _("%(s)s s after the form", s=round(time.monotonic() - began))


def _tells(hear: Hear, key: str) -> bool:
    told = (json.loads(each["Message"]) for each in hear())
    return any(
        each.get("subject") == key and each.get("type") == "subscriber.subscribed" for each in told
    )

"""Proof of work for the forms (ALTCHA): a challenge that the visitor's browser solves once.

Challenges are made, signed and verified here; no other service is asked. The library keeps no
record of used solutions, so a solution is used up by a conditional Put, a member of the intake's
own transaction: an intake that is not stored does not use it up, and its next try is not refused.
"""

import base64
import hmac
import json
import secrets
from datetime import datetime, timedelta

from chalicelib import aws, instants, keys
from chalicelib.errors import BadProof, FieldError, Invalid
from chalicelib.settings import current

REFUSED = FieldError("altcha", "altcha")
_ALGORITHM, _ROUNDS = "PBKDF2/SHA-256", 2000  # of one step; ALTCHA_COST says how many steps
V = 1  # the version of the items' format
_KEPT = 3600  # seconds beyond the expiry, because the table's clock may differ from ours


def create(form: str, now: datetime) -> aws.Item:
    """Make a challenge for a form, in the shape of ALTCHA's protocol (version 2)."""
    import altcha  # costly to import; a process that never sees a proof does without

    settings = current()
    challenge = altcha.create_challenge(
        _ALGORITHM,
        _ROUNDS,
        # The one step that solves it: the number of steps, and so the wait, is limited.
        counter=secrets.randbelow(settings.altcha_cost),
        expires_at=instants.epoch(now + timedelta(minutes=settings.altcha_minutes)),
        data={"form": form},
        hmac_secret=_secrets()[-1],
    )
    return dict(challenge.to_dict())


def spend(form: str, payload: str | None, now: datetime) -> aws.Item | None:
    """Return the Put that uses up an intake's proof; None where the stage requires no proof.

    Raises Invalid as `solved` does, where the stage requires a proof.
    """
    return solved(form, payload, now) if current().altcha_required else None


def solved(form: str, payload: str | None, now: datetime) -> aws.Item:
    """Verify a solution; return the Put that uses it up, and fails where it was used before.

    Raises Invalid (`altcha`) unless it solves a challenge of ours, for this form, in time; BadProof
    where there is none of ours to solve, or it is another form's.
    """
    import altcha

    try:
        # Strict, because the library takes 2000.0 for the 2000 it signed, and fails on it later.
        written = json.loads(
            base64.b64decode(payload or "", validate=True), parse_float=str, parse_constant=str
        )
        given = altcha.Payload.from_dict(written)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Invalid(REFUSED) from error
    results = []
    for secret in _secrets():
        results.append(altcha.verify_solution(given, secret))
        if results[-1].verified:
            break
    else:
        raise Invalid(REFUSED) if any(each.expired for each in results) else BadProof(REFUSED)
    ours = given.challenge.parameters  # as we made them, since the signature is ours
    expires_at = ours.expires_at
    if ours.data != {"form": form} or expires_at is None:
        raise BadProof(REFUSED)
    if instants.epoch(now) >= expires_at:
        raise Invalid(REFUSED)
    place = {"pk": f"ALTCHA#{ours.nonce}", "sk": "USED", "v": V}
    used = {**place, "expires": expires_at + _KEPT}
    return aws.put(current().contacts_table, used, "attribute_not_exists(pk)")


def _secrets() -> list[str]:
    """Return the keys of challenges, made from the live token keys: the last signs, all verify."""
    return [hmac.new(key.encode(), b"altcha", "sha256").hexdigest() for key in keys.token_keys()]

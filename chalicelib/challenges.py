"""Proof of work for the forms (ALTCHA): a challenge of ours that the visitor's browser solves, good for one use.

Nothing leaves the service: challenges are made, signed and verified here. The library keeps no record of what was
used, so a solution is used up by a conditional Put, a member of the intake's own transaction: what was not stored
has not used it up, and a repeated try of the same intake is not refused.
"""

import base64
import hmac
import json
import secrets
from datetime import datetime, timedelta

from chalicelib import aws, instants, keys
from chalicelib.errors import FieldError, Invalid
from chalicelib.settings import current

REFUSED = FieldError("altcha", "altcha")
_ALGORITHM, _ROUNDS = "PBKDF2/SHA-256", 2000  # of one step; ALTCHA_COST says how many steps
_KEPT = 3600  # seconds beyond the expiry, as the table's clock is not ours


def create(form: str, now: datetime) -> aws.Item:
    """A fresh challenge for a form, as ALTCHA's protocol (version 2) writes it."""
    import altcha  # costly to import; a Lambda that never sees a proof does without

    settings = current()
    challenge = altcha.create_challenge(
        _ALGORITHM,
        _ROUNDS,
        counter=secrets.randbelow(
            settings.altcha_cost
        ),  # the one step that solves it: the wait has an end
        expires_at=instants.epoch(now + timedelta(minutes=settings.altcha_minutes)),
        data={"form": form},
        hmac_secret=_secrets()[-1],
    )
    return dict(challenge.to_dict())


def spend(form: str, payload: str | None, now: datetime) -> aws.Item | None:
    """What an intake writes along to use up its proof; None where the stage wants no proof, and then looks at none.

    Raises Invalid as `solved` does.
    """
    return solved(form, payload, now) if current().altcha_required else None


def solved(form: str, payload: str | None, now: datetime) -> aws.Item:
    """The Put that uses up a solution, and fails where it was used before.

    Raises Invalid for what is not a solution of a challenge of ours for this form that has not expired.
    """
    import altcha

    try:
        # Strict: the library takes 2000.0 for the 2000 it signed, and trips over it later.
        written = json.loads(
            base64.b64decode(payload or "", validate=True), parse_float=str, parse_constant=str
        )
        given = altcha.Payload.from_dict(written)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Invalid(REFUSED) from error
    if not any(altcha.verify_solution(given, secret).verified for secret in _secrets()):
        raise Invalid(REFUSED)
    ours = given.challenge.parameters  # signed, so as we made them
    if (
        ours.data != {"form": form}
        or ours.expires_at is None
        or instants.epoch(now) >= ours.expires_at
    ):
        raise Invalid(REFUSED)
    used = {"pk": f"ALTCHA#{ours.nonce}", "sk": "USED", "expires": ours.expires_at + _KEPT}
    return aws.put(current().contacts_table, used, "attribute_not_exists(pk)")


def _secrets() -> list[str]:
    """The keys that sign challenges, made of the live token keys: the last signs, all verify."""
    return [hmac.new(key.encode(), b"altcha", "sha256").hexdigest() for key in keys.token_keys()]

"""The first step of a deployment: check account, settings and mail. It changes nothing."""

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import TypeAdapter, ValidationError

from chalicelib import addresses
from chalicelib.callbacks import rules
from chalicelib.http import fields as of
from chalicelib.settings import BadSetting, parse
from infra import purse
from infra.company import faults
from infra.target import Change, NotDone, Target

REQUIRED = (
    "BASE_URL",
    "SITE_URL",
    "SITE_ORIGINS",
    "MAIL_FROM",
    "STAFF_MAIL",
    "HOTLINE_NUMBER",
)

_WITH_NAME = ("MAIL_FROM", "MAIL_REPLY_TO")
COMPANY = "chalicelib/company"
OPERATIONS = (
    "mail_domain",
    "user_pool",
    "mfa",
    "alarm_mail",
    "budget",
    "log_days",
    *purse.SETTINGS,
)


def check(target: Target) -> Iterator[Change]:
    """Yield a note for each thing the operator should know; there is nothing to change.

    Raises NotDone with a list of everything that is missing.
    """
    missing = _settings(target)
    try:
        identity = target.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise _missing(
            [
                *missing,
                f"AWS credentials that work, and a region ({error}): sign in (`aws sso login`, or "
                "AWS_PROFILE=…) and set AWS_DEFAULT_REGION, such as eu-central-1",
            ]
        ) from error
    if missing := missing + _mail(target, blocking=True):
        raise _missing(missing)
    yield Change(
        f"work in account {identity['Account']}, region {target.client('sts').meta.region_name}"
    )
    for note in _mail(target, blocking=False):
        yield Change(note)
    if not (target.operations.get("user_pool") or target.environment.get("OIDC_ISSUER")):
        yield Change(
            "note: nobody can sign in to the staff's page: "
            "operations needs user_pool, or OIDC_ISSUER a provider"
        )


def _missing(things: list[str]) -> NotDone:
    return NotDone("This is missing:\n" + "\n".join(f"  - {each}" for each in things))


def _settings(target: Target) -> list[str]:
    environment = target.environment
    where = f"in .chalice/config.json, stage {target.stage}"
    missing = [f"{name} is not set {where}" for name in REQUIRED if not environment.get(name)]
    missing += [
        f"{name} still has the example's value, {environment[name]}, {where}"
        for name in REQUIRED
        if ".example" in environment.get(name, "")
    ]
    if environment.get("STAGE") != target.stage:
        missing.append(f"STAGE must be {target.stage} {where}")
    missing += [
        f"operations has no {name}, only {', '.join(OPERATIONS)} ({where})"
        for name in target.operations
        if name not in OPERATIONS
    ]
    missing += [f"{fault} ({where})" for fault in purse.faults(target.operations)]
    missing += [f"{fault} ({COMPANY})" for fault in faults(target.root / COMPANY)]
    missing += [f"{fault} ({where})" for fault in unsendable(environment)]
    missing += [f"{fault} ({where})" for fault in unreadable(environment)]
    return missing


def unreadable(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each setting that the functions could not read."""
    try:
        parse(environment)
    except BadSetting as error:
        yield str(error)
    try:
        line = parse({name: environment[name] for name in rules.SETTINGS if name in environment})
    except BadSetting:
        return  # it is told already
    yield from rules.faults(line)


def unsendable(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each address in a stage's settings that no mail could go to or from."""
    for setting, written in _written(environment):
        name, address = addresses.split(written)
        if name and setting not in _WITH_NAME:
            yield f"{setting} takes addresses without a name, not {written}"
        elif fault := _fault(address):
            yield f"{setting} has {written}, {fault}"
    if not environment.get("BASE_URL", "").isascii():
        written = environment["BASE_URL"]
        yield f"BASE_URL has {written}, but links in mail headers are ASCII: write it as punycode"


def _written(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each address that the settings have, beside the name of its setting."""
    for setting in ("MAIL_FROM", "MAIL_REPLY_TO", "MAIL_UNSUBSCRIBE"):
        if environment.get(setting):
            yield setting, environment[setting]
    for setting in ("STAFF_MAIL", "SUPERVISOR_MAIL"):
        parts = (each.strip() for each in environment.get(setting, "").split(","))
        yield from ((setting, each) for each in parts if each)
    for shift in filter(None, map(str.strip, environment.get("STAFF_SHIFTS", "").split("|"))):
        yield "STAFF_SHIFTS", shift.split()[0]


def _fault(address: str) -> str:
    """Return what is wrong with an address, empty if it can be sent to."""
    try:
        read = TypeAdapter[str](of.Email).validate_python(address)
    except ValidationError as error:
        if error.errors()[0]["type"] == "email_local":
            return "which SES cannot send to: before the @ there may only be ASCII letters"
        return "which is no e-mail address"
    # Functions read no more than punycode: what people may write otherwise is refused here.
    if addresses.to_ascii(read) != addresses.to_ascii(address):
        return f"which is written {read}"
    return ""


def _mail(target: Target, blocking: bool) -> list[str]:
    """Return what SES lacks, in words.

    With `blocking` that is what a stage cannot work without; otherwise what keeps mails waiting in
    the outbox.
    """
    client = target.client("sesv2")
    domain = addresses.sending_domain(target.environment.get("MAIL_FROM", ""))
    account = client.get_account()
    sandbox = not account.get("ProductionAccessEnabled")
    identity = _identity(client, domain)
    made = addresses.ascii_domain(target.operations.get("mail_domain", "")) == domain
    if blocking:
        found = (
            []
            if account.get("SendingEnabled", True)
            else ["SES has stopped this account's mail: see its console"]
        )
        if target.stage == "prod" and sandbox:
            found.append(
                "SES is in the sandbox: request production access in its console "
                "(docs/operations.md)"
            )
        if identity is None and domain and not made:
            found.append(
                f'SES has no identity {domain}: set "operations": {{"mail_domain": "{domain}"}} in '
                f".chalice/config.json, stage {target.stage}, to have it made"
            )
        return found
    notes = (
        ["note: SES is in the sandbox, only addresses verified there get mail"] if sandbox else []
    )
    if identity is None:
        notes.append(
            f"note: the identity {domain} is made next; then run this again for its DNS records"
        )
    elif not identity.get("VerifiedForSendingStatus"):
        records = [
            f"{each}._domainkey.{domain} CNAME {each}.dkim.amazonses.com"
            for each in identity.get("DkimAttributes", {}).get("Tokens", ())
        ]
        notes.append(
            "\n      ".join(
                ["note: publish these DNS records, mails wait until SES sees them:", *records]
            )
        )
    return notes


def _identity(client: Any, domain: str) -> Any:
    try:
        return client.get_email_identity(EmailIdentity=domain) if domain else None
    except client.exceptions.NotFoundException:
        return None

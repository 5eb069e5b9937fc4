"""The settings of the functions, read by the code that serves."""

import re
from collections.abc import Iterator, Mapping

from pydantic import TypeAdapter, ValidationError

from chalicelib import addresses
from chalicelib.callbacks import rules
from chalicelib.http import fields as of
from chalicelib.settings import BadSetting, parse
from infra.checks.parts import Finding, Look, Step

REQUIRED = (
    "BASE_URL",
    "SITE_URL",
    "SITE_ORIGINS",
    "MAIL_FROM",
    "STAFF_MAIL",
    "HOTLINE_NUMBER",
)

_WITH_NAME = ("MAIL_FROM", "MAIL_REPLY_TO")
_STAGE = re.compile(r"[a-z][a-z0-9-]{0,15}")  # as infra/template.json has it
_RESERVED = ("aws", "amazon", "cognito")  # Cognito's guide: Using your own domain, domain prefixes


def values(look: Look) -> Iterator[Finding]:
    """Look at the settings: those that are missing, and what the functions could not read."""
    environment, where = look.environment, look.where
    found = [f"{name} is not set {where}" for name in REQUIRED if not environment.get(name)]
    found += [
        f"{name} still has the example's value, {environment[name]}, {where}"
        for name in REQUIRED
        if ".example" in environment.get(name, "")
    ]
    if environment.get("STAGE") != look.stage:
        found.append(f"STAGE must be {look.stage} {where}")
    found += [
        f'{name} must be a text: "{value}", with quotes, {where}'
        for name, value in look.target.environment.items()
        if not isinstance(value, str)
    ]
    found += [
        f"{name} has a character that is none (half a surrogate pair), {where}"
        for name, value in environment.items()
        if value.encode(errors="replace").decode() != value
    ]
    found += [f"{fault} ({where})" for fault in unsendable(environment)]
    found += [f"{fault} ({where})" for fault in unreadable(environment)]
    yield from (Finding(Step.SETTINGS, each) for each in found)


def stage(look: Look) -> Iterator[Finding]:
    """Look at the stage's name, which is part of every resource's name."""
    if not _STAGE.fullmatch(look.stage):
        yield Finding(
            Step.SETTINGS,
            f"the stage's name, {look.stage}, must be of a-z, 0-9 and -, begin with a letter and "
            "have 16 characters at most",
        )
    if look.target.operations.get("user_pool"):
        for word in _RESERVED:
            if word in look.stage:
                yield Finding(
                    Step.SETTINGS,
                    f"the stage's name, {look.stage}, has the word {word}, which Cognito allows in "
                    "no address of a sign-in page: name it otherwise, or leave out user_pool",
                )


def unreadable(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each setting that the functions could not read."""
    rest = dict(environment)
    while said := _unread(rest):
        # Reading ends at the first fault: it is told, and the rest is read without its setting.
        others = (each for each in rest if each != "STAGE")
        name = next((each for each in others if _unread(_without(rest, each)) != said), "")
        yield said if name in said else f"{name}: {said}"
        if not name:
            break
        rest = _without(rest, name)
    try:
        line = parse({name: environment[name] for name in rules.SETTINGS if name in environment})
    except BadSetting:
        return  # it is told already
    yield from rules.faults(line)


def _unread(environment: Mapping[str, str]) -> str:
    """Return why the functions could not read their environment, empty if they can."""
    try:
        parse(environment)
    except (BadSetting, ValueError) as error:  # the latter of an address that is none
        return str(error)
    return ""


def _without(environment: Mapping[str, str], name: str) -> dict[str, str]:
    """Return an environment without a setting, in which nothing is wrong for that."""
    gone = {name, "ARTICLES_FEED"} if name == "SITE_ORIGINS" else {name}
    rest = {key: value for key, value in environment.items() if key not in gone}
    # The defaults of these are for the local stage.
    return {**rest, name: "https://x.example"} if name in ("BASE_URL", "SITE_URL") else rest


def unsendable(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each address in a stage's settings that no mail could go to or from."""
    for setting, written in _written(environment):
        name, address = addresses.split(written)
        if name and setting not in _WITH_NAME:
            yield f"{setting} takes addresses without a name, not {written}"
        elif found := fault(address):
            yield f"{setting} has {written}, {found}"
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


def fault(address: str) -> str:
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

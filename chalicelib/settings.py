"""The settings of a stage: the only reader of the environment, parsed once, frozen.

`docs/settings.md` is made from this file by `make generated`, and a test checks that it is current.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit


class BadSetting(RuntimeError):
    """A setting is missing or cannot be read; the text names it."""


def _of(default: Any, doc: str) -> Any:
    return field(default=default, metadata={"doc": doc})


# Generating `repr` and `eq` for 60 fields would take a hundredth of a trigger's cold start each.
@dataclass(frozen=True, repr=False, eq=False)
class Settings:
    """One attribute per environment variable, the name in capitals."""

    stage: str = _of("local", "`local`, `dev`, `prod`; part of every resource's name")
    base_url: str = _of(
        "http://127.0.0.1:8300", "public base of the API; links in mails are built from it alone"
    )
    site_url: str = _of("http://127.0.0.1:8301", "the company's website, linked from our pages")
    site_origins: tuple[str, ...] = _of(
        (), "exact origins whose pages may call the API from a browser (CORS)"
    )
    thank_you_pages: tuple[str, ...] = _of(
        (), "pages a plain form may be sent on to; the first is the default"
    )
    company_folder: str = _of(
        "", "another company's files, in place of `chalicelib/company`; on the local stage only"
    )
    time_zone: str = _of(
        "Europe/Berlin", "calendar of days and opening hours, a name of the IANA time zones"
    )

    mail_from: str = _of(
        "noreply@localhost.example",
        "sender of every mail, an identity verified in SES, with a name or without: "
        "`Müller & Söhne <post@müller.example>`",
    )
    mail_reply_to: str = _of(
        "", "where answers to our mails go, with a name or without; empty: to the sender"
    )
    staff_mail: tuple[str, ...] = _of((), "addresses that get callback alerts by mail")
    supervisor_mail: tuple[str, ...] = _of(
        (), "addresses that get alerts nobody answered; default `STAFF_MAIL`"
    )
    staff_shifts: str = _of(
        "",
        "who is on shift, alerted when half of the promised time is gone: "
        "`a@x.example Mon-Fri 09:00-13:00 | b@x.example Mon 13:00-17:00`",
    )
    mail_unsubscribe: str = _of(
        "", "address for unsubscribing by mail, which somebody reads; default the sender's"
    )
    mails_a_day: int = _of(
        20000, "mails a day at most, each lane with its share; further ones wait"
    )
    mail_configuration_set: str = _of("", "SES configuration set")

    hotline_number: str = _of(
        "+4979302699", "the company's own number, E.164, such as `+4979302699`"
    )
    hotline_hours: str = _of(
        "Mon-Fri 09:00-17:00",
        "opening hours: `Mon-Thu 09:00-12:30 13:30-17:00; Fri 09:00-15:00`. A later part rules its "
        "days. `Fri-Mon` goes over the weekend; `Mon,Wed` are two days. `Mon-Fri 22:00-06:00` runs "
        "over midnight, and a night belongs to the day on which it begins; `Mon-Sun closed` never "
        "opens",
    )
    hotline_holidays: str = _of(
        "BW",
        "German state on whose public holidays the line is closed, by its code: `BB`, `BE`, `BW`, "
        "`BY`, `HB`, `HE`, `HH`, `MV`, `NI`, `NW`, `RP`, `SH`, `SL`, `SN`, `ST`, `TH`; empty for "
        "none. Holidays that only some places of a state have are not among them: add yours to "
        "`HOTLINE_EXCEPTIONS`. In Bavaria that is the Assumption, in most places (`08-15 closed`), "
        "and in Augsburg the Peace Festival, too (the code `Augsburg` has both); in some places of "
        "Saxony and Thuringia it is Corpus Christi (such as `2027-05-27 closed`)",
    )
    hotline_exceptions: str = _of(
        "12-24 closed; 12-31 closed",
        "days that differ, yearly or dated, one or several: `12-24 closed; 2027-01-05 10:00-12:00; "
        "2027-08-02..2027-08-13 closed`. A day goes before a holiday, a dated one before a yearly "
        "one: `2027-01-06 09:00-17:00` opens a holiday",
    )
    callback_days: int = _of(90, "days after its end for which a callback's contact data is kept")
    callback_proof_years: int = _of(
        5, "years after its end for which the proof of a callback's consent is kept (§ 7a UWG)"
    )
    first_attempt_minutes: int = _of(
        30, "open minutes within which a callback is first attempted, 1 to 2400"
    )
    proof_years: int = _of(
        3, "full calendar years for which the proof of an ended subscription is kept"
    )
    phone_regions: tuple[str, ...] = _of(
        ("DE", "AT", "CH"),
        "countries whose numbers are called back, by their codes; the first one is home",
    )

    staff_test_key: str = _of(
        "",
        "opens the staff's paths on the local stage, and on no other: "
        "`Bearer KEY`, `KEY:agent`, `KEY:agent:Name`",
    )

    oidc_issuer: str = _of(
        "", "issuer of the staff's sign-in; output of the resource stack, or a provider of your own"
    )
    oidc_client_id: str = _of(
        "", "our client id at the issuer; output of the resource stack, or from your provider"
    )
    oidc_client_secret_arn: str = _of(
        "", 'secret `{"client_secret": "…"}`; empty for a public client'
    )
    oidc_discovery: str = _of(
        "", "discovery document; default the issuer's `/.well-known/openid-configuration`"
    )
    oidc_scopes: str = _of("openid profile email", "scopes that are asked for, separated by spaces")
    oidc_groups_claim: str = _of("cognito:groups", "claim of the token with the person's groups")
    oidc_agent_group: str = _of("agent", "group whose people may work on callbacks")
    oidc_supervisor_group: str = _of("supervisor", "group whose people may do everything")

    domain_events: int = _of(
        0, "1: other systems are told of what happened, by a topic of SNS; 0: nobody is"
    )
    domain_events_address: int = _of(
        0, "1: an event of a confirmed subscription has the mail address; 0: ids only"
    )

    limit_signups_per_caller: int = _of(20, "newsletter signups an hour from one address")
    limit_callbacks_per_caller: int = _of(5, "callback requests an hour from one address")
    limit_callbacks_per_number: int = _of(
        3, "callback requests a day for one number, merged ones not counted"
    )
    limit_access_per_caller: int = _of(
        10, "requests an hour from one address for a link to one's data"
    )
    limit_per_caller_factor: int = _of(
        1, "multiplies the limits above; for trying out from one machine"
    )

    trusted_address_header: str = _of(
        "",
        "header in which a CDN or proxy in front of the API tells the visitor's address, such as "
        "`CloudFront-Viewer-Address`, `X-Real-IP`, `CF-Connecting-IP`; believed beside its secret "
        "only",
    )
    trusted_agent_header: str = _of(
        "",
        "header in which it tells the visitor's user agent, where it replaces `User-Agent`; "
        "believed beside its secret only",
    )
    origin_secret_arn: str = _of(
        "",
        'secret `{"1": "…"}`, one value or several, of which the CDN or proxy sends one as '
        "`X-Origin-Secret`",
    )
    articles_feed: str = _of(
        "",
        "address of the site's feed on one of `SITE_ORIGINS`, whose articles the lists show: a "
        "sitemap with titles (news) or an index of such, RSS, Atom or JSON Feed; empty: the lists "
        "show what the staff accepted",
    )
    articles_named: str = _of(
        "path",
        "what an article of the feed is called: `path`, the whole path of its address, or `last`, "
        "its last part, as where `data-article` has no more than that",
    )

    altcha_required: int = _of(0, "1: the forms require a proof of work; 0: none is looked at")
    altcha_cost: int = _of(
        4000, "most steps a proof takes, half of them on average, which is about 1 s on a phone"
    )
    altcha_minutes: int = _of(10, "minutes within which a proof must be sent, 1 to 10")

    contacts_table: str = _of("", "output of the resource stack")
    contacts_stream_arn: str = _of("", "output of the resource stack")
    view_markers_table: str = _of("", "output of the resource stack")
    view_markers_stream_arn: str = _of("", "output of the resource stack")
    view_counts_table: str = _of("", "output of the resource stack")
    heads_log_group: str = _of("", "output of the resource stack")
    mail_events_topic_arn: str = _of("", "output of the resource stack")
    alerts_topic_arn: str = _of("", "output of the resource stack")
    domain_events_topic_arn: str = _of("", "output of the resource stack")
    operators_topic_arn: str = _of("", "output of the watching stack: who hears the alarms")
    outbox_queue_url: str = _of("", "output of the resource stack")
    dead_letter_queue_url: str = _of("", "output of the resource stack")
    identity_secret_arn: str = _of("", "output of the resource stack")
    token_secret_arn: str = _of("", "output of the resource stack")


def parse(environment: Mapping[str, str]) -> Settings:
    """Read the settings from environment variables; ignore unknown ones. Raises BadSetting."""
    values: dict[str, Any] = {}
    for each in fields(Settings):
        written = environment.get(each.name.upper())
        if written is None:
            continue
        if isinstance(each.default, int):
            if not (written.isascii() and written.isdigit()):
                raise BadSetting(f"{each.name.upper()} must be a whole number, not {written!r}")
            values[each.name] = int(written)
        elif isinstance(each.default, tuple):
            values[each.name] = tuple(part.strip() for part in written.split(",") if part.strip())
        else:
            values[each.name] = written
    settings = Settings(**values)
    for name in ("staff_test_key", "company_folder"):
        if getattr(settings, name) and settings.stage != "local":
            raise BadSetting(f"stage {settings.stage} must not have {name.upper()}")
    if (
        settings.trusted_address_header or settings.trusted_agent_header
    ) and not settings.origin_secret_arn:
        raise BadSetting("TRUSTED_ADDRESS_HEADER and TRUSTED_AGENT_HEADER need ORIGIN_SECRET_ARN")
    if not (1 <= settings.altcha_minutes <= 10 and settings.altcha_cost):
        raise BadSetting("ALTCHA_MINUTES must be 1 to 10, ALTCHA_COST at least 1")
    _refuse_foreign_feed(settings)
    if settings.stage != "local":
        _refuse_open_lines(settings)
    return settings


def _refuse_foreign_feed(settings: Settings) -> None:
    """Raise BadSetting for a feed that is not on the site, or an unknown way to name articles."""
    feed = urlsplit(settings.articles_feed)
    if settings.articles_feed and f"{feed.scheme}://{feed.netloc}" not in settings.site_origins:
        raise BadSetting(f"ARTICLES_FEED {settings.articles_feed} is on none of SITE_ORIGINS")
    if settings.articles_named not in ("path", "last"):
        raise BadSetting(f"ARTICLES_NAMED must be path or last, not {settings.articles_named!r}")


def _refuse_open_lines(settings: Settings) -> None:
    """Raise BadSetting for an address without https, or a provider on the machine itself."""
    provider = [url for url in (settings.oidc_issuer, settings.oidc_discovery) if url]
    for url in (settings.base_url, settings.site_url, *settings.site_origins, *provider):
        if not url.startswith("https://"):
            raise BadSetting(f"stage {settings.stage} must not use {url}: https only")
    for url in provider:
        if _is_loopback(urlsplit(url).hostname or ""):
            raise BadSetting(
                f"stage {settings.stage} must not use {url}: "
                "whoever runs on its machine could sign in"
            )


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return host.rstrip(".") == "localhost" or host.rstrip(".").endswith(".localhost")
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified


_found: Mapping[str, str] = {}


@cache
def current() -> Settings:
    """Return the settings of this process. Raises BadSetting."""
    return parse({**_found, **os.environ} if _found else os.environ)


def complete(environment: Mapping[str, str]) -> None:
    """Use these values wherever the environment has none, from now on (`local_cloud`)."""
    global _found
    _found = environment
    current.cache_clear()


def stage_of_environment() -> str:
    """Return the stage that the environment names now.

    Chalice's test client sets it only after the import of the app.
    """
    return os.environ.get("STAGE", Settings.stage)


def function() -> str | None:
    """Return the function that Lambda runs in this process, such as `app.deliver_messages`.

    Returns None outside Lambda.
    """
    return os.environ.get("_HANDLER")

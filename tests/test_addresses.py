"""Addresses: who is the same person, what SES is given, what is asked back about."""

import json
import string

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from chalicelib import addresses
from chalicelib.http import fields
from tests import cases
from tests.cases import EmailCase

EMAIL: TypeAdapter[str] = TypeAdapter(fields.Email)
CASES = list(cases.emails())


def read(typed: str) -> tuple[str, str]:
    """Return the address as it is kept, or an empty text and the code of the refusal."""
    try:
        return EMAIL.validate_python(typed), ""
    except ValidationError as error:
        return "", error.errors()[0]["type"]


def test_the_tables_are_whole() -> None:
    assert len({each.id for each in CASES}) == len(CASES) == 118


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_people_type_is_read_as_the_tables_say(case: EmailCase) -> None:
    shown, code = read(json.loads(case.typed_json))
    if code:
        assert case.codes
        assert "any" in case.codes or code in ({"email_local"} if "own" in case.codes else "email")
        return
    assert case.may_be_taken, case.why
    assert (shown, addresses.to_ascii(shown)) == (case.shown, case.ascii)
    assert addresses.to_unicode(case.ascii) == case.shown
    if case.other_json:
        other, _ = read(json.loads(case.other_json))
        same = addresses.identity(other) == addresses.identity(shown)
        assert same == (case.same == "yes"), case.why
    if case.hint:
        assert (addresses.suggestion(shown) or "none") == case.hint, case.why


# Letters that lower case, composition and IDNA treat in ways of their own, beside plain ones.
LETTERS = st.sampled_from([*"abzAZ09-.", *"äÖßẞıİςσé例界", "\u0308", "\u212a", "\u3002", "xn--"])
DOMAINS = st.lists(LETTERS, min_size=1, max_size=12).map("".join)
LOCALS = st.text(string.ascii_letters + string.digits + "+._-", min_size=1, max_size=20)


@given(LOCALS, DOMAINS)
def test_whatever_is_kept_reaches_ses_as_the_validator_says(local: str, domain: str) -> None:
    typed = f"{local}@{domain}.example"
    shown, code = read(typed)
    if code:
        return
    found = validate_email(typed, check_deliverability=False)
    assert addresses.to_ascii(shown) == found.ascii_email
    assert read(shown) == (shown, "")
    assert read(addresses.to_ascii(shown)) == (shown, "")


@given(LOCALS, DOMAINS)
def test_the_ascii_form_is_ascii_and_stays_the_same_person(local: str, domain: str) -> None:
    try:
        made = addresses.to_ascii(f"{local}@{domain}")
    except ValueError:
        return
    assert made.isascii()
    assert made.isprintable()
    assert addresses.to_ascii(made) == made
    assert addresses.identity(made) == addresses.identity(f"{local}@{domain}")
    assert addresses.identity(addresses.to_unicode(made)) == addresses.identity(made)
    assert addresses.identity(addresses.identity(made)) == addresses.identity(made)
    folded = addresses.mailbox(made)
    assert addresses.mailbox(folded) == folded


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_text_ends_in_anything_but_an_answer_or_a_reason(before: str, after: str) -> None:
    for text in (before, f"{before}@{after}", f"a@{after}.example", f"a@xn--{after}"):
        try:
            assert addresses.to_ascii(text).isascii()
            addresses.mailbox(text)
        except ValueError:
            pass
        addresses.to_unicode(text)
        addresses.suggestion(text)
        addresses.split(text)
        read(text)


@pytest.mark.parametrize(
    "address",
    [
        "jörg@example.org",
        "",
        "@",
        "a@",
        "@b.example",
        "a b@c.example",
        "a@b c",
        "a@b>\n",
        "a,b@c.d",
    ],
)
def test_what_ses_cannot_reach_is_told_by_a_reason_without_the_address(address: str) -> None:
    with pytest.raises(ValueError, match=r"before the @|no e-mail address") as told:
        addresses.to_ascii(address)
    assert not address or address == "@" or address not in str(told.value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("e.v.a@gmail.com", "Eva+news@googlemail.com"),
        ("eva+a+b@gmail.com", "eva@gmail.com"),
        ("eva+a@outlook.de", "EVA@outlook.de"),
        ("eva+a@proton.me", "eva@proton.me"),
        ("eva+a@fastmail.com", "eva@fastmail.com"),
        ("eva+a@icloud.com", "eva@icloud.com"),
        ("eva@Müller.example", "eva@xn--mller-kva.example"),
    ],
)
def test_spellings_of_one_mailbox_are_folded_for_limits(one: str, other: str) -> None:
    assert addresses.mailbox(one) == addresses.mailbox(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("e.va@outlook.com", "eva@outlook.com"),
        ("eva+a@firma.example", "eva@firma.example"),
        ("e.va@firma.example", "eva@firma.example"),
        ("eva+a@gmx.de", "eva@gmx.de"),
        ("eva@gmail.com", "eva@outlook.com"),
        ("+a@gmail.com", "+b@gmail.com"),
    ],
)
def test_what_may_be_two_mailboxes_stays_two(one: str, other: str) -> None:
    assert addresses.mailbox(one) != addresses.mailbox(other)


def test_folding_for_limits_makes_nobody_the_same_person() -> None:
    assert addresses.identity("e.v.a@gmail.com") != addresses.identity("eva@gmail.com")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gmaill.com", "gmail.com"),
        ("ggmail.com", "gmail.com"),
        ("gamil.com", "gmail.com"),
        ("gmail.co", "gmail.com"),
        ("googelmail.com", "googlemail.com"),
        ("gmx.con", "gmx.com"),
        ("gxm.net", "gmx.net"),
        ("web.ed", "web.de"),
        ("t-onlime.de", "t-online.de"),
        ("yhaoo.de", "yahoo.de"),
        ("iclod.com", "icloud.com"),
    ],
)
def test_one_typing_error_is_asked_back_about(typed: str, meant: str) -> None:
    assert addresses.suggestion(f"Eva.M@{typed}") == f"Eva.M@{meant}"


@pytest.mark.parametrize(
    "domain",
    [
        *("gmail.com", "googlemail.com", "gmx.de", "gmx.eu", "web.de", "web.com", "live.de"),
        *("mail.com", "email.com", "email.de", "mail.de", "ymail.com", "me.com", "grail.com"),
        *("gail.com", "hmail.com", "gmc.de", "gmx.co", "aol.co", "hotmail.co.uk", "yahoo.co.jp"),
        *("gmail.de", "weg.de", "webb.de", "example.org", "gmäil.com", "firma.gmial.com"),
    ],
)
def test_what_may_be_right_is_not_asked_back_about(domain: str) -> None:
    assert addresses.suggestion(f"eva@{domain}") is None


def test_a_suggestion_is_right_itself() -> None:
    for provider, ending in addresses._PROVIDERS:
        assert addresses.suggestion(f"eva@{provider}.{ending}") is None


@pytest.mark.parametrize(
    ("written", "name", "address"),
    [
        ("post@x.example", "", "post@x.example"),
        ("Firma <post@x.example>", "Firma", "post@x.example"),
        ("Firma, Ort <post@x.example>", "Firma, Ort", "post@x.example"),
        ('"Firma, \\"Ort\\"" <post@x.example>', 'Firma, "Ort"', "post@x.example"),
        (
            "Müller & Söhne (Bonn) <post@müller.example>",
            "Müller & Söhne (Bonn)",
            "post@müller.example",
        ),
        ("<post@x.example>", "", "post@x.example"),
        ("Firma <post@x.example", "", "Firma <post@x.example"),
    ],
)
def test_a_senders_name_and_address(written: str, name: str, address: str) -> None:
    assert addresses.split(written) == (name, address)


def test_a_senders_domain_is_ascii() -> None:
    assert addresses.sending_domain("Müller <post@Müller.example>") == "xn--mller-kva.example"
    assert addresses.sending_domain("") == ""


def test_the_validator_alone_would_let_letters_through_that_ses_cannot_reach() -> None:
    """Check that the rule is still ours to make: what the library refuses needs no code."""
    with pytest.raises(EmailNotValidError):
        validate_email("jörg@example.org", check_deliverability=False, allow_smtputf8=False)
    assert validate_email("jörg@example.org", check_deliverability=False)
    assert read("jörg@example.org") == ("", "email_local")

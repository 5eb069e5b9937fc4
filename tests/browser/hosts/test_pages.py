"""Every page of `tests/cases/pages` does what its `expected.tsv` says."""

import csv
import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from chalicelib import company
from tests.browser.conftest import eventually
from tests.browser.hosts.conftest import Host, cases
from tests.browser.hosts.servers import PAGES, Trouble, settle

BUTTON = "button[type=submit]"
STATE = "document.querySelector('form').dataset.state"
OUTPUT = "document.querySelector('form output').textContent"
PHONES = iter(range(2_100_000, 2_200_000))
MAILS = iter(range(1, 100_000))


def fill(host: Host, within: str = "") -> None:
    """Fill in the form, whatever its fields."""
    if host.see(f"!!document.querySelector({json.dumps(within + '[name=phone]')})"):
        host.browser.fill(f"{within}[name=name]", "Erika Beispiel")
        host.browser.fill(f"{within}[name=phone]", f"0711 {next(PHONES)}")
    else:
        host.browser.fill(f"{within}[name=email]", f"erika.{next(MAILS)}@example.com")


def thanked(
    host: Host, path: str = "/newsletter/signups", lang: str = "de", at: str = "/seite"
) -> dict[str, Any]:
    """Check the thanks and the one post; return what was posted."""
    host.until(f"{STATE} === 'success'")
    own = company.current().texts[lang]
    thanks = own["callback_success" if path == "/callbacks" else "newsletter_success"]
    assert host.see(OUTPUT).startswith(thanks.partition("{")[0].strip()[:40])
    post = host.heard(path)
    assert post.status == 202
    assert post.kind == "application/json"
    sent: dict[str, Any] = json.loads(post.body)
    assert ("altcha" in sent) == host.required
    host.no_errors()
    assert host.see("location.pathname") == at
    return sent


def sent(
    host: Host, page: str, button: str = BUTTON, path: str = "/newsletter/signups", lang: str = "de"
) -> dict[str, Any]:
    host.show(page)
    fill(host)
    host.browser.click(button)
    return thanked(host, path, lang)


def line(host: Host) -> None:
    """Check that the hotline is filled."""
    host.until("/erreichbar/.test(document.querySelector('[data-contact=hotline]').textContent)")
    assert host.see("document.querySelector('[data-contact=hotline] a').href") == "tel:+4979302699"


def plain(host: Host, page: str) -> None:
    sent(host, page)
    line(host)


def disabled_meanwhile(host: Host, page: str, button: str, other: str | None = None) -> None:
    host.show(page)
    fill(host)
    host.ear.trouble.append(Trouble("^/newsletter/signups", seconds=1))
    host.browser.click(button)
    host.until(f"document.querySelector({json.dumps(button)}).disabled")
    assert other is None or not host.see(f"document.querySelector({json.dumps(other)}).disabled")
    thanked(host)


def enter(host: Host, page: str) -> None:
    host.show(page)
    fill(host)
    host.browser.call("press", key="Enter")
    thanked(host)


def image(host: Host, page: str) -> None:
    host.show(page)
    host.see("document.querySelector('[type=image]').style.width = '40px'")  # a pointer hits it
    fill(host)
    host.browser.click("[type=image]")
    thanked(host)


def no_consent_field(host: Host, page: str) -> None:
    host.show(page)
    fill(host)
    for _again in range(2):
        host.browser.click(BUTTON)
        host.until(f"{STATE} === 'error'")
        assert "Bitte stimmen Sie zu" in host.see(OUTPUT)
        assert not host.see(f"document.querySelector('{BUTTON}').disabled")
    assert [each.status for each in host.ear.posts("/callbacks")] == [422, 422]
    host.no_errors()
    assert [text for kind, text in host.browser.console if "consent" in text]


def consent_checkbox(host: Host, page: str) -> None:
    host.show(page)
    fill(host)
    host.until(
        "/Ja,|einverstanden|willige/.test(document.querySelector('[data-contact=consent]').textContent)"
    )
    host.browser.click(BUTTON)
    host.until(f"{STATE} === 'error'")
    assert host.see("document.querySelector('[name=consent]').ariaInvalid") == "true"
    assert host.see("document.querySelector('.contact-error').textContent")
    host.ear.forget()
    host.browser.click("[name=consent]")
    host.browser.click(BUTTON)
    thanked(host)


def two_snippets(host: Host, page: str) -> None:
    sent(host, page)
    settle()
    assert [each.path for each in host.ear.posts("/views")] == ["/articles/two-snippets/views"]
    assert host.ear.reads().count("/page") == 1


def late_form(host: Host, page: str) -> None:
    host.show(page)
    host.browser.click("#o")
    fill(host)
    host.browser.click(BUTTON)
    thanked(host)


def shadow_dom(host: Host, page: str) -> None:
    host.show(page)
    host.browser.fill("contact-box >>> [name=email]", f"erika.{next(MAILS)}@example.com")
    host.browser.click("contact-box >>> button")
    root = "document.querySelector('contact-box').shadowRoot"
    host.until(f"{root}.querySelector('form').dataset.state === 'success'")
    assert host.heard("/newsletter/signups").status == 202
    host.no_errors()


def rerender(host: Host, page: str) -> None:
    host.show(page)
    host.see("document.querySelector('form').drawn = 1")
    host.until("!document.querySelector('form').drawn")
    fill(host)
    host.browser.click(BUTTON)
    thanked(host)


def body_swap(host: Host, page: str) -> None:
    host.show(page)
    line(host)
    host.see("document.querySelector('form').drawn = 1")
    host.browser.click("#go")
    host.until("document.querySelector('form') && !document.querySelector('form').drawn")
    line(host)
    fill(host)
    host.browser.click(BUTTON)
    thanked(host)
    assert host.ear.posts("/views") == []


def consent_manager(host: Host, page: str) -> None:
    host.show(page)
    settle()
    assert host.ear.heard == []
    host.browser.click("#ok")
    line(host)
    fill(host)
    host.browser.click(BUTTON)
    thanked(host)


def popular_bare(host: Host, page: str) -> None:
    host.ear.forget()
    host.show(page)
    (read,) = eventually(lambda: [each for each in host.ear.heard if "popular" in each.path])
    eventually(lambda: read.status)
    assert "popular=24h%3A10" in read.path
    host.no_errors()


def hotline_bare(host: Host, page: str) -> None:
    host.show(page)
    line(host)
    host.no_errors()


def slots_empty(host: Host, page: str) -> None:
    host.show(page)
    host.until("document.querySelectorAll('option').length > 1")
    options = host.see("[...document.querySelectorAll('option')].map(each => each.textContent)")
    assert options[0] == "so bald wie möglich"
    assert all(re.match(r"(Mo|Di|Mi|Do|Fr|Sa|So)\., \d+\. .+ Uhr$", each) for each in options[1:])
    fill(host)
    host.browser.click(BUTTON)
    thanked(host, "/callbacks")


def spa_query(host: Host, page: str) -> None:
    host.show(page)
    eventually(lambda: len(host.ear.posts("/views")) == 1)
    host.browser.click("button")
    eventually(lambda: len(host.ear.posts("/views")) == 2)
    settle()
    assert [each.path for each in host.ear.posts("/views")] == [
        "/articles/spa-one/views",
        "/articles/spa-two/views",
    ]
    host.no_errors()


def counted(host: Host, page: str) -> None:
    article = page.removesuffix(".html")
    host.show(page)
    assert host.heard("/views").status == 204
    assert host.ear.posts("/views")[0].path == f"/articles/{article}/views"
    host.no_errors()


def many_counts(host: Host, page: str) -> None:
    host.show(page)
    host.until("[...document.querySelectorAll('b')].every(each => /^\\d+$/.test(each.textContent))")
    assert len([each for each in host.ear.reads() if each != "/embed.js"]) <= 2
    host.no_errors()


def english(host: Host, page: str) -> None:
    said = sent(host, page, "button", lang="en")
    assert said["language"] == "en"
    assert said["consent"].startswith("newsletter-en-")


def consent_outside(host: Host, page: str) -> None:
    sent(host, page)
    host.no_errors()


CALLBACK = partial(sent, path="/callbacks")
CHECKS: dict[str, Callable[[Host, str], Any]] = {
    "plain.html": plain,
    "input-submit.html": partial(sent, button="input[type=submit]"),
    "input-image.html": image,
    "button-outside.html": partial(disabled_meanwhile, button="footer button"),
    "enter-without-button.html": enter,
    "two-buttons.html": partial(disabled_meanwhile, button=BUTTON, other="button[type=button]"),
    "hidden-action.html": sent,
    "fields-named-like-properties.html": CALLBACK,
    "file-input.html": CALLBACK,
    "no-consent-field.html": no_consent_field,
    "consent-outside-form.html": consent_outside,
    "consent-checkbox.html": consent_checkbox,
    "two-snippets.html": two_snippets,
    "type-module.html": plain,
    "async.html": plain,
    "head-no-defer.html": plain,
    "end-of-body.html": plain,
    "late-form.html": late_form,
    "shadow-dom.html": shadow_dom,
    "rerender.html": rerender,
    "body-swap.html": body_swap,
    "consent-manager.html": consent_manager,
    "bundled.html": plain,
    "bundled-inline.html": plain,
    "popular-bare.html": popular_bare,
    "hotline-bare.html": hotline_bare,
    "slots-empty.html": slots_empty,
    "spa-query.html": spa_query,
    "title-long.html": counted,
    "no-beacon.html": counted,
    "lang-en.html": english,
    "many-counts.html": many_counts,
}


def test_every_page_has_a_check() -> None:
    with (PAGES / "expected.tsv").open(encoding="utf-8", newline="") as file:
        expected = {row["file"] for row in csv.DictReader(file, delimiter="\t")}
    assert CHECKS.keys() == expected == {each.name for each in PAGES.glob("*.html")}


QUICK = {
    "chromium": ("plain.html", "shadow-dom.html"),
    "firefox": (),
}


@pytest.mark.edge
@pytest.mark.parametrize(
    ("driven", "ear", "page"), cases(CHECKS, QUICK), indirect=["driven", "ear"]
)
def test_a_page_does_what_is_expected(host: Host, page: str) -> None:
    CHECKS[page](host, page)

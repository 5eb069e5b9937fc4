"""Ready forms: in a page of others, whose editor may write a `div` only, and as a page of ours."""

from typing import Any

import pytest

from chalicelib import company
from tests.browser.hosts.conftest import Host, cases
from tests.browser.hosts.servers import Trouble
from tests.browser.hosts.test_pages import MAILS, OUTPUT, PHONES, STATE, thanked

PAGE = """<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>Eine Seite</title>
<link rel="icon" href="data:,">{policy}<script src="{{{{API}}}}/embed.js" defer></script>
<div data-contact="form" data-form="{form}"></div></html>"""
STRICT = """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:;
script-src {api}; connect-src {api}; worker-src blob:; form-action {api}; require-trusted-types-for
'script'; trusted-types contact">"""
QUICK = {"chromium": ("callback-strict",), "firefox": ()}
FORMS = ("newsletter", "callback", "newsletter-strict", "callback-strict", "newsletter-english")


def send(host: Host, form: str) -> None:
    if form == "callback":
        host.browser.fill("[name=name]", "Erika Beispiel")
        host.browser.fill("[name=phone]", f"0711 {next(PHONES)}")
        host.browser.click("[name=consent]")
    else:
        host.browser.fill("[name=email]", f"erika.{next(MAILS)}@example.com")
    host.browser.click("form button")


@pytest.mark.edge
@pytest.mark.parametrize(("driven", "ear", "page"), cases(FORMS, QUICK), indirect=["driven", "ear"])
def test_a_div_becomes_the_whole_form(host: Host, page: str) -> None:
    form, _, kind = page.partition("-")
    lang = "en" if kind == "english" else "de"
    policy = STRICT.format(api=host.ear.url) if kind == "strict" else ""
    host.open(PAGE.format(lang=lang, form=form, policy=policy))
    host.until("document.querySelector('form')")
    assert host.see("getComputedStyle(document.querySelector('form')).display") == "grid"
    send(host, form)
    said: dict[str, Any] = thanked(
        host, "/callbacks" if form == "callback" else "/newsletter", lang
    )
    assert said["language"] == lang


@pytest.mark.edge
@pytest.mark.parametrize(
    ("driven", "ear", "page"),
    cases(("newsletter", "callback"), {"chromium": ("callback",), "firefox": ()}),
    indirect=["driven", "ear"],
)
def test_the_hosted_page_thanks_in_place(host: Host, page: str) -> None:
    host.browser.visit(f"{host.ear.url}/forms/{page}")
    send(host, page)
    host.until(f"{STATE} === 'success'")
    thanks = company.current().texts["de"][f"{page}_success"].partition("{")[0].strip()
    assert host.see(OUTPUT).startswith(thanks)
    host.no_errors()


@pytest.mark.edge
@pytest.mark.soak
@pytest.mark.parametrize(
    ("driven", "ear"), [("chromium", False), ("firefox", False)], indirect=True
)
@pytest.mark.parametrize("form", ["newsletter", "callback"])
def test_the_hosted_page_works_where_the_script_does_not_load(host: Host, form: str) -> None:
    host.ear.forget()
    host.ear.trouble.append(Trouble("^/embed", status=404))
    host.browser.visit(f"{host.ear.url}/forms/{form}")
    send(host, form)
    host.until("!/forms/.test(location.pathname) && document.readyState === 'complete'")
    path = {"newsletter": "/newsletter/signups", "callback": "/callbacks"}[form]
    assert host.heard(path).status == 200
    assert host.heard(path).kind == "application/x-www-form-urlencoded"
    assert host.see("document.querySelector('h1').textContent")

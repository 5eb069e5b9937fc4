"""Ready forms: the same as a page of ours and alone, in each language."""

import re

import pytest

from chalicelib import company
from chalicelib.consent import Wordings
from tests.backend import FORM, ORIGIN, Backend

PAGE = {"accept": "text/html"}
FORMS = {"newsletter": "/newsletter/signups", "callback": "/callbacks"}


@pytest.mark.parametrize("language", company.current().languages)
@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_complete_in_its_language(backend: Backend, form: str, language: str) -> None:
    path = f"/forms/{form}?language={language}"
    page, part = backend.call("GET", path, headers=PAGE), backend.call("GET", f"{path}&part=1")
    declaration = Wordings(form).current(language)
    for answer in (page, part):
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert f'data-contact="{form}"' in answer.text
        assert f'action="{backend.env["BASE_URL"]}{FORMS[form]}"' in answer.text
        assert f'value="{declaration.version}"' in answer.text
        assert declaration.text[:30] in answer.text
        assert f'name="language" value="{language}"' in answer.text
    assert "<script" in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert not re.search("<(html|style|script)", part.text)


def test_a_form_alone_is_for_the_site_s_pages_and_may_be_kept(backend: Backend) -> None:
    headers = {"origin": ORIGIN}
    named = backend.call("GET", "/forms/callback?part=1&language=en", headers=headers)
    assert named.headers["access-control-allow-origin"] == ORIGIN
    assert named.headers["cache-control"] == "public, max-age=30"
    # Without a language the browser's own decides, for which nobody may keep it.
    by_browser = {**headers, "accept-language": "en"}
    unnamed = backend.call("GET", "/forms/callback?part=1", headers=by_browser)
    assert 'lang="en"' in unnamed.text
    assert unnamed.headers["cache-control"] == "no-store"


def test_a_callback_s_form_has_the_times_of_the_slots(backend: Backend) -> None:
    listed = backend.call("GET", "/callbacks/slots?days=5").json["slots"]
    text = backend.call("GET", "/forms/callback?part=1&language=de").text
    assert re.findall(r'value="(\d{4}[^"]+)"', text) == [
        f"{each['from']}/{each['to']}" for each in listed
    ]


@pytest.mark.parametrize(
    ("query", "field"), [("language=xx", "language"), ("part=2", "part"), ("part=", "part")]
)
def test_what_is_no_such_form_is_named(backend: Backend, query: str, field: str) -> None:
    answer = backend.call("GET", f"/forms/newsletter?{query}")
    assert (answer.status, answer.json["errors"][0]["field"]) == (422, field)


def test_a_plain_form_of_ours_ends_on_a_page_of_ours(backend: Backend) -> None:
    text = backend.call("GET", "/forms/newsletter", headers=PAGE).text
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text))
    body = "&".join(f"{name}={value}" for name, value in fields.items())
    answer = backend.call(
        "POST",
        "/newsletter/signups",
        f"{body}&email=erika@example.com",
        headers={**PAGE, "content-type": FORM},
    )
    assert answer.status == 200
    assert "<h1>" in answer.text


def test_where_a_proof_is_required_the_page_says_what_to_do_without_a_script(
    backend: Backend,
) -> None:
    assert "<noscript>" not in backend.call("GET", "/forms/callback", headers=PAGE).text
    backend.configure(ALTCHA_REQUIRED="1")
    text = backend.call("GET", "/forms/callback", headers=PAGE).text
    assert "+49 7930 2699" in text.partition("<noscript>")[2].partition("</noscript>")[0]

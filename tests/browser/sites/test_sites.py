"""The snippet on sites made with React Router, with Astro, and with WordPress."""

import json
from typing import Any

import pytest

from tests.browser.conftest import eventually
from tests.browser.hosts.conftest import Host
from tests.browser.hosts.servers import settle
from tests.browser.hosts.test_pages import OUTPUT, fill, line, thanked

CALLBACKS = "/callbacks"
SUBMIT = "form [type=submit]"
STAGES = [
    pytest.param(kind, required, id=f"{kind}{'' if required else '-without-proof'}")
    for required in (True, False)
    for kind in ("chromium", "firefox")
]
pytestmark = [
    pytest.mark.edge,
    pytest.mark.soak,
    pytest.mark.parametrize(("driven", "ear"), STAGES, indirect=True),
]


def visit(host: Host, path: str) -> None:
    """Open a page of a site."""
    host.ear.forget()
    host.browser.visit(host.site.url + path)


def go(host: Host, name: str, title: str) -> None:
    """Follow a link of the site, which draws the next page without leaving this one."""
    host.see("window.stayed = 1")
    host.browser.click(f"nav ::-p-text({name})")
    host.until(f"document.title === {json.dumps(title)}")
    # While a view transition moves, the browser gives no press to the page.
    host.until(
        "!document.documentElement.hasAttribute('data-astro-transition')"
        " && !document.getAnimations().length"
    )
    assert host.see("window.stayed") == 1


def views(host: Host, count: int) -> list[tuple[str, str | None]]:
    """Return the name and title of each view, once there are so many and no more."""
    eventually(lambda: len([each for each in host.ear.posts("/views") if each.status]) >= count)
    settle(0.4)
    found = []
    for each in host.ear.posts("/views"):
        assert each.status == 204
        told: dict[str, Any] = json.loads(each.body)
        found.append((told.get("article") or each.path.split("/")[2], told.get("title")))
    assert len(found) == count
    return found


def current(host: Host, form: str) -> str:
    """Return the version of the declaration that the API shows."""
    script = f"fetch('{host.ear.url}/{form}/consent?language=de').then(each => each.json())"
    return str(host.see(script)["version"])


def test_react_router(host: Host, react: None) -> None:
    visit(host, "/react/")
    line(host)
    assert views(host, 0) == []
    for number, (name, article) in enumerate(
        (
            ("Gold", "/react/ratgeber/gold"),
            ("Silber", "/react/ratgeber/silber"),
            ("Platin", "platin"),
        ),
        1,
    ):
        go(host, name, f"{name} kaufen")
        assert views(host, number)[-1] == (article, f"{name} kaufen")
        host.until("/^\\d+$/.test(document.querySelector('b').textContent)")

    go(host, "Newsletter", "Newsletter")
    host.until("!/alter/.test(document.querySelector('[data-contact=consent]').textContent)")
    fill(host)
    host.browser.click(SUBMIT)
    sent = thanked(host, at="/react/newsletter")
    assert sent["consent"] == current(host, "newsletter")

    go(host, "Rückruf", "Rückruf")
    host.until("document.querySelectorAll('option').length > 1")
    window = host.see("document.querySelectorAll('option')[1].value")
    host.browser.call("select", selector="select", value=window)
    fill(host)
    host.browser.fill("[name=note]", "Erste Zeile")
    host.browser.click("[name=consent]")
    host.browser.click(SUBMIT)
    sent = thanked(host, CALLBACKS, at="/react/rueckruf")
    assert "/".join(sent["window"][each] for each in ("from", "to")) == window
    assert sent["note"] == "Erste Zeile"
    assert sent["consent"] == current(host, "callbacks")
    assert len(views(host, 3)) == 3

    go(host, "Newsletter", "Newsletter")  # a form that React draws anew is a new one
    assert host.see("document.querySelector('form').dataset.state ?? ''") == ""


def test_astro_with_view_transitions(host: Host, astro: None) -> None:
    visit(host, "/astro/gold/")
    assert views(host, 1) == [("gold", "Gold kaufen")]
    fill(host)
    host.browser.click(SUBMIT)
    thanked(host, at="/astro/gold/")

    go(host, "Silber", "Silber kaufen")
    assert views(host, 2)[-1] == ("silber", "Silber kaufen")
    host.until("/^\\d+$/.test(document.querySelector('b').textContent)")
    host.ear.forget()
    fill(host)
    host.browser.click(SUBMIT)
    thanked(host, at="/astro/silber/")

    go(host, "Kontakt", "Kontakt")
    line(host)
    # A tick that was given to another wording than the present one does not count.
    wording = current(host, "callbacks")
    host.until(f"document.querySelector('[name=consent]').value === '{wording}'")
    fill(host)
    host.browser.click("[name=consent]")
    host.browser.click(SUBMIT)
    thanked(host, CALLBACKS, at="/astro/kontakt/")
    assert views(host, 0) == []


WORDPRESS = {
    "pasted": [("gold-kaufen", "Über pasted – Edelmetalle")],
    "enqueued": [("/enqueued/", "Über enqueued – Edelmetalle")],
    "enqueued-page": [],
    "head": [("/head/", "Über head – Edelmetalle")],
    "editor": [("/editor/", "Über editor – Edelmetalle")],
}


def test_wordpress(host: Host, wordpress: None) -> None:
    for name, counted in WORDPRESS.items():
        visit(host, f"/{name}/")
        if name == "editor":
            host.until("document.querySelector('form')")
            # WordPress has taken the author's own form away, and the select and the fields in it.
            assert host.see("document.querySelectorAll('form').length") == 1
            assert host.see("!!document.querySelector('[data-contact=form] > form')")
        fill(host)
        host.browser.click(SUBMIT)
        thanked(host, at=f"/{name}/")
        assert host.see(OUTPUT)
        assert views(host, len(counted)) == counted

"""Every page of the demo website is whole at both widths, has no errors and fits the API."""

import pytest
from playwright.sync_api import expect

from local.cloud import Cloud
from tests.browser.conftest import Visit

ARTICLES = [
    "/artikel/barren-oder-muenzen",
    "/artikel/gold-aufbewahren",
    "/artikel/feingehalt-verstehen",
]
PAGES = ["/", *ARTICLES, "/beratung", "/danke", "/datenschutz"]

UNLABELLED = """() => [...document.querySelectorAll('input:not([type=hidden]), select')]
  .filter((field) => !field.labels.length).map((field) => field.name)"""
BROKEN = (
    "() => [...document.images].filter((image) => !image.naturalWidth).map((image) => image.src)"
)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_whole(visit: Visit, width: int, path: str) -> None:
    page = visit(width).go(path)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    expect(page.get_by_role("main")).to_have_count(1)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_text("Kostenlose Beratung").first).to_be_visible()
    assert page.evaluate(UNLABELLED) == []
    assert page.evaluate(BROKEN) == []
    assert page.evaluate("document.documentElement.lang") == "de"


def test_an_address_nobody_has(visit: Visit, width: int) -> None:
    reader = visit(width)
    reader.refusals_expected = True
    page = reader.go("/artikel/gibt-es-nicht")
    expect(page.get_by_role("heading", level=1)).to_have_text("Diese Seite gibt es nicht")
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/artikel/barren-oder-muenzen", "/beratung"])
def test_text_stands_out(visit: Visit, path: str, scheme: str) -> None:
    """Check a contrast of 4.5 to 1 between text and its background (WCAG 2.2, 1.4.3, AA)."""
    page = visit(color_scheme=scheme).go(path)
    assert page.evaluate(FAINT) == []


FAINT = """() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const linear = (c) => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => linear(c / 255));
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const behind = (el) => {
    for (; el; el = el.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(el).backgroundColor);
      if (a) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const el of document.querySelectorAll('body *')) {
    const written = [...el.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!written || !el.checkVisibility()) continue;
    const ink = light(parse(getComputedStyle(el).color).slice(0, 3)), paper = light(behind(el));
    const contrast = (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05);
    if (contrast < 4.5)
      faint.push(`${el.textContent.trim().slice(0, 40)}: ${contrast.toFixed(2)}`);
  }
  return faint;
}"""


@pytest.mark.parametrize(
    ("kind", "path"), [("newsletter", "newsletter"), ("callback", "callbacks")]
)
def test_the_declaration_in_the_page_is_the_one_of_the_api(
    visit: Visit, cloud: Cloud, kind: str, path: str
) -> None:
    """Check that the declaration written into the page is the API's current one.

    Without JavaScript the page shows the written one.
    """
    reader = visit(java_script_enabled=False)
    wanted = reader.context.request.get(f"{cloud.api}/{path}/consent?language=de").json()
    for article in ARTICLES:
        form = reader.go(article).locator(f"form[data-contact={kind}]")
        expect(form.locator("[data-contact=consent]")).to_have_text(wanted["text"])
        expect(form.locator("[name=consent]")).to_have_value(wanted["version"])


def test_the_line_of_this_api(visit: Visit, cloud: Cloud, width: int) -> None:
    reader = visit(width)
    line = reader.context.request.get(f"{cloud.api}/hotline").json()
    shown = reader.go("/").locator("[data-contact=hotline]")
    expect(shown.get_by_role("link")).to_have_attribute("href", f"tel:{line['number']}")
    expect(shown.get_by_role("link")).to_have_text(line["display"])
    expect(shown).to_have_attribute("data-open", str(line["open"]).lower())


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ({"open": True, "closes_at": "2026-06-01T17:00:00+02:00"}, "jetzt erreichbar bis 17 Uhr"),
        ({"open": True, "closes_at": None}, "jetzt erreichbar"),
        (
            {"open": False, "opens_at": "2026-06-01T13:30:00+02:00"},
            "wieder erreichbar: heute ab 13:30 Uhr",
        ),
        (
            {"open": False, "opens_at": "2026-06-03T09:00:00+02:00"},
            "wieder erreichbar: am Mittwoch ab 9 Uhr",
        ),
    ],
)
def test_when_the_line_is_open(visit: Visit, line: dict[str, object], says: str) -> None:
    # The page shows the line's own time, wherever its reader is.
    caller = visit(timezone_id="America/New_York")
    caller.page.clock.set_fixed_time("2026-06-01T12:00:00+02:00")
    reply = {
        "number": "+4979302699",
        "display": "+49 7930 2699",
        "timezone": "Europe/Berlin",
        **line,
    }
    answer = {"json": {"hotline": reply}, "headers": {"Access-Control-Allow-Origin": "*"}}
    caller.context.route("**/page?**", lambda route: route.fulfill(**answer))
    expect(caller.go("/").locator("[data-contact=hotline] span")).to_have_text(says)


def test_slots_are_offered(visit: Visit, cloud: Cloud) -> None:
    reader = visit()
    slots = reader.context.request.get(f"{cloud.api}/callbacks/slots?days=5").json()["slots"]
    options = reader.go("/beratung").locator("select[name=window] option")
    offered = [option.get_attribute("value") for option in options.all()]
    assert offered == ["", *(f"{slot['from']}/{slot['to']}" for slot in slots)]

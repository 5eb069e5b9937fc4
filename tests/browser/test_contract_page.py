"""The local stage's page of the contract: every operation, asked of nobody but this machine."""

from local.cloud import Cloud
from tests.browser.conftest import Visit
from tests.contract.published import operations

PAGE = 60_000  # milliseconds: a renderer of 1.7 MB on a busy machine


def test_the_contract_is_shown_and_can_be_tried_out(visit: Visit, cloud: Cloud) -> None:
    page = visit().page
    page.goto(cloud.contract)
    page.locator(".opblock").first.wait_for(timeout=PAGE)
    shown = page.locator(".opblock .opblock-summary-operation-id").all_inner_texts()
    assert sorted(shown) == sorted(each["operationId"] for each in operations().values())
    headings = page.locator(".opblock-tag").all_inner_texts()
    assert [each.splitlines()[0] for each in headings][:3] == [
        "newsletter",
        "callbacks",
        "me",
    ]

    health = page.locator("#operations-service-getHealth")
    health.locator(".opblock-summary-control").click()
    health.get_by_role("button", name="Try it out").click()
    health.get_by_role("button", name="Execute").click()
    health.locator(".live-responses-table .response-col_status", has_text="200").wait_for()

    board = page.locator("#operations-staff-callbacks-listCallbacks")
    board.locator(".opblock-summary-control").click()
    board.locator(".responses-table").wait_for()
    assert board.get_by_role("button", name="Try it out").count() == 0

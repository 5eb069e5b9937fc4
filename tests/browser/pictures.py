"""Pictures of pages, for whoever wants to look at them: `pytest --screenshots`."""

from pathlib import Path

from playwright.sync_api import Page

SCREENSHOTS = Path(__file__).parent / "screenshots"
ARTEFACTS = Path(__file__).parent.parent / "artefacts"
wanted = False  # set once, by the option


def keep(page: Page, file: Path) -> None:
    """Keep a picture of the whole page, if pictures are wanted."""
    if wanted:
        page.screenshot(path=file, full_page=True)

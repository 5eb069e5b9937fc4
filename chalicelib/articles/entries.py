"""An article as the site's feed tells of it. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """An article of the site's; `date` and `section` are empty where the feed has none."""

    name: str
    title: str
    page: str
    date: str = ""  # an instant, as `instants.text` writes it
    section: str = ""

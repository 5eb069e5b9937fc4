"""Every mail and page by its name: what has to happen for somebody to see it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from chalicelib import company
from chalicelib.outbox.model import Mail
from local.preview.scene import Scene, scene

Kind = Literal["mail", "page", "staff"]
Make = Callable[[Scene], Mail | str]


@dataclass(frozen=True)
class Specimen:
    """A mail or a page in one state."""

    kind: Kind
    name: str
    make: Make
    to_staff: bool = False  # a mail to the staff: in the company's own language, without HTML

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that it exists in."""
        own = company.current()
        return own.languages[:1] if self.to_staff else own.languages


@dataclass(frozen=True)
class Shown:
    """A specimen in one language. A page has no text and no subject."""

    html: str
    text: str = ""
    subject: str = ""


class Shelf:
    """The specimens of one kind, in the order they were put there."""

    def __init__(self, kind: Kind) -> None:
        self.kind: Kind = kind
        self.specimens: list[Specimen] = []

    def put(self, name: str, make: Make, to_staff: bool = False) -> None:
        """Put a specimen on the shelf."""
        self.specimens.append(Specimen(self.kind, name, make, to_staff))

    def named(self, name: str) -> Callable[[Make], Make]:
        """Put the decorated function on the shelf."""

        def put(make: Make) -> Make:
            self.put(name, make)
            return make

        return put


def every() -> dict[str, Specimen]:
    """Return all specimens by kind and name, such as `page/confirm`."""
    from local.preview import mails, pages, staff

    shelves = (mails.SHELF, pages.SHELF, staff.SHELF)
    return {f"{each.kind}/{each.name}": each for shelf in shelves for each in shelf.specimens}


def show(specimen: Specimen, language: str) -> Shown:
    """Make a specimen in one language, on a stage of its own. Needs `scene.stage`."""
    with scene(language) as at:
        made = specimen.make(at)
    return Shown(made) if isinstance(made, str) else Shown(made.html, made.text, made.subject)


def files(specimen: Specimen, language: str) -> Iterator[str]:
    """Yield the paths at which a specimen is served in a language."""
    parts = ("txt",) if specimen.to_staff else ("html", "txt")
    for part in parts if specimen.kind == "mail" else ("html",):
        yield f"{specimen.kind}/{specimen.name}.{language}.{part}"

"""The staff at work, through the API."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from chalicelib import aws
from chalicelib.callbacks.model import Callback
from chalicelib.callbacks.stores import items, requests
from tests.backend import Backend
from tests.events import Answer

ALWAYS = {"HOTLINE_HOURS": "Mon-Sun 00:00-24:00", "HOTLINE_HOLIDAYS": "", "HOTLINE_EXCEPTIONS": ""}
REQUEST = {"name": "Eva Muster", "phone": "07930 2000", "consent": "callback-de-1"}
STAFF = "/staff/callbacks"


class Agent:
    """One of the staff, by name and role."""

    def __init__(self, backend: Backend, name: str = "Anna", role: str = "agent") -> None:
        self.backend, self.name = backend, name
        self.headers = {"authorization": f"Bearer key:{role}:{name}"}

    def get(self, url: str) -> Answer:
        return self.backend.call("GET", url, None, self.headers)

    def post(self, url: str, **body: Any) -> Answer:
        return self.backend.call("POST", url, body, self.headers)

    def do(self, reference: str, action: str, **body: Any) -> Answer:
        """Take an action on a request."""
        return self.post(f"{STAFF}/{reference}/{action}", **body)

    def tab(self, tab: str) -> list[str]:
        """Return the references on a tab of the board."""
        return [each["id"] for each in self.get(f"{STAFF}?state={tab}").json["callbacks"]]


def ask(backend: Backend, **more: object) -> str:
    """Ask for a callback as a visitor, and return its reference."""
    answer = backend.call("POST", "/callbacks", {**REQUEST, **more})
    assert answer.status == 202, answer.text
    reference: str = answer.json["reference"]
    return reference


def backdate(backend: Backend, reference: str, **attributes: Any) -> None:
    """Set attributes of a stored request, such as instants that lie in the past."""
    key = {"pk": f"CALLBACK#{reference}", "sk": "CALLBACK"}
    names = {f"#{name}": name for name in attributes}
    assigned = ", ".join(f"#{name} = :{name}" for name in attributes)
    aws.write(
        aws.update(backend.env["CONTACTS_TABLE"], key, f"SET {assigned}", names=names, **attributes)
    )


def rewrite(backend: Backend, reference: str, make: Callable[[Callback], Callback]) -> None:
    """Store a request as a function makes it of what it is."""
    callback = requests.load(reference)
    assert callback
    aws.write(aws.put(backend.env["CONTACTS_TABLE"], items.pack(make(callback))))


def ask_for(callback: Callback, window: tuple[Any, Any]) -> Callback:
    """Return a request whose wishes are for another time."""
    wishes = [
        replace(each, asked=replace(each.asked, window=window), expected=window)
        for each in callback.wishes
    ]
    return replace(callback, wishes=tuple(wishes))


def age(backend: Backend, reference: str, minutes: int) -> None:
    """Let the last press, move or cancellation of a request lie so many minutes back."""

    def make(callback: Callback) -> Callback:
        back = timedelta(minutes=minutes)
        wishes = [
            replace(each, moved=replace(each.moved, at=each.moved.at - back))
            if each.moved
            else each
            for each in callback.wishes
        ]
        pressed = callback.pressed_at and callback.pressed_at - back
        return replace(callback, wishes=tuple(wishes), pressed_at=pressed)

    rewrite(backend, reference, make)

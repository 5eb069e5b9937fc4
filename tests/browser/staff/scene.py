"""A request in each state, as the one agent at the browser sees it."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from playwright.sync_api import Page

from chalicelib import instants
from chalicelib.callbacks import changes, rules, workflow
from chalicelib.callbacks.model import Callback
from tests.backend import Backend
from tests.browser.staff.people import colleague
from tests.edge.staff import STAFF, ask, ask_for, backdate, rewrite

_numbers = itertools.count(1)


@dataclass
class Scene:
    """The stage, and the page of the agent who is signed in."""

    line: Backend
    page: Page
    name: str  # the agent's name

    def ask(self, **more: object) -> str:
        """Make a request with a number that nobody has used."""
        return ask(
            self.line, phone=f"0711 {3_000_000 + next(_numbers)}", email="eva@example.org", **more
        )

    def press(self, reference: str, *actions: str, **more: str) -> str:
        """Press buttons as the agent, one after the other, without showing the pages."""
        for action in actions:
            origin = self.line.cloud.api
            answer = self.page.request.post(
                f"{origin}{STAFF}/{reference}",
                form={"action": action, **more},
                headers={"origin": origin, "accept": "text/html"},
            )
            assert answer.ok, (action, answer.status)
        return reference

    def mine(self, *actions: str, **more: str) -> str:
        """Make a request that the agent took, and press further buttons."""
        return self.press(
            self.press(self.ask(note="Krügerrand von 1978", language="en"), "claim"),
            *actions,
            **more,
        )

    def bens(self, *actions: str, **more: object) -> str:
        """Make a request that a colleague took, and take further actions in his name."""
        reference = self.ask()
        for action in ("claim", *actions):
            assert colleague(self.line).do(reference, action, **more).status == 200
        return reference

    def ended(self, state: str, **more: object) -> str:
        """Make a request that ended by itself."""
        reference = self.ask(**more)
        ended = instants.text(instants.now())
        backdate(
            self.line, reference, state=state, ended_at=ended, board_key="CLOSED", board_at=ended
        )
        return reference

    def lapsed(self) -> str:
        """Make a request that the agent took and forgot."""
        reference = self.mine()

        def forget(before: Callback) -> Any:
            assert before.due_at
            return workflow.tick(before, rules.current(), before.due_at)

        changes.change(reference, forget, instants.now())
        return reference

    def late(self) -> str:
        """Make a request that nobody takes in time."""
        reference = self.ask(topic="selling")
        late_by_an_hour(self.line, reference)
        return reference

    def wished_for_tomorrow(self) -> str:
        """Make a request that the agent took although another time was wished."""
        reference, tomorrow = self.mine(), instants.now() + timedelta(days=1)
        window = (tomorrow, tomorrow + timedelta(hours=2))
        rewrite(self.line, reference, lambda it: ask_for(it, window))
        return reference

    def held(self) -> str:
        """Make a request for a number that is blocked."""
        phone = f"0711 {3_000_000 + next(_numbers)}"
        first = ask(self.line, phone=phone)
        for action, more in (("claim", {}), ("outcome", {"outcome": "wrong_number"})):
            assert colleague(self.line).do(first, action, **more).status == 200
        return ask(self.line, phone=phone, note="Krügerrand von 1978")

    def wishes(self) -> str:
        """Make a request with two wishes, which the agent took."""
        phone = f"0711 {3_000_000 + next(_numbers)}"
        reference = ask(self.line, phone=phone)
        slot = self.line.call("GET", "/callbacks/slots").json["slots"][-1]
        ask(self.line, phone=phone, window=slot, note="Krügerrand von 1978")
        return self.press(reference, "claim")

    def planned(self) -> str:
        """Make a request for a time to come."""
        return self.ask(window=self.line.call("GET", "/callbacks/slots").json["slots"][-1])


def late_by_an_hour(line: Backend, reference: str) -> None:
    """Let the promise of an open request lie an hour back."""
    begins, ends = (instants.now() - timedelta(minutes=each) for each in (95, 65))

    def make(callback: Callback) -> Callback:
        wishes = tuple(replace(each, expected=(begins, ends)) for each in callback.wishes)
        return replace(callback, wishes=wishes, opened_at=begins, level=2)

    rewrite(line, reference, make)


@dataclass(frozen=True)
class Screen:
    """How to make a request, what its page says in both languages, and if it shows the number."""

    make: Callable[[Scene], str]
    german: str
    english: str
    number: bool = False


SCREENS = {
    "scheduled": Screen(Scene.planned, "wenn es so weit ist", "when its time has come"),
    "open": Screen(
        Scene.ask, "sobald Sie den Rückruf übernommen haben", "once you have taken the callback"
    ),
    "open_late": Screen(Scene.late, "überfällig seit", "overdue by"),
    "mine": Screen(Scene.mine, "Bitte rufen Sie bis", "Please call by", True),
    "mine_calling": Screen(
        lambda at: at.mine("dial"), "Der Anruf ist vermerkt", "The call is noted", True
    ),
    "mine_offered": Screen(
        lambda at: at.mine("handover", to="Dora Beispiel"),
        "Sie haben diesen Rückruf Dora Beispiel angeboten.",
        "You have offered this callback to Dora Beispiel.",
        True,
    ),
    "mine_outside_window": Screen(
        Scene.wished_for_tomorrow,
        "Gewünscht war eine andere Zeit",
        "Another time was asked for",
        True,
    ),
    "mine_too_soon": Screen(
        lambda at: at.mine("dial", "release", "claim"),
        "noch keine 20 Minuten",
        "less than 20 minutes",
        True,
    ),
    "given_back": Screen(
        lambda at: at.mine("release"), "Zurückgegeben: Der Rückruf", "Given back: the callback"
    ),
    "lapsed": Screen(Scene.lapsed, "lag zu lange bei jemandem", "had this callback for too long"),
    "bens": Screen(
        Scene.bens, "Ben hat diesen Rückruf übernommen.", "Ben has taken this callback."
    ),
    "bens_calling": Screen(lambda at: at.bens("dial"), "im Gespräch", "on the phone"),
    "offered_me": Screen(lambda at: at.bens("handover", to=at.name), "Annehmen", "Accept"),
    "retry": Screen(
        lambda at: at.mine("settle", outcome="busy"), "Der nächste Versuch", "The next attempt"
    ),
    "done": Screen(
        lambda at: at.mine("settle", outcome="reached", note="Kommt am Freitag"),
        "Beendet: erledigt",
        "Ended: done",
        True,
    ),
    "undone": Screen(
        lambda at: at.press(at.mine("settle", outcome="busy"), "undo"),
        "Der letzte Schritt ist rückgängig gemacht",
        "The last step has been undone",
        True,
    ),
    "held": Screen(Scene.held, "entscheidet die Leitung", "A supervisor decides"),
    "wishes": Screen(Scene.wishes, "2 Wünsche", "2 wishes", True),
    "wrong_number": Screen(
        lambda at: at.mine("settle", outcome="wrong_number"),
        "Beendet: falsche Nummer",
        "Ended: wrong number",
        True,
    ),
    "unreached": Screen(
        lambda at: at.ended("unreached"), "Beendet: nicht erreicht", "Ended: not reached"
    ),
    "cancelled": Screen(lambda at: at.ended("cancelled"), "Beendet: abgesagt", "Ended: cancelled"),
    "expired": Screen(lambda at: at.ended("expired"), "Beendet: verfallen", "Ended: expired"),
}

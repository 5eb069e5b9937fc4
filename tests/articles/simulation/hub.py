"""One task runs at a time. Wherever it pauses, the seed decides which goes on: a run can be played again."""

import random
import threading
from collections.abc import Callable
from typing import Any


class Stop(BaseException):
    """The process ends here: nothing may catch it, as nothing can catch a kill."""


def _held() -> threading.Lock:
    """A lock that somebody else is to release."""
    lock = threading.Lock()
    lock.acquire()
    return lock


class Task:
    """A function on its way, in a thread that moves only while it holds the baton."""

    def __init__(self, hub: "Hub", function: Callable[[], Any]) -> None:
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = self.killed = False
        self.freezing = self.frozen = False
        self.ready: Callable[[], bool] | None = None  # what it waits for
        self._hub, self._function = hub, function
        self._baton = _held()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def step(self) -> None:
        """Goes on to its next pause."""
        self._baton.release()
        self._hub.baton.acquire()

    def pause(self) -> None:
        """Lets others go on. Raises Stop where the process is to end."""
        self._hub.baton.release()
        self._baton.acquire()
        if self.killed:
            raise Stop

    def _run(self) -> None:
        self._baton.acquire()
        try:
            if not self.killed:
                self.result = self._function()
        except BaseException as error:  # a crash as well: it is this task's, and nobody else's
            self.error = error
        self.done = True
        self._hub.baton.release()


class Hub:
    """The tasks of a run."""

    def __init__(self, chance: random.Random) -> None:
        self.baton = _held()
        self.current: Task | None = None
        self._chance = chance
        self._tasks: list[Task] = []

    def spawn(self, function: Callable[[], Any]) -> Task:
        """Starts a task; it goes on when its turn comes."""
        task = Task(self, function)
        self._tasks.append(task)
        return task

    def pause(self, freezes: bool = True) -> None:
        """A point at which others may go on; nothing outside a task. What DynamoDB is at work on never freezes."""
        if self.current:
            self.current.frozen = freezes and self.current.freezing
            self.current.pause()

    def wait(self, ready: Callable[[], bool]) -> None:
        """Pauses the running task until something holds."""
        assert self.current
        self.current.ready = ready
        self.current.pause()

    def run(self) -> None:
        """Until every task has ended that is not frozen. Raises RuntimeError where none can go on."""
        while awake := [task for task in self._tasks if not task.frozen]:
            if not (able := [task for task in awake if task.ready is None or task.ready()]):
                raise RuntimeError("every task waits for another")
            self._go_on(self._chance.choice(able))

    def thaw(self) -> None:
        """Frozen tasks go on, as a sandbox does that Lambda uses again."""
        for task in self._tasks:
            task.freezing = task.frozen = False

    def end(self) -> None:
        """Kills whatever is left."""
        for task in self._tasks:
            task.killed = True
        while self._tasks:
            self._go_on(self._tasks[0])

    def _go_on(self, task: Task) -> None:
        task.ready = None
        self.current = task
        task.step()
        self.current = None
        if task.done:
            self._tasks.remove(task)

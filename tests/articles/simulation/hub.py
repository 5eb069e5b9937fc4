"""Tasks of which one runs at a time.

Wherever a task pauses, the seed decides which goes on. So a run can be played again.
"""

import random
import threading
from collections.abc import Callable
from typing import Any


class Stop(BaseException):
    """End the process here. It is no Exception, so that nothing catches it, like a kill."""


def _held() -> threading.Lock:
    """Return a lock that is held, for somebody else to release."""
    lock = threading.Lock()
    lock.acquire()
    return lock


class Task:
    """A function in a thread that moves only while it holds the baton."""

    def __init__(self, hub: "Hub", function: Callable[[], Any]) -> None:
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = self.killed = False
        self.freezing = self.frozen = False
        self.ready: Callable[[], bool] | None = None  # says whether it may go on
        self._hub, self._function = hub, function
        self._baton = _held()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def step(self) -> None:
        """Let the task run until its next pause."""
        self._baton.release()
        self._hub.baton.acquire()

    def pause(self) -> None:
        """Let others go on. Raises Stop where the task has been killed."""
        self._hub.baton.release()
        self._baton.acquire()
        if self.killed:
            raise Stop

    def _run(self) -> None:
        self._baton.acquire()
        try:
            if not self.killed:
                self.result = self._function()
        # A crash is this task's result as well. It must not end the others.
        except BaseException as error:
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
        """Start a task. It runs when its turn comes."""
        task = Task(self, function)
        self._tasks.append(task)
        return task

    def pause(self, freezes: bool = True) -> None:
        """Let others go on, if a task is running.

        A task may freeze here unless `freezes` is false: DynamoDB's own work never freezes.
        """
        if self.current:
            self.current.frozen = freezes and self.current.freezing
            self.current.pause()

    def wait(self, ready: Callable[[], bool]) -> None:
        """Pause the running task until `ready` returns true."""
        assert self.current
        self.current.ready = ready
        self.current.pause()

    def run(self) -> None:
        """Run until every task has ended or is frozen. Raises RuntimeError where none can go on."""
        while awake := [task for task in self._tasks if not task.frozen]:
            if not (able := [task for task in awake if task.ready is None or task.ready()]):
                raise RuntimeError("every task waits for another")
            self._go_on(self._chance.choice(able))

    def thaw(self) -> None:
        """Let frozen tasks go on, as Lambda does when it uses a sandbox again."""
        for task in self._tasks:
            task.freezing = task.frozen = False

    def end(self) -> None:
        """Kill every task that is left."""
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

"""The app: Chalice, whose routes come in when they are asked for."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from chalice import Chalice

from chalicelib import log, settings


class Api(Chalice):  # type: ignore[misc]  # chalice ships no annotations
    """A Chalice app with `entrances`: our modules with `routes`, by the first part of their paths, "" for all others.

    On Lambda the API's function imports the first of them as it starts and another with the first request for it,
    a trigger's function none. Elsewhere, as for a packager, all of them are there at once. What is asked most comes
    first: while a function starts, Lambda gives it more of a processor than later.
    """

    def __init__(self, name: str, entrances: Mapping[str, list[str]]) -> None:
        super().__init__(app_name=name)
        for source in ("dynamodb", "sns", "scheduled"):
            self.register_middleware(log.follow, source)
        self._closed = dict(entrances)
        self._opened: set[str] = set()
        function = settings.function()
        if function is None:
            self.open_all()
            self._stand_on_the_local_cloud()
        elif function == "app.app":
            self._open(next(iter(entrances)))

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        """One request of API Gateway's."""
        if self._closed:
            part = event.get("resource", "/").split("/")[1]
            self._open(part if part in self._closed else "")
        answer: dict[str, Any] = super().__call__(event, context)
        return answer

    def open_all(self) -> None:
        """Imports the entrances that are not there yet."""
        for part in list(self._closed):
            self._open(part)

    def _stand_on_the_local_cloud(self) -> None:
        from chalicelib import local_cloud

        for source in ("dynamodb", "sns", "scheduled"):
            self.register_middleware(local_cloud.follow, source)
        local_cloud.watch_the_code_only()

    def _open(self, part: str) -> None:
        for module in self._closed.get(part, ()):
            if module not in self._opened:
                self.register_blueprint(import_module(f"chalicelib.{module}").routes)
                self._opened.add(module)
        self._closed.pop(
            part, None
        )  # last: a request after one that broke off in the middle goes on with it

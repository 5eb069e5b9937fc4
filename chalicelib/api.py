"""The app: Chalice, with routes that are imported when they are first asked for."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from chalice import Chalice
from chalice import Rate as Rate  # for the map

from chalicelib import log, settings


class Api(Chalice):  # type: ignore[misc]  # chalice ships no annotations
    """A Chalice app that imports the modules with its routes when they are first asked for.

    `entrances` names the modules by the first part of their paths; "" holds all other paths. On
    Lambda the API's function imports the first entry as it starts and another one with the first
    request for it; a trigger's function imports none. Elsewhere, such as in a packager, all are
    imported at once. The entry asked for most comes first, because Lambda gives a function more
    CPU while it starts than later.
    """

    def __init__(self, name: str, entrances: Mapping[str, list[str]]) -> None:
        super().__init__(app_name=name)
        for source in ("dynamodb", "sns", "scheduled"):
            self.register_middleware(log.follow, source)
        self._pending = dict(entrances)
        self._imported: set[str] = set()
        function = settings.function()
        if function is None:
            self.import_all()
            self._stand_on_the_local_cloud()
        elif function == "app.app":
            self._import(next(iter(entrances)))

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        """Answer one request of API Gateway's."""
        if self._pending:
            part = event.get("resource", "/").split("/")[1]
            self._import(part if part in self._pending else "")
        answer: dict[str, Any] = super().__call__(event, context)
        return answer

    def import_all(self) -> None:
        """Import the entrances that are not imported yet."""
        for part in list(self._pending):
            self._import(part)

    def _stand_on_the_local_cloud(self) -> None:
        from chalicelib import local_cloud

        for source in ("dynamodb", "sns", "scheduled"):
            self.register_middleware(local_cloud.follow, source)
        local_cloud.watch_the_code_only()

    def _import(self, part: str) -> None:
        for module in self._pending.get(part, ()):
            if module not in self._imported:
                self.register_blueprint(import_module(f"chalicelib.{module}").routes)
                self._imported.add(module)
        # Last, so that the next request completes an import that failed in the middle.
        self._pending.pop(part, None)

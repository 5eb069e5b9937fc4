"""The application in the embedded cloud: its functions, live or packaged, and its deployment."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from chalicelib import addresses
from local import deploy, ports
from local.deploy import Deployed
from local.emulator import Emulator
from local.handlers import Handlers, Loaded
from local.mailbox import messages


class Application:
    """The running application, which is deployed anew when routes, triggers or settings change.

    With a `port` (0: any) a process of ours runs the live code there; without one the emulator
    runs the package. `moved` is called with each deployment that answers from then on.
    """

    def __init__(
        self,
        emulator: Emulator,
        root: Path,
        folder: Path,
        port: int | None,
        *,
        watch: bool,
        say: Callable[[str], None],
        moved: Callable[[Deployed], None],
    ) -> None:
        self._emulator, self._root, self._folder = emulator, root, folder
        self._say, self._moved = say, moved
        self._settings: Mapping[str, str] = {}
        self._surface: tuple[str, ...] = ()
        self._one_at_a_time = threading.Lock()
        self._ending = False
        log = folder / "handlers.log"
        self.handlers = (
            None if port is None else Handlers(root, log, port, watch=watch, on_load=self._loaded)
        )

    def prepare(self) -> None:
        """Start the functions' process: it loads third-party packages, which needs no settings."""
        if self.handlers:
            self.handlers.prepare()

    def start(self, environment: Mapping[str, str]) -> None:
        """Run the functions with an environment, and deploy unless an equal deployment stands.

        Raises HandlersFailed, PackagingFailed, StackFailed.
        """
        # Lambda sets AWS_… itself and refuses them in a function's settings.
        self._settings = {
            key: value for key, value in environment.items() if not key.startswith("AWS_")
        }
        broken = False
        if self.handlers:
            self.handlers.serve(environment)
            loaded = self.handlers.wait()
            self._surface, broken = loaded.surface, bool(loaded.broken)
        # Broken code cannot be packaged. If a deployment stands, the code may be mended while
        # everything runs.
        before = deploy.standing(self._emulator) if self.handlers else None
        if before and (broken or deploy.current(self._emulator, before, self._mark())):
            self._moved(before)
            return
        self._say("deploying the application …")
        messages.subscribe(self._emulator, deploy.STAGE, environment["ALERTS_TOPIC_ARN"])
        # SES refuses mail from a domain that is not verified. On AWS that is done once, by hand.
        domain = addresses.sending_domain(environment["MAIL_FROM"])
        self._emulator.client("ses").verify_domain_identity(Domain=domain)
        self._emulator.publish_dkim(domain)
        self._deploy()

    def stop(self) -> None:
        """End the functions."""
        self._ending = True
        if self.handlers:
            self.handlers.stop()

    def _mark(self) -> str:
        return deploy.mark(self._root, self._surface, self._settings)

    def _deploy(self) -> None:
        with self._one_at_a_time:
            mark = self._mark()
            proxy = f"http://{ports.HOST}:{self.handlers.port}" if self.handlers else None
            self._moved(
                deploy.deploy(self._emulator, self._root, self._folder, self._settings, proxy, mark)
            )

    def _loaded(self, loaded: Loaded) -> None:
        if loaded.broken:
            self._say(
                "app.py cannot be loaded; requests fail until it is mended:\n"
                f"{loaded.broken.rstrip()}"
            )
        elif loaded.generation > 1:
            self._say(f"the edited code is served ({loaded.seconds:.2f} s)")
            if loaded.surface != self._surface:
                self._surface = loaded.surface
                threading.Thread(target=self._redeploy, daemon=True).start()

    def _redeploy(self) -> None:
        self._say("routes or triggers changed, deploying them …")
        try:
            self._deploy()
            self._say("deployed")
        except Exception as error:  # an edit may have caused it, and the next one may mend it
            if not self._ending:
                self._say(f"the deployment failed: {error}")

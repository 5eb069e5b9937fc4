"""The embedded cloud as one object: it starts its parts in order and ends them in reverse."""

import fcntl
import json
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local import deploy, people, ports
from local.application import Application
from local.deploy import Deployed
from local.emulator import Emulator, tail
from local.front import Front
from local.mailbox import messages
from local.mailbox.messages import Message
from local.mailbox.server import Mailbox
from local.site import Site

ROOT = Path(__file__).parent.parent


class FolderTaken(RuntimeError):
    """Another running cloud keeps its state in the folder."""


class Cloud:
    """Emulator, functions, front, demo site and mailbox; they write to `folder` alone.

    `persist` keeps the emulator's state for the next start. `watch` reloads edited code. `auth`
    has the emulator enforce the functions' policies. `packaged` runs the real package in the
    emulator instead of the live code. `trust_forwarded_for` lets a caller of the API name its own
    address. `origins` are further websites that may call the API. `extra_env` overrides all
    settings. `say` is called with progress in words, and `died` with a report when a child process
    ends by itself.
    """

    api: str
    site: str
    contract: str
    mailbox: str
    staff: str
    aws: str
    env: dict[str, str]
    people: list[people.Login]

    def __init__(
        self,
        folder: Path,
        *,
        ports: ports.Ports | None = None,
        root: Path = ROOT,
        persist: bool = False,
        watch: bool = False,
        auth: bool = False,
        packaged: bool = False,
        trust_forwarded_for: bool = False,
        origins: tuple[str, ...] = (),
        extra_env: Mapping[str, str] | None = None,
        say: Callable[[str], None] = lambda text: None,
        died: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.folder, self.root, self.claimed = folder.resolve(), root, False
        self._ports = ports
        self._persist, self._watch, self._auth, self._packaged = persist, watch, auth, packaged
        self._trust = trust_forwarded_for
        self._origins = origins
        self._extra = dict(extra_env or {})
        self._say, self._died = say, died
        self._ends: list[Callable[[], None]] = []  # called in reverse to end what was started
        self._ending = False
        self._listeners: dict[str, socket.socket] = {}
        self._mails = self.folder / "messages.json"
        self._kept: list[Message] = []

    def __enter__(self) -> Self:
        """Start the cloud."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the cloud; let an exception pass."""
        self.stop()

    def claim(self) -> None:
        """Take the ports and lock the folder; start nothing. Raises PortTaken, FolderTaken."""
        wanted = self._ports or ports.ANY
        for part in ("api", "site", "mailbox"):
            self._listeners[part] = ports.listen(getattr(wanted, part), part)
            self._ends.append(self._listeners[part].close)
        self._emulator = Emulator(
            self.folder,
            ports.free(wanted.emulator, "emulator"),
            persist=self._persist,
            auth=self._auth,
        )
        self._application = Application(
            self._emulator,
            self.root,
            self.folder,
            None if self._packaged else wanted.handlers,
            watch=self._watch,
            say=self._say,
            moved=self._moved,
        )
        self._ends.append(self._application.stop)
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = (self.folder / "lock").open("w")
        self._ends.append(lock.close)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderTaken(
                f"another run keeps its data in {self.folder}: end it first"
            ) from None
        self.claimed = True

    def start(self) -> None:
        """Start everything and return when the API is served; stop everything on an error.

        Raises PortTaken, FolderTaken, EmulatorFailed, HandlersFailed, PackagingFailed, StackFailed.
        """
        try:
            if not self.claimed:
                self.claim()
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        self._say("starting the emulator …")
        self._emulator.start()
        self._ends.append(self._emulator.stop)
        self._application.prepare()
        self._front = Front(
            self._listeners["api"], self._emulator.url, trust_forwarded_for=self._trust
        )
        self.aws, self.api = self._emulator.url, self._front.url
        self.staff = f"{self.api}/staff"
        self._start_pages()
        self._emulator.wait()
        self._watch_over("emulator", self._emulator.process, self._emulator.log)
        if self._persist:
            self._kept = json.loads(self._mails.read_text()) if self._mails.exists() else []
            self._ends.append(self._keep_messages)
        self.env = self._environment(
            deploy.resources(self._emulator, self.root, deploy.STAGE, self.api)
        )
        self.people = people.seed(self._emulator, _pool(self.env), self.folder / "people.json")
        self._application.start(self.env)
        if self._application.handlers:
            self._watch_over(
                "functions' process",
                self._application.handlers.process,
                self.folder / "handlers.log",
            )
        self._front.start()
        self._ends.append(self._front.stop)

    def _start_pages(self) -> None:
        addresses: dict[str, str] = {"api": self.api}
        shown = {
            "/contract": self.root / "local" / "contract",
            "/contract/swagger-ui": self.root / "local" / "vendor" / "swagger-ui",
        }
        site = Site(self._listeners["site"], self.root / "demo" / "site", addresses, shown)
        mailbox = Mailbox(self._listeners["mailbox"], self._mailed)
        self.site = addresses["site"] = site.url
        self.contract = f"{site.url}/contract"
        self.mailbox = addresses["mailbox"] = mailbox.url
        for each in (site, mailbox):
            each.start()
            self._ends.append(each.stop)

    def _environment(self, outputs: Mapping[str, str]) -> dict[str, str]:
        return {
            **deploy.environment(self.root),
            "BASE_URL": self.api,
            "SITE_URL": self.site,
            "SITE_ORIGINS": ",".join((self.site, *self._origins)),
            "ARTICLES_FEED": f"{self.site}/feed.xml",
            "ARTICLES_NAMED": "last",
            "THANK_YOU_PAGES": f"{self.site}/danke,{self.site}/en/thanks",
            **outputs,
            # The issuer is an address of AWS, as in the tokens; the emulator serves its document.
            "OIDC_DISCOVERY": (
                f"{self._emulator.url}/{_pool(outputs)}/.well-known/openid-configuration"
            ),
            **self._emulator.environment,
            **self._extra,
        }

    def _moved(self, deployed: Deployed) -> None:
        self._functions, self._front.api_id = deployed.functions, deployed.api_id

    def _watch_over(self, name: str, process: Any, log: Path) -> None:
        def wait() -> None:
            process.wait()
            handlers = self._application.handlers
            killed = (  # by `kill_handlers`
                handlers is not None
                and handlers.process is None
                and process is not self._emulator.process
            )
            if not (self._ending or killed):
                self._died(f"the {name} ended by itself; the end of {log}:\n{tail(log)}")

        threading.Thread(target=wait, daemon=True).start()

    def _keep_messages(self) -> None:
        # The emulator saves its queues, and so the alerts, but not the mails.
        try:
            self._mails.write_text(json.dumps(self.messages()))
        except OSError:
            self._say(
                "the emulator is gone already: the mailbox keeps what it had at the last clean end"
            )

    def stop(self) -> None:
        """End everything; with `persist` the emulator saves its state first."""
        self._ending = True
        while self._ends:
            self._ends.pop()()

    def client(self, service: str) -> Any:
        """Return a boto3 client of the emulator, with every right."""
        return self._emulator.client(service)

    def invoke(self, name: str, event: Mapping[str, Any]) -> Any:
        """Invoke a function (`app`, `clock` …) by Lambda's API and return its result.

        Raises RuntimeError if it fails.
        """
        answer = self.client("lambda").invoke(
            FunctionName=self._functions[name], Payload=json.dumps(event).encode()
        )
        payload = json.loads(answer["Payload"].read() or b"null")
        if "FunctionError" in answer:
            raise RuntimeError(f"{name} failed: {payload}")
        return payload

    def kill_handlers(self) -> None:
        """Kill the functions' process by SIGKILL; invocations fail until `start_handlers`."""
        if self._application.handlers:
            self._application.handlers.kill()

    def start_handlers(self) -> None:
        """Start the functions' process again after `kill_handlers`."""
        if self._application.handlers:
            self._application.handlers.revive()

    def messages(self) -> list[Message]:
        """Return the messages that were delivered, newest first."""
        return messages.newest_first([*messages.read(self._emulator, deploy.STAGE), *self._kept])

    def forget_mails(self) -> None:
        """Forget the mails that were sent, so that `messages` has fewer to read."""
        self._emulator.forget_mails()

    def undelivered(self) -> list[Message]:
        """Return the last messages that AWS refused or swallowed, newest first."""
        return messages.newest_first(messages.undelivered(self._emulator))

    def _mailed(self) -> list[Message]:
        return messages.newest_first([*self.messages(), *self.undelivered()])

    def ses_account(self, **changes: Any) -> dict[str, Any]:
        """Change SES's account by GetAccount's names, such as `MaxSendRate`, and return it.

        Everybody who sends mails here has this account.
        """
        return self._emulator.ses_account("PUT", changes)

    def renew_ses_account(self) -> None:
        """Put back the account's own quotas and empty its suppression list."""
        self._emulator.ses_account("DELETE", {})

    def resources(self, stage: str) -> dict[str, str]:
        """Make another stage's resources and return the environment for them.

        The stage has no functions and no user pool.
        """
        unsigned = {"STAGE": stage, "OIDC_ISSUER": "", "OIDC_DISCOVERY": ""}
        return {**self.env, **unsigned, **deploy.resources(self._emulator, self.root, stage)}


def _pool(environment: Mapping[str, str]) -> str:
    """Return the id of the staff's user pool, the last part of its issuer."""
    return environment["OIDC_ISSUER"].rpartition("/")[2]

"""A provider that lets us wait is not asked again for a while."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import time_machine

from chalicelib import settings
from chalicelib.auth import provider, sign_in
from chalicelib.errors import SignInAway, Unavailable
from tests.auth.issuer import Issuer
from tests.backend import Backend


class Silent:
    """A listening socket that takes connections, may say the beginning of an answer, and waits."""

    def __init__(self, says: bytes = b"") -> None:
        self.asked = 0
        self._says, self._taken = says, list[socket.socket]()
        self._ended = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.asked += 1
            self._taken.append(connection)
            threading.Thread(target=self._trickle, args=(connection,), daemon=True).start()

    def _trickle(self, connection: socket.socket) -> None:
        try:
            if self._says:
                connection.sendall(self._says)
            while self._says and not self._ended.wait(0.02):
                connection.sendall(b" ")
        except OSError:
            pass

    def stop(self) -> None:
        self._ended.set()
        for each in [*self._taken, self._socket]:
            each.close()


@contextmanager
def silent(says: bytes = b"") -> Iterator[Silent]:
    server = Silent(says)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a fifth of a second instead of five."""
    monkeypatch.setattr(provider, "_TIMEOUT", 0.2)


def begin() -> None:
    provider.sign_in_url(sign_in.begin("/staff"), "de")


@pytest.mark.parametrize(
    "says", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n {"], ids=["mute", "trickles"]
)
def test_it_is_waited_for_once_and_then_answered_at_once(
    staffed: Backend, issuer: Issuer, says: bytes
) -> None:
    with silent(says) as server:
        staffed.configure(OIDC_DISCOVERY=f"{server.url}/discovery")
        with time_machine.travel("2026-11-26T09:00:00Z", tick=True) as clock:
            first = staffed.call("GET", "/staff/sign-in", headers={"accept": "text/html"})
            assert (first.status, first.headers["retry-after"]) == (503, "30")
            assert "Wer angemeldet ist, kann weiterarbeiten." in first.text
            began = time.perf_counter()
            for _ in range(20):
                again = staffed.call("GET", "/staff/sign-in", headers={"accept": "text/html"})
                assert again.status == 503
                assert "antwortet nicht" in again.text
                assert 1 <= int(again.headers["retry-after"]) <= 30
            assert server.asked == 1
            assert time.perf_counter() - began < 20 * 0.2 / 2  # nobody waited
            token = {"authorization": f"Bearer {issuer.token()}"}
            assert staffed.call("GET", "/staff/callbacks", headers=token).status == 503
            assert server.asked == 1
            clock.shift(provider.SILENT)
            assert staffed.call("GET", "/staff/sign-in").status == 503
            assert server.asked == 2


def test_it_is_asked_again_after_that_and_serves(configured: Issuer) -> None:
    with silent() as server, pytest.MonkeyPatch.context() as environment:
        environment.setenv("OIDC_DISCOVERY", f"{server.url}/discovery")
        settings.current.cache_clear()
        with time_machine.travel("2026-11-26T09:00:00Z", tick=True) as clock:
            with pytest.raises(SignInAway):
                begin()
            environment.setenv("OIDC_DISCOVERY", "")
            settings.current.cache_clear()
            with pytest.raises(SignInAway, match="lately"):
                begin()
            assert configured.asked.total() == 0
            clock.shift(provider.SILENT)
            begin()
    assert configured.asked.total() == 1


def test_a_clock_that_was_set_back_makes_nobody_wait_for_hours(configured: Issuer) -> None:
    with silent() as server, pytest.MonkeyPatch.context() as environment:
        environment.setenv("OIDC_DISCOVERY", f"{server.url}/discovery")
        settings.current.cache_clear()
        with time_machine.travel("2026-11-26T09:00:00Z", tick=True) as clock:
            with pytest.raises(SignInAway):
                begin()
            environment.setenv("OIDC_DISCOVERY", "")
            settings.current.cache_clear()
            clock.shift(-3600)
            begin()
    assert configured.asked.total() == 1


def test_one_that_refuses_at_once_is_asked_each_time(configured: Issuer) -> None:
    configured.stop()
    for _ in range(2):
        with pytest.raises(Unavailable, match="does not answer") as told:
            begin()
        assert not isinstance(told.value, SignInAway)

"""The errors that callers may see, named by the fact. `http` alone gives them a status."""

from dataclasses import dataclass


class ContactError(Exception):
    """Every error of ours that a caller may be told about.

    `attempt` is what was tried, where no honest caller does so, by the log's name of it.
    """

    attempt = ""


@dataclass(frozen=True)
class FieldError:
    """One field that cannot be accepted; `code` is a stable identifier listed in `messages`."""

    field: str
    code: str


class Invalid(ContactError):
    """Well-formed input with fields that cannot be accepted."""

    def __init__(self, *fields: FieldError) -> None:
        super().__init__(", ".join(f"{e.field}: {e.code}" for e in fields))
        self.fields = fields


class BadProof(Invalid):
    """A proof of work that was used before, or that we never asked for."""

    attempt = "proof"


class BadToken(ContactError):
    """A link that is forged, foreign, expired or outdated. Callers are never told which."""


class Forged(BadToken):
    """A token that we, or the sign-in's provider, never made for this purpose."""

    attempt = "link"


class NotSignedIn(ContactError):
    """The caller is not signed in, and asks for what is for the staff only."""


class ForgedBearer(NotSignedIn):
    """The caller brings a token that the sign-in's provider never made for us."""

    attempt = "token"


class NotAllowed(ContactError):
    """The caller is signed in, but may not do this; the reason is a code listed in `messages`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.attempt = "origin" if reason == "origin" else "role"


class NotFound(ContactError):
    """There is no such thing.

    `reason` is a code listed in `messages`; `named` is what was looked for, or empty.
    """

    def __init__(self, reason: str = "not_found", named: str = "") -> None:
        super().__init__(" ".join(filter(None, (reason, named))))
        self.reason, self.named = reason, named


class Conflict(ContactError):
    """The state does not allow this.

    `reason` is a code listed in `messages`, or empty; `holder` is who holds a request, or empty.
    """

    def __init__(self, state: str, reason: str = "", holder: str = "") -> None:
        super().__init__(" ".join(filter(None, (state, reason))))
        self.state, self.reason, self.holder = state, reason, holder


class LimitReached(ContactError):
    """Too many of something; the caller may try again after `retry_after` seconds.

    `reason` is a code listed in `messages`; `named` fills its sentence, or is empty.
    """

    def __init__(self, retry_after: int, reason: str = "rate_limited", named: str = "") -> None:
        super().__init__(f"{reason}: retry after {retry_after} s")
        self.retry_after, self.reason, self.named = retry_after, reason, named


class Unavailable(ContactError):
    """A service we depend on does not answer or throttles. Nothing is half written.

    The caller may try again after `retry_after` seconds.
    """

    def __init__(self, reason: str, retry_after: int = 5) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class SignInAway(Unavailable):
    """The provider at which the staff sign in does not answer."""


class Newer(Unavailable):
    """What is stored has a state that only a newer version of the code knows: it stays as it is.

    `what` and `state` say which. Whoever asked may try again: the newer version will be back.
    """

    def __init__(self, what: str, state: str) -> None:
        super().__init__(f"unknown state of a {what}: {state}", retry_after=300)
        self.what, self.state = what, state


class NotRunning(Unavailable):
    """Chalice's own server or test client was started without the cloud: see `local_cloud`."""

"""The SES accounts of this machine: how fast and how much each may send, and to whom it does not.

Sources: SES's developer guide, "Managing your Amazon SES sending limits", "Errors related to the
sending quotas" and "Using the Amazon SES account-level suppression list"; the API reference of
SES v2. All of it is counted by recipients. AWS's pages name several codes for a spent quota: these
are the ones that SendEmail documents.
"""

import json
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from local.aws import ses
from local.aws.refusal import Refusal

DAY = 24 * 3600  # seconds
PAGE = 1000  # addresses that one ListSuppressedDestinations answers with
Answer = tuple[int, Mapping[str, Any]]  # status and JSON
_LIST = "/v2/email/suppression/addresses"


@dataclass
class Account:
    """One account: its quotas, the mails it sent in the last day, its suppression list.

    The rate is a bucket that holds what may be sent in a second, one mail at least. As with SES, a
    mail to several people is let through while anything is left, and the next ones wait longer.
    """

    clock: Callable[[], float] = time.time
    rate: float = 200  # mails a second
    quota: float = 50_000  # mails in 24 hours; -1 is no limit
    sending: bool = True
    suppressed: dict[str, dict[str, Any]] = field(default_factory=dict)  # by address
    _sent: deque[tuple[float, int]] = field(default_factory=deque)
    _left: float | None = None  # in the bucket; None: it is full
    _filled_at: float = 0

    def sent(self) -> int:
        """Return to how many recipients mails went in the last 24 hours."""
        while self._sent and self._sent[0][0] <= self.clock() - DAY:
            self._sent.popleft()
        return sum(recipients for _, recipients in self._sent)

    def take(self, recipients: int) -> Refusal | None:
        """Count a mail, or return why it may not be sent now."""
        if not self.sending:
            return Refusal("SendingPausedException", "Email sending is disabled for the account.")
        if 0 <= self.quota <= self.sent():
            return Refusal("LimitExceededException", "Daily message quota exceeded.")
        now, full = self.clock(), max(self.rate, 1)
        left = full if self._left is None else self._left
        left = min(full, left + (now - self._filled_at) * self.rate)
        self._left, self._filled_at = left, now
        if left < 1:
            return Refusal("TooManyRequestsException", "Maximum sending rate exceeded.", 429)
        self._left -= recipients
        self._sent.append((now, recipients))
        return None

    def change(self, wanted: Mapping[str, Any]) -> None:
        """Change the quotas or pause sending, by GetAccount's names. The bucket is full again."""
        self.rate = float(wanted.get("MaxSendRate", self.rate))
        self.quota = float(wanted.get("Max24HourSend", self.quota))
        self.sending = bool(wanted.get("SendingEnabled", self.sending))
        self._left = None

    def described(self) -> dict[str, Any]:
        """Return the part of GetAccount's answer that is kept here."""
        quota = {
            "MaxSendRate": self.rate,
            "Max24HourSend": self.quota,
            "SentLast24Hours": float(self.sent()),
        }
        return {"SendingEnabled": self.sending, "SendQuota": quota}

    def swallowed(self, recipients: Sequence[str]) -> list[str]:
        """Return those of the recipients that are on the suppression list."""
        return [each for each in recipients if listed(each) in self.suppressed]

    def owns(self, method: str, path: str) -> bool:
        """Tell whether a call concerns the suppression list or the pause, which are kept here."""
        return (
            (method, path) == ("PUT", "/v2/email/account/sending")
            or (path == _LIST and method in ("PUT", "GET"))
            or (path.startswith(f"{_LIST}/") and method in ("GET", "DELETE"))
        )

    def answer(
        self, method: str, path: str, query: Mapping[str, Sequence[str]], body: bytes
    ) -> Answer:
        """Answer a call that the account owns."""
        asked = json.loads(body) if body else {}
        if method == "PUT":
            if path == _LIST:
                return self._suppress(asked)
            self.sending = bool(asked.get("SendingEnabled", False))
            return 200, {}
        if path == _LIST:
            return self._page(query)
        address = unquote(path.removeprefix(f"{_LIST}/"))
        entry = self.suppressed.get(listed(address))
        if entry is None:
            said = f"Email address {address} does not exist on your suppression list."
            return _error("NotFoundException", said, 404)
        if method == "GET":
            return 200, {"SuppressedDestination": entry}
        del self.suppressed[listed(address)]
        return 200, {}

    def _suppress(self, asked: Mapping[str, Any]) -> Answer:
        address, reason = str(asked.get("EmailAddress") or ""), asked.get("Reason")
        if refused := ses.address(address):
            return _error(refused.code, refused.message, refused.status)
        if reason not in ("BOUNCE", "COMPLAINT"):
            return _error("BadRequestException", "Reason must be BOUNCE or COMPLAINT.", 400)
        self.suppressed[listed(address)] = {
            "EmailAddress": address,
            "Reason": reason,
            "LastUpdateTime": self.clock(),
        }
        return 200, {}

    def _page(self, query: Mapping[str, Sequence[str]]) -> Answer:
        reasons = query.get("Reason") or ("BOUNCE", "COMPLAINT")
        found = [each for each in self.suppressed.values() if each["Reason"] in reasons]
        size = int((query.get("PageSize") or (PAGE,))[0])
        first = int((query.get("NextToken") or (0,))[0])
        page: dict[str, Any] = {"SuppressedDestinationSummaries": found[first : first + size]}
        if first + size < len(found):
            page["NextToken"] = str(first + size)
        return 200, page


def listed(address: str) -> str:
    """Return the form of an address by which the list knows it."""
    return ses.bare(address).lower()


def _error(code: str, message: str, status: int) -> Answer:
    return status, {"__type": code, "message": message}

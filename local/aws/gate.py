"""The middleware in front of the emulator: it refuses what AWS would refuse.

What it keeps is read and changed on the emulator's port:

    GET    /_local/undelivered          the last refused or swallowed mails and alerts
    GET    /_local/bodies               the bodies of the last published alerts, by their ids
    DELETE /_local/mails                forgets the mails that were sent
    PUT    /_local/minute               how many seconds a minute of the schedules takes: a number
    PUT    /_local/dkim                 publishes the DNS records of a domain, its name as JSON
    GET    /_local/ses?account=…        an account's quotas, by GetAccount's names
    PUT    /_local/ses?account=…        changes them: MaxSendRate, Max24HourSend, SendingEnabled,
                                        ProductionAccessEnabled
    DELETE /_local/ses?account=…        makes the account new, with an empty suppression list

Without `account` it is the emulator's own account. Websockets, and whatever has no rules here,
pass through untouched, their bodies unread.
"""

import json
import re
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from local.aws import dynamodb, ministack, ses, sns, undelivered
from local.aws.account import Account
from local.aws.refusal import Refusal

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
App = Callable[[Event, Receive, Send], Awaitable[None]]

_TARGET = b"DynamoDB_20120810."
_MAIL = "/v2/email/"
_CREDENTIAL = re.compile(rb"Credential=([^/]+)/[0-9]+/[^/]+/([a-z]+)/")


@dataclass(frozen=True)
class _Answered:
    """A whole answer of the emulator's."""

    start: Event
    content: bytes

    def header(self, wanted: bytes) -> str:
        found = (value for name, value in self.start["headers"] if name.lower() == wanted)
        return next(found, b"").decode()


class Gate:
    """An ASGI application that stands in front of another."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.accounts: dict[str, Account] = defaultdict(Account)
        self.undelivered = undelivered.Undelivered()
        self.bodies: dict[str, dict[str, str]] = {}

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        handler = self._handler(scope) if scope["type"] == "http" else None
        if handler is None:
            await self.app(scope, receive, send)
            return
        body, again = await _read(receive)
        await handler(scope, body, again, send)

    def _handler(self, scope: Event) -> Callable[..., Awaitable[None]] | None:
        path = scope["path"]
        if path == "/":
            headers = scope["headers"]
            for name, value in headers:
                if name == b"x-amz-target" and value.startswith(_TARGET):
                    operation = value[len(_TARGET) :].decode()
                    return self._dynamodb if operation in dynamodb.OPERATIONS else None
            return self._sns if _signed(headers)[1] == "sns" else None
        if path.startswith(_MAIL):
            return self._ses
        return self._local if path.startswith("/_local/") else None

    async def _dynamodb(self, scope: Event, body: bytes, receive: Receive, send: Send) -> None:
        target = next(value for name, value in scope["headers"] if name == b"x-amz-target")
        try:
            asked = json.loads(body)
        except ValueError:
            asked = {}
        refused = dynamodb.refusal(target[len(_TARGET) :].decode(), asked, len(body))
        if refused is None:
            await self.app(scope, receive, send)
            return
        kind = f"com.amazon.coral.validate#{refused.code}"
        await _reply_json(send, 400, {"__type": kind, "message": refused.message}, refused.code)

    async def _sns(self, scope: Event, body: bytes, receive: Receive, send: Send) -> None:
        form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
        asked = {name: values[-1] for name, values in form.items()}
        if asked.get("Action") != "Publish":
            await self.app(scope, receive, send)
            return
        refused = sns.refusal(asked)
        if refused is None:
            answered = await self._answered(scope, receive)
            if answered.start["status"] >= 400:
                refused = _query_error(answered)
                self.undelivered.refused(undelivered.alert(asked), refused)
            else:
                self._keep_bodies(_texts(answered)["MessageId"], sns.bodies(asked))
            await _pass_on(send, answered)
            return
        self.undelivered.refused(undelivered.alert(asked), refused)
        page = (
            '<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error>'
            f"<Type>Sender</Type><Code>{refused.code}</Code>"
            f"<Message>{escape(refused.message)}</Message></Error>"
            f"<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
        )
        await _reply(send, refused.status, "text/xml", page.encode())

    def _keep_bodies(self, name: str, bodies: dict[str, str]) -> None:
        self.bodies[name] = bodies
        while len(self.bodies) > undelivered.KEPT:
            del self.bodies[next(iter(self.bodies))]

    async def _ses(self, scope: Event, body: bytes, receive: Receive, send: Send) -> None:
        account = self.accounts[ministack.enter_account(_signed(scope["headers"])[0])]
        method, path = scope["method"], scope["path"].rstrip("/")
        if (method, path) == ("POST", f"{_MAIL}outbound-emails"):
            await self._send_email(account, scope, body, receive, send)
        elif (method, path) == ("GET", f"{_MAIL}account"):
            answered = await self._answered(scope, receive)
            described = {**json.loads(answered.content), **account.described()}
            await _reply_json(send, answered.start["status"], described)
        elif account.owns(method, path):
            answered = await self._answered(scope, receive)
            if answered.start["status"] == 403:  # the caller's policy does not allow the call
                await _pass_on(send, answered)
                return
            status, said = account.answer(method, path, _query(scope), body)
            await _reply_json(send, status, said, said.get("__type"))
        else:
            await self.app(scope, receive, send)

    async def _send_email(
        self, account: Account, scope: Event, body: bytes, receive: Receive, send: Send
    ) -> None:
        try:
            asked = json.loads(body)
        except ValueError:
            asked = {}
        to = ses.recipients(asked)
        refused = ses.refusal(asked) or account.take(len(to))
        if refused:
            self.undelivered.refused(undelivered.mail(asked), refused)
            said = {"message": refused.message}
            await _reply_json(send, refused.status, said, refused.code)
            return
        answered = await self._answered(scope, receive)
        said = json.loads(answered.content)
        swallowed = account.swallowed(to)
        if answered.start["status"] >= 400:
            code = answered.header(b"x-amzn-errortype")
            refused = Refusal(code, str(said.get("message")), answered.start["status"])
            self.undelivered.refused(undelivered.mail(asked), refused)
        elif swallowed:
            ministack.withdraw(said["MessageId"], swallowed)
            self.undelivered.swallowed(undelivered.mail(asked), said["MessageId"], swallowed)
        await _pass_on(send, answered)
        if answered.start["status"] < 400 and not swallowed:
            ministack.play(said["MessageId"], asked)

    async def _local(self, scope: Event, body: bytes, receive: Receive, send: Send) -> None:
        wanted = (scope["method"], scope["path"])
        if wanted == ("GET", "/_local/undelivered"):
            await _reply_json(send, 200, {"messages": list(self.undelivered.messages)})
            return
        if wanted == ("GET", "/_local/bodies"):
            await _reply_json(send, 200, {"messages": self.bodies})
            return
        if wanted == ("PUT", "/_local/minute"):
            ministack.hasten(float(json.loads(body)))
            await _reply_json(send, 200, {})
            return
        if wanted == ("PUT", "/_local/dkim"):
            ministack.publish_dkim(json.loads(body))
            await _reply_json(send, 200, {})
            return
        if wanted == ("DELETE", "/_local/mails"):
            ministack.forget_mails()
            await _reply_json(send, 200, {})
            return
        if scope["path"] != "/_local/ses" or scope["method"] not in ("GET", "PUT", "DELETE"):
            await _reply_json(send, 404, {"message": "Not found"})
            return
        name = ministack.enter_account((_query(scope).get("account") or [""])[0])
        if scope["method"] == "DELETE":
            self.accounts.pop(name, None)
            ministack.production_access(True)
        changes = json.loads(body or b"{}") if scope["method"] == "PUT" else {}
        self.accounts[name].change(changes)
        access = ministack.production_access(changes.get("ProductionAccessEnabled"))
        described = {**self.accounts[name].described(), "ProductionAccessEnabled": access}
        await _reply_json(send, 200, described)

    async def _answered(self, scope: Event, receive: Receive) -> _Answered:
        start: Event = {}
        content: list[bytes] = []

        async def keep(event: Event) -> None:
            if event["type"] == "http.response.start":
                start.update(event)
            else:
                content.append(event.get("body") or b"")

        await self.app(scope, receive, keep)
        return _Answered(start, b"".join(content))


async def _read(receive: Receive) -> tuple[bytes, Receive]:
    """Return a request's body, and a function by which the emulator receives it once more."""
    events = [await receive()]
    while events[-1]["type"] == "http.request" and events[-1].get("more_body"):
        events.append(await receive())
    body = b"".join(each.get("body") or b"" for each in events)
    left = iter(events)

    async def again() -> Event:
        event = next(left, None)
        return await receive() if event is None else event

    return body, again


def _signed(headers: Any) -> tuple[str, str]:
    """Return the access key that signed a request, and the service it is for."""
    for name, value in headers:
        if name == b"authorization" and (found := _CREDENTIAL.search(value)):
            return found[1].decode(), found[2].decode()
    return "", ""


def _query(scope: Event) -> dict[str, list[str]]:
    return parse_qs(scope.get("query_string", b"").decode())


def _texts(answered: _Answered) -> dict[str, str]:
    page = ElementTree.fromstring(answered.content)  # noqa: S314  # the emulator's own answer
    return {each.tag.rpartition("}")[2]: each.text or "" for each in page.iter()}


def _query_error(answered: _Answered) -> Refusal:
    texts = _texts(answered)
    return Refusal(texts["Code"], texts["Message"], answered.start["status"])


async def _pass_on(send: Send, answered: _Answered) -> None:
    await send(answered.start)
    await send({"type": "http.response.body", "body": answered.content})


async def _reply_json(
    send: Send, status: int, said: Mapping[str, Any], error: str | None = None
) -> None:
    more = [(b"x-amzn-errortype", error.encode())] if error else []
    await _reply(send, status, "application/x-amz-json-1.0", json.dumps(said).encode(), *more)


async def _reply(
    send: Send, status: int, kind: str, content: bytes, *more: tuple[bytes, bytes]
) -> None:
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(content)).encode()),
        (b"x-amzn-requestid", str(uuid.uuid4()).encode()),
        *more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})

"""The emulator, and what it lacks of AWS's documented behaviour around a deployment.

It makes an API from a description and lets a domain be changed, which the emulator does not, has an
event source mapping be `Creating` for a while, lets no mapping be made twice, and can have the
limits of a new account.
"""

import http.client
import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from local import ports
from local.emulator import Emulator

JSON = {"Content-Type": "application/json"}
_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}
_MAPPINGS = "/2015-03-31/event-source-mappings"
_LIMITS = "/2016-08-19/account-settings"
_LOOKS = 2  # looks at a new mapping that find it `Creating`

Answer = tuple[int, dict[str, str], bytes]
Heard = Callable[[str, str, bytes, dict[str, str]], object]


@dataclass
class Refusal:
    """An error that calls get in place of an answer, so many times."""

    method: str
    path: str  # its beginning, a pattern
    status: int
    code: str
    message: str
    times: int

    def answer(self) -> Answer:
        """Return it as AWS's REST services do."""
        headers = {**JSON, "x-amzn-ErrorType": self.code}
        return self.status, headers, json.dumps({"message": self.message}).encode()


class Endpoint:
    """A server that passes the calls to an emulator, and answers some as AWS does."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self.heard: Heard = lambda *_: None  # told of each call
        self.refusals: list[Refusal] = []
        self.refused: Counter[str] = Counter()  # by code
        self.concurrency = 0  # of the account, if not the emulator's
        self._creating: dict[str, int] = {}  # looks that still find a mapping `Creating`
        self._mapped: dict[str, tuple[str, str]] = {}
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                status, headers, text = owner.call(
                    self.command, self.path, body, dict(self.headers)
                )
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in _HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _answer

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((ports.HOST, 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://{ports.HOST}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()

    def refuse(
        self,
        method: str,
        path: str,
        status: int = 400,
        code: str = "BadRequestException",
        message: str = "the test has it fail",
        times: int = 1,
    ) -> None:
        """Refuse the next calls of a method whose path begins so, by a pattern."""
        self.refusals.append(Refusal(method, path, status, code, message, times))

    def call(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        """Answer one call."""
        self.heard(method, path, body, headers)
        for each in self.refusals:
            if each.times and method == each.method and re.match(each.path, path):
                each.times -= 1
                self.refused[each.code] += 1
                return each.answer()
        if path.startswith(_MAPPINGS):
            return self._mapping(method, path, body, headers)
        anew = re.fullmatch(r"/restapis/(\w+)\?mode=overwrite", path)
        if anew and method == "PUT":
            self._describe(anew[1], json.loads(body))
            return _answer(self._emulator.client("apigateway").get_rest_api(restApiId=anew[1]))
        domain = re.fullmatch(r"/domainnames/([^/]+)", path)
        if domain and method == "PATCH":
            return _answer(
                self._emulator.client("apigateway").get_domain_name(domainName=domain[1])
            )
        status, given, text = self._pass(method, path, body, headers)
        if (
            method == "POST"
            and path.startswith("/restapis?")
            and "mode=import" in path
            and status < 300
        ):
            self._describe(json.loads(text)["id"], json.loads(body))
        if path.startswith(_LIMITS) and self.concurrency:
            known = json.loads(text)
            known["AccountLimit"]["ConcurrentExecutions"] = self.concurrency
            text = json.dumps(known).encode()
        return status, given, text

    def _mapping(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        """Answer a call about mappings.

        One that is being made says so twice and refuses a change once.
        """
        uuid = path.removeprefix(_MAPPINGS).partition("?")[0].strip("/")
        if method == "POST" and not uuid:
            asked = json.loads(body)
            wanted = (asked["EventSourceArn"], asked["FunctionName"])
            if wanted in self._mapped.values():
                return self._refused(
                    409, "ResourceConflictException", "The event source mapping already exists."
                )
        if method in ("PUT", "DELETE") and self._creating.get(uuid):
            del self._creating[uuid]
            return self._refused(
                400,
                "ResourceInUseException",
                "Cannot update the event source mapping because it is in use.",
            )
        status, given, text = self._pass(method, path, body, headers)
        if method == "POST" and not uuid and status < 300:
            made = json.loads(text)["UUID"]
            self._mapped[made], self._creating[made] = wanted, _LOOKS
        if method == "DELETE" and status < 300:
            self._mapped.pop(uuid, None)
        if method == "GET" and uuid and self._creating.get(uuid, 0) > 1:
            self._creating[uuid] -= 1
            text = json.dumps({**json.loads(text), "State": "Creating"}).encode()
        return status, given, text

    def _refused(self, status: int, code: str, message: str) -> Answer:
        self.refused[code] += 1
        return Refusal("", "", status, code, message, 1).answer()

    def _pass(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        split = urlsplit(self._emulator.url)
        connection = http.client.HTTPConnection(split.hostname or "", split.port, timeout=60)
        try:
            connection.request(
                method, path, body, {k: v for k, v in headers.items() if k.lower() not in _HOP}
            )
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def _describe(self, api_id: str, description: dict[str, Any]) -> None:
        """Give an API a description's name and routes, and the gateway's own answers again."""
        client = self._emulator.client("apigateway")
        name = {"op": "replace", "path": "/name", "value": description["info"]["title"]}
        client.update_rest_api(restApiId=api_id, patchOperations=[name])
        for each in client.get_gateway_responses(restApiId=api_id, limit=500)["items"]:
            if not each.get("defaultResponse"):
                client.delete_gateway_response(restApiId=api_id, responseType=each["responseType"])
        ids = {
            each["path"]: each["id"]
            for each in client.get_resources(restApiId=api_id, limit=500)["items"]
        }
        described = set(ids)  # by the deployment before; a path may be made as another's parent
        for path, methods in description["paths"].items():
            if path in described:
                continue
            at = ""
            for part in path.strip("/").split("/"):
                parent, at = at or "/", f"{at}/{part}"
                if at not in ids:
                    ids[at] = client.create_resource(
                        restApiId=api_id, parentId=ids[parent], pathPart=part
                    )["id"]
            for method, declared in methods.items():
                where = {"restApiId": api_id, "resourceId": ids[path], "httpMethod": method.upper()}
                client.put_method(**where, authorizationType="NONE")
                uri = declared["x-amazon-apigateway-integration"]["uri"]
                client.put_integration(
                    **where, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri
                )


def _answer(found: dict[str, Any]) -> Answer:
    """Return the answer that boto3 reads as this."""
    del found["ResponseMetadata"]
    created = found.pop("createdDate", None)
    return 200, JSON, json.dumps({**found, "createdDate": created and created.timestamp()}).encode()

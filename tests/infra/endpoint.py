"""The emulator, and what it lacks of API Gateway: APIs from a description, domains to change."""

import http.client
import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from local import ports
from local.emulator import Emulator

JSON = {"Content-Type": "application/json"}
_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}
Heard = Callable[[str, str, bytes, dict[str, str]], object]


class Endpoint:
    """A server that passes the calls to an emulator, and answers itself what that does not know."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        # The statuses to answer once, by method and start of the path.
        self.fail: dict[tuple[str, str], int] = {}
        self.heard: Heard = lambda *_: None  # told of each call
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

    def call(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        """Answer one call."""
        self.heard(method, path, body, headers)
        for (wanted, start), status in list(self.fail.items()):
            if method == wanted and path.startswith(start):
                del self.fail[wanted, start]
                return status, JSON, b'{"message": "the test has it fail"}'
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
        return status, given, text

    def _pass(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
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
        """Give an API a description's routes, and API Gateway's own gateway responses again."""
        client = self._emulator.client("apigateway")
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


def _answer(found: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """Return the answer that boto3 reads as this."""
    del found["ResponseMetadata"]
    created = found.pop("createdDate", None)
    return 200, JSON, json.dumps({**found, "createdDate": created and created.timestamp()}).encode()

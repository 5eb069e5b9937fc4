"""One worker: it takes invocations from the shared socket and answers as Lambda's runtime would."""

import json
import select
import socket
import sys
import time
import traceback
import uuid
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from types import ModuleType
from typing import Any

from local.aws import payloads


@dataclass(frozen=True)
class Functions:
    """The module with the functions, or the traceback that says why it cannot be loaded."""

    module: ModuleType | None
    broken: str | None


class Context:
    """The context object of an invocation, like that of the Lambda runtime for Python."""

    memory_limit_in_mb = "512"
    identity = None
    client_context = None

    def __init__(self, headers: Any) -> None:
        self.function_name = headers.get("X-Amzn-Lambda-Function-Name", "local")
        self.function_version = headers.get("X-Amzn-Lambda-Function-Version", "$LATEST")
        self.invoked_function_arn = headers.get("X-Amzn-Lambda-Function-Arn", "")
        self.aws_request_id = headers.get("X-Amzn-Lambda-Request-Id") or str(uuid.uuid4())
        self.log_group_name = f"/aws/lambda/{self.function_name}"
        self.log_stream_name = "local"
        self._deadline = int(headers.get("X-Amzn-Lambda-Deadline-Ms") or (time.time() + 20) * 1000)

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda would end the invocation."""
        return max(0, self._deadline - int(time.time() * 1000))


def serve(listener: socket.socket, lifeline: int, functions: Functions) -> None:
    """Answer invocations until the lifeline's other end is closed."""

    class Invocation(_Invocation):
        available = functions

    while True:
        if lifeline in select.select([listener.fileno(), lifeline], (), ())[0]:
            return
        try:
            connection, address = listener.accept()
        except BlockingIOError:  # another worker was quicker
            continue
        connection.settimeout(30)
        with connection:
            try:
                # It needs no server object.
                Invocation(connection, address, None)  # type: ignore[arg-type]
            except OSError as error:
                print(f"the emulator went away: {error}", file=sys.stderr)


class _Invocation(BaseHTTPRequestHandler):
    available: Functions

    def do_POST(self) -> None:
        """Run the function of `POST /<function>` with the body as its event.

        An error is answered with status 500, as the emulator expects it.
        """
        event = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        try:
            function = self._function(self.path.strip("/"))
            body = json.dumps(function(event, Context(self.headers))).encode()
            status = 200
            if refused := payloads.refusal(body):
                error = {"errorType": refused.code, "errorMessage": refused.message}
                status, body = 500, json.dumps(error).encode()
        except Exception as error:
            traceback.print_exc()
            status, body = (
                500,
                json.dumps(
                    {"errorType": type(error).__name__, "errorMessage": str(error)}
                ).encode(),
            )
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _function(self, name: str) -> Any:
        if self.available.broken:
            raise RuntimeError(
                f"app.py cannot be loaded: {self.available.broken.strip().splitlines()[-1]}"
            )
        return getattr(self.available.module, name)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the functions log what matters."""

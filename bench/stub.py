"""A stub of AWS on this machine, over TLS: `python -m bench.stub FOLDER` prints its port.

It answers as the services do, with headers and checksums, the same to everybody, and stores
nothing; so what is measured is the caller. `GET /calls` returns the operations asked for since the
last time, which shows that two contestants did the same work. FOLDER has server.pem, server.key and
items.json, the items that exist.
"""

import json
import ssl
import sys
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_CANCELLED = {
    "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
    "message": "The conditional request failed",
}


def answer(
    operation: str, asked: dict[str, Any], items: dict[str, Any]
) -> tuple[int, dict[str, Any]]:
    """Return status and body of one call.

    `operation` is one such as `DynamoDB_20120810.PutItem`, `items` are by partition key.
    """
    match operation.rpartition(".")[2]:
        case "PutItem" if asked["Item"]["pk"]["S"].startswith("VIEW#repeat|"):
            return 400, _CANCELLED
        case "GetItem" if asked["Key"]["pk"]["S"] in items:
            return 200, {"Item": items[asked["Key"]["pk"]["S"]]}
        case "Query" | "Scan":
            keys = [
                value["S"]
                for value in asked.get("ExpressionAttributeValues", {}).values()
                if "S" in value
            ]
            found = [items[key] for key in keys if key in items]
            return 200, {"Items": found, "Count": len(found), "ScannedCount": len(found)}
        case "BatchGetItem":
            return 200, {"Responses": {}, "UnprocessedKeys": {}}
        case "GetSecretValue":
            return 200, {"ARN": "a", "Name": "n", "SecretString": json.dumps({"1": "s" * 64})}
        case "SendEmail":
            return 200, {"MessageId": "0107019a-example"}
    return 200, {}


class Handler(BaseHTTPRequestHandler):
    """A handler of one connection, which is kept open."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Head and body leave together, else the caller's delayed acknowledgement costs 40 ms.
    wbufsize = 1 << 16
    calls: list[str] = []  # noqa: RUF012  one server a process
    items: dict[str, Any] = {}  # noqa: RUF012

    def do_POST(self) -> None:
        """Answer and record a call of a JSON service or of SES."""
        body = self.rfile.read(int(self.headers["content-length"]))
        operation = self.headers.get("x-amz-target", "ses.SendEmail")
        asked = json.loads(body) if body.startswith(b"{") else {}
        members = f" of {len(asked['TransactItems'])}" if "TransactItems" in asked else ""
        Handler.calls.append(operation.rpartition(".")[2] + members)
        self._send(*answer(operation, asked, Handler.items))

    def do_GET(self) -> None:
        """Answer with the operations recorded since the last time, and forget them."""
        calls, Handler.calls = Handler.calls, []
        self._send(200, {"calls": calls})

    def _send(self, status: int, said: dict[str, Any]) -> None:
        text = json.dumps(said, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Connection", "keep-alive")
        self.send_header("x-amzn-RequestId", "7K3QEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMP")
        self.send_header("x-amz-crc32", str(zlib.crc32(text)))
        self.end_headers()
        self.wfile.write(text)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


def main() -> None:
    """Print the port and serve until stdin ends."""
    folder = Path(sys.argv[1])
    Handler.items = json.loads((folder / "items.json").read_text())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()

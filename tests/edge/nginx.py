"""A real nginx in front of the API's handler, on loopback."""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from typing import Any

from local.ports import HOST, free, listen
from local.web import Handler, Server
from tests.backend import Backend

# The user is named for root alone, who else would hand the folder to a user that cannot read it.
CONFIGURATION = """
daemon off;
worker_processes 1;
{user}
pid {folder}/pid;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  proxy_cache_path {folder}/cache keys_zone=contact:1m;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{behind};
      proxy_cache contact;
      proxy_cache_key $request_method$request_uri$http_origin;
{headers}
    }}
  }}
}}
"""


@dataclass
class Nginx:
    """A running nginx, and the gateway behind it, which sees nginx as the caller."""

    port: int
    behind: int
    asked: list[str] = field(default_factory=list)  # what came through to the gateway

    def call(
        self,
        method: str,
        path: str,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
        visitor: int = 2,
        directly: bool = False,
    ) -> tuple[int, HTTPMessage]:
        """Send a request as the visitor 127.0.0.N; `directly` past nginx. Return its answer."""
        port = self.behind if directly else self.port
        line = HTTPConnection(HOST, port, timeout=20, source_address=(f"127.0.0.{visitor}", 0))
        given = {"content-type": "application/json", **(headers or {})}
        line.request(method, path, body, given)
        answer = line.getresponse()
        answer.read()
        line.close()
        return answer.status, answer.headers


@contextmanager
def before(backend: Backend, folder: Path, sets: Mapping[str, str]) -> Iterator[Nginx]:
    """Run nginx before the backend's handler; `sets` are the headers it adds, nginx's variables."""
    listener = listen(0, "gateway")
    behind = int(listener.getsockname()[1])
    made = Nginx(free(0, "nginx"), behind)
    gateway = Server(listener, _gateway(backend, made.asked))
    gateway.start()
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(
            user="user root;" if os.geteuid() == 0 else "",
            folder=folder,
            port=made.port,
            behind=behind,
            headers="\n".join(f'      proxy_set_header {n} "{v}";' for n, v in sets.items()),
        )
    )
    command = ["nginx", "-p", str(folder), "-c", str(configuration), "-e", str(folder / "errors")]
    process = subprocess.Popen(command)
    try:
        _wait_for(made.port, process)
        yield made
    finally:
        process.terminate()
        process.wait(timeout=20)
        gateway.stop()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(500):
        try:
            socket.create_connection((HOST, port), timeout=1).close()
            return
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.02)
    raise RuntimeError("nginx does not answer: is it installed (apt-get install nginx)?")


def _gateway(backend: Backend, asked: list[str]) -> type[Handler]:
    """Return a handler that does what API Gateway does: it tells the peer's address."""
    one_at_a_time = threading.Lock()

    class Gateway(Handler):
        def _pass_on(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode() if length else None
            headers = {name.lower(): value for name, value in self.headers.items()}
            headers.pop("content-length", None)
            address = self.client_address[0]
            with one_at_a_time:
                asked.append(f"{self.command} {self.path}")
                answer = backend.call(self.command, self.path, body, headers, address)
            sent = answer.text.encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_OPTIONS = _pass_on

    made: Any = Gateway
    return made  # type: ignore[no-any-return]

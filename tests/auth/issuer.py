"""An OpenID provider on a port of its own that says whatever a test wants."""

import functools
import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT = "our-client"


def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


_first = functools.cache(key)  # takes long to make, and no test changes it


class Issuer:
    """Serves discovery, keys and tokens.

    `asked` counts the requests by path. `answers` replaces a path's status and text.
    """

    def __init__(self) -> None:
        self.keys = {"first": _first()}
        self.asked: Counter[str] = Counter()
        self.answers: dict[str, tuple[int, str]] = {}
        # The ID token for each code. Unlike a real provider's, a code stays valid.
        self.codes: dict[str, str] = {}
        self.forms: list[dict[str, str]] = []
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"issuer": self})
        )
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def settings(self) -> dict[str, str]:
        return {
            "OIDC_ISSUER": self.url,
            "OIDC_CLIENT_ID": CLIENT,
            "OIDC_DISCOVERY": "",
            "OIDC_GROUPS_CLAIM": "groups",
        }

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Return the claims of an agent's ID token. A claim that is None is left out."""
        now = int(time.time())
        good = {"iss": self.url, "aud": CLIENT, "sub": "anna", "name": "Anna", "groups": ["agent"]}
        claims = {**good, "iat": now, "exp": now + 300, **changed}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, *, kid: str = "first", signed_by: Any = None, **changed: Any) -> str:
        # `jwt.encode` refuses some of the broken claims.
        claims = json.dumps(self.claims(**changed)).encode()
        return jwt.api_jws.encode(
            claims, signed_by or self.keys[kid], "RS256", headers={"kid": kid}
        )

    def say(self, path: str) -> tuple[int, str]:
        self.asked[path] += 1
        if path in self.answers:
            return self.answers[path]
        match path:
            case "/.well-known/openid-configuration":
                places = {
                    "authorization_endpoint": "authorize",
                    "token_endpoint": "token",
                    "jwks_uri": "keys",
                }
                return 200, json.dumps(
                    {
                        "issuer": self.url,
                        **{name: f"{self.url}/{place}" for name, place in places.items()},
                    }
                )
            case "/keys":
                return 200, json.dumps({"keys": [self._public(kid) for kid in self.keys]})
        return 404, "{}"

    def redeem(self, form: dict[str, str]) -> tuple[int, str]:
        self.forms.append(form)
        if form.get("code") in self.codes:
            return 200, json.dumps({"id_token": self.codes[form["code"]], "token_type": "Bearer"})
        return 400, '{"error":"invalid_grant"}'

    def _public(self, kid: str) -> dict[str, Any]:
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.keys[kid].public_key(), as_dict=True)
        return {**public, "kid": kid, "use": "sig", "alg": "RS256"}


class _Handler(BaseHTTPRequestHandler):
    issuer: Issuer

    def do_GET(self) -> None:
        self._send(*self.issuer.say(self.path))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._send(
            *self.issuer.redeem({name: values[0] for name, values in parse_qs(body).items()})
        )

    def _send(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass

"""The sign-in page of the emulated user pool, used over HTTP as a browser would."""

import html
import http.cookiejar
import json
import re
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from chalicelib.auth.sign_in import PendingSignIn
from local.cloud import Cloud
from local.people import Login


class _Noting(urllib.request.HTTPRedirectHandler):
    def __init__(self, led: list[str]) -> None:
        self._led = led

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        self._led.append(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class Visitor:
    """A browser with cookies.

    `at` is its address, `text` and `status` are its page's, `led` has all redirects.
    """

    def __init__(self) -> None:
        self.jar, self.led = http.cookiejar.CookieJar(), list[str]()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self.jar), _Noting(self.led)
        )
        self.at, self.text, self.status = "", "", 0

    def open(self, url: str, form: dict[str, str] | None = None, origin: str = "") -> "Visitor":
        """Open an address and follow its redirects. The page of an error is a page as well."""
        headers = {"Accept": "text/html", **({"Origin": origin} if origin else {})}
        body = urlencode(form).encode() if form is not None else None
        try:
            answer = self._opener.open(urllib.request.Request(url, body, headers), timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            self.at, self.text, self.status = answer.url, answer.read().decode(), answer.status
        return self

    def sign_in(self, who: Login, password: str = "") -> "Visitor":
        """Fill in the sign-in page that is open."""
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', self.text)
        form = {name: html.unescape(value) for name, value in hidden}
        return self.open(
            urljoin(self.at, "/login"),
            {**form, "username": who.email, "password": password or who.password},
        )


def login(cloud: Cloud, role: str) -> Login:
    """Return the seeded person of a role."""
    return next(each for each in cloud.people if each.role == role)


def tokens(cloud: Cloud, who: Login) -> dict[str, Any]:
    """Sign a person in as a program does, and return the token endpoint's answer."""
    attempt, visitor = PendingSignIn("a program's own secret"), Visitor()
    place = cloud.env["OIDC_DISCOVERY"].partition("/eu-")[0]
    asked = {
        "response_type": "code",
        "client_id": cloud.env["OIDC_CLIENT_ID"],
        "redirect_uri": f"{cloud.api}/staff/signed-in",
        "scope": "openid profile email",
        "code_challenge": attempt.challenge,
        "code_challenge_method": "S256",
    }
    # The sign-in ends at our page, with the code in its address.
    visitor.open(f"{place}/oauth2/authorize?{urlencode(asked)}").sign_in(who)
    (code,) = parse_qs(urlsplit(visitor.at).query)["code"]
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": attempt.verifier}
    visitor.open(f"{place}/oauth2/token", {**asked, **form})
    answer: dict[str, Any] = json.loads(visitor.text)
    return answer

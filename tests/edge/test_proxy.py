"""Behind a CDN or proxy: a real nginx names the visitor, and is believed by its secret alone."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chalicelib import instants, log
from chalicelib.articles.stores import counts
from tests.backend import BROWSER, ORIGIN, Backend
from tests.edge import nginx
from tests.edge.nginx import Nginx
from tests.edge.test_newsletter import SIGNUP
from tests.scale import Scale

NAMES_THE_VISITOR = {"X-Origin-Secret": "s3cret", "X-Real-IP": "$remote_addr"}
PLAIN = {"origin": ORIGIN, "user-agent": BROWSER}


@contextmanager
def proxied(
    backend: Backend, folder: Path, sets: dict[str, str] | None = None, **settings: str
) -> Iterator[Nginx]:
    """Run nginx before a stage that believes it: of two secrets, the new and the old one."""
    made = backend.cloud.client("secretsmanager").create_secret(
        Name=f"{backend.env['CONTACTS_TABLE']}-origin",
        SecretString=json.dumps({"1": "s3cret", "2": "n3w"}),
    )
    trusted = {"TRUSTED_ADDRESS_HEADER": "X-Real-IP", "ORIGIN_SECRET_ARN": made["ARN"], **settings}
    backend.configure(**trusted)
    with nginx.before(backend, folder, sets or NAMES_THE_VISITOR) as running:
        yield running


def view(proxy: Nginx, visitor: int = 2, directly: bool = False, **headers: str) -> int:
    given = PLAIN | {name.replace("_", "-"): value for name, value in headers.items()}
    status, _ = proxy.call("POST", "/articles/gold/views", None, given, visitor, directly)
    return status


def sign_ups(proxy: Nginx, visitors: list[int], directly: bool = False) -> list[int]:
    """Sign up once for each of these visitors, each with forged headers of another one."""
    statuses = []
    for number, visitor in enumerate(visitors):
        forged = {
            "x-forwarded-for": f"203.0.113.{number}",
            "x-real-ip": f"203.0.113.{number}",
            "x-origin-secret": "guessed",
        }
        body = json.dumps({**SIGNUP, "email": f"proxied-{directly}-{number}@example.org"})
        statuses.append(
            proxy.call("POST", "/newsletter/signups", body, PLAIN | forged, visitor, directly)[0]
        )
    return statuses


def views(backend: Backend) -> int:
    backend.count()
    return int(backend.call("GET", "/articles/gold/views").json["views"])


def test_visitors_behind_nginx_are_told_apart(backend: Backend, tmp_path: Path) -> None:
    with proxied(backend, tmp_path / "nginx") as proxy:
        for visitor in (2, 3, 4, 2):
            assert view(proxy, visitor) == 204
        assert view(proxy, 2, x_real_ip="203.0.113.9") == 204  # nginx says who it is
    assert views(backend) == 3


@pytest.mark.parametrize(
    "written",
    [
        "$remote_addr:$remote_port",
        "[::ffff:$remote_addr]:$remote_port",
        "::ffff:$remote_addr",
        "[2001:db8:0:$http_x_turn::1]:443",
        "2001:db8:0:$http_x_turn:0:0:0:$http_x_turn:443",
    ],
)
def test_an_address_may_be_written_in_each_of_its_forms(
    backend: Backend, tmp_path: Path, written: str
) -> None:
    sets = {"X-Origin-Secret": "n3w", "CloudFront-Viewer-Address": written}
    setting = {"TRUSTED_ADDRESS_HEADER": "CloudFront-Viewer-Address"}
    with proxied(backend, tmp_path / "nginx", sets, **setting) as proxy:
        for visitor in (2, 3, 2):
            assert view(proxy, visitor, x_turn=str(visitor)) == 204
    assert views(backend) == 2


@pytest.mark.parametrize("written", ["unknown", "$remote_addr, 203.0.113.1", "_hidden", ""])
def test_what_is_no_address_leaves_the_gateways(
    backend: Backend, tmp_path: Path, written: str
) -> None:
    sets = {"X-Origin-Secret": "s3cret", "X-Real-IP": written}
    with proxied(backend, tmp_path / "nginx", sets) as proxy:
        for visitor in (2, 3):
            assert view(proxy, visitor) == 204
    assert views(backend) == 1


def test_limits_count_the_visitor_whom_nginx_names(
    one_hour: None, backend: Backend, tmp_path: Path
) -> None:
    with proxied(backend, tmp_path / "nginx") as proxy:
        assert sign_ups(proxy, [2] * 22) == [202] * 20 + [429] * 2
        assert sign_ups(proxy, [3]) == [202]


@pytest.mark.parametrize("secret", ["", "wrong", "S3CRET"])
def test_with_a_wrong_secret_a_hundred_are_one_caller(
    one_hour: None,
    backend: Backend,
    tmp_path: Path,
    scale: Scale,
    secret: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    beyond = scale(80)
    sets = {"X-Origin-Secret": secret, "X-Real-IP": "$remote_addr"}
    with proxied(backend, tmp_path / "nginx", sets) as proxy:
        statuses = sign_ups(proxy, list(range(2, 22 + beyond)))
        directly = sign_ups(proxy, list(range(2, 12)), directly=True)
    told = [json.loads(each) for each in capsys.readouterr().out.splitlines() if "attempt" in each]
    assert {each["event"] for each in told} == {"attempt.proxy"}
    print(f"\nforged by {len(statuses)} addresses: {statuses.count(202)} taken, the rest 429")
    assert statuses == [202] * 20 + [429] * beyond
    tried = len(directly) + (len(statuses) if secret else 0)
    assert 0 <= tried - sum(each["count"] for each in told) < log.EACH
    assert directly.count(202) == 10, "each of them is another address to the gateway"


def test_past_nginx_nobody_is_believed(
    one_hour: None, backend: Backend, tmp_path: Path, scale: Scale
) -> None:
    beyond = scale(80)
    with proxied(backend, tmp_path / "nginx") as proxy:
        statuses = sign_ups(proxy, [2] * (20 + beyond), directly=True)
    assert statuses == [202] * 20 + [429] * beyond


def test_a_user_agent_that_the_proxy_replaces_is_told_by_its_header(
    backend: Backend, tmp_path: Path
) -> None:
    replaces = {**NAMES_THE_VISITOR, "User-Agent": "Amazon CloudFront"}
    tells = {**replaces, "X-Viewer-Agent": "$http_user_agent"}
    setting = {"TRUSTED_AGENT_HEADER": "X-Viewer-Agent"}
    with proxied(backend, tmp_path / "nginx", tells, **setting) as proxy:
        assert view(proxy) == 204
        assert view(proxy, 3, user_agent="Googlebot/2.1") == 204
        assert view(proxy, 4, directly=True, x_viewer_agent="curl/8.10") == 204
    assert views(backend) == 2
    day = instants.day(instants.now(), "Europe/Berlin").isoformat()
    assert counts.filtered(day) == {"bot": 1}


def test_operators_are_told_where_the_user_agent_is_replaced(
    backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replaces = {**NAMES_THE_VISITOR, "User-Agent": "Amazon CloudFront"}
    with proxied(backend, tmp_path / "nginx", replaces) as proxy:
        for visitor in (2, 3):
            assert view(proxy, visitor) == 204
    assert views(backend) == 0
    day = instants.day(instants.now(), "Europe/Berlin").isoformat()
    assert counts.filtered(day) == {"tool": 2}
    assert '"view.agent_replaced"' in capsys.readouterr().out


def test_a_cache_keeps_what_is_read_and_nothing_else(backend: Backend, tmp_path: Path) -> None:
    with proxied(backend, tmp_path / "nginx") as proxy:
        for origin in (ORIGIN, ORIGIN, "https://evil.example", ORIGIN):
            status, headers = proxy.call(
                "GET", "/articles/gold/views", headers={**PLAIN, "origin": origin}
            )
            allowed = headers.get("access-control-allow-origin")
            assert (status, allowed) == (200, ORIGIN if origin == ORIGIN else None)
        assert proxy.asked == ["GET /articles/gold/views"] * 2
        proxy.asked.clear()
        for path in (
            "/articles/popular?limit=0",
            "/articles/popular?limit=0",
            "/health",
            "/health",
        ):
            proxy.call("GET", path, headers=PLAIN)
        for _ in range(2):
            assert view(proxy) == 204
        assert len(proxy.asked) == 6

"""`chalice local` and `chalice.test.Client`, which Chalice's users try first, beside a cloud."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from chalicelib.http.inventory import INVENTORY
from local import ports
from local.__main__ import publish
from local.cloud import Cloud
from local.emulator import inherited
from tests.auth.hosted import Visitor, login
from tests.events import Answer
from tests.local.test_run import eventually

# What a developer's own shell may say: none of it may lead to their account.
SHELL = {
    "AWS_ACCESS_KEY_ID": "AKIAOFTHEIROWN000000",
    "AWS_SECRET_ACCESS_KEY": "their own",
    "AWS_SESSION_TOKEN": "their own",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:9",
}
KEY = {"authorization": "Bearer local-staff-key"}
IN_PATH = {"{slug}": "gold", "{id}": "R-AAAA", "{version}": "newsletter-de-1", "{key}": "abc"}


class _Stays(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follows nothing: the redirect is the answer."""


class Project:
    """The project's folder with what Chalice needs, and Chalice's own server in it."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder = folder
        shutil.copy(root / "app.py", folder)
        for name in ("chalicelib", ".chalice"):
            shutil.copytree(
                root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        (folder / ".local").mkdir()
        self.run = folder / ".local" / "run.json"
        self.log = folder.parent / f"{folder.name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        with ports.listen(0, "test") as free:
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}"

    def environment(self, **more: str) -> dict[str, str]:
        return {**inherited(), **SHELL, "PYTHONUNBUFFERED": "1", **more}

    def serve(self, stage: str = "local", **more: str) -> None:
        """`chalice local`, until it answers."""
        chalice = Path(sys.executable).with_name("chalice")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [chalice, "local", "--stage", stage, "--port", self.url.rpartition(":")[2]],
                cwd=self.folder,
                env=self.environment(**more),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        assert eventually(self.answers), self.log.read_text()

    def answers(self) -> bool:
        try:
            return self.call("GET", "/health").status > 0
        except OSError:
            return False

    def end(self) -> None:
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        given = {"content-type": "application/json", **(headers or {})}
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.url}{path}", data, given, method=method)
        try:
            answer = urllib.request.build_opener(_Stays).open(asked, timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            named = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, named, answer.read().decode())

    def test(self, script: str, stage: str = "local") -> Any:
        """What a script prints as JSON that has a `client` of this stage."""
        begin = "import json, app\nfrom chalice.test import Client\n"
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                f"{begin}client = Client(app.app, stage_name={stage!r})\n{script}",
            ],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def project(tmp_path: Path, root: Path) -> Iterator[Project]:
    (tmp_path / "project").mkdir()
    made = Project(tmp_path / "project", root)
    yield made
    made.end()


@pytest.fixture
def beside(project: Project, cloud: Cloud) -> Project:
    """Publish the running cloud for the project."""
    publish(project.run, cloud)
    return project


def asked(path: str) -> str:
    for name, value in IN_PATH.items():
        path = path.replace(name, value)
    return path


def landed(cloud: Cloud, pk: str) -> list[Any]:
    table = cloud.env["CONTACTS_TABLE"]
    pages = cloud.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return [item for page in pages for item in page["Items"] if item["pk"]["S"] == pk]


def mailed(cloud: Cloud, address: str) -> bool:
    return any(address in each.get("to", ()) for each in cloud.messages())


def test_chalice_local_serves_every_route_on_the_clouds_data(beside: Project, cloud: Cloud) -> None:
    beside.serve()
    # All at once and first of all: what a process makes once is made by many threads here.
    with ThreadPoolExecutor(16) as pool:
        first = list(
            pool.map(lambda at: beside.call("GET", f"/articles/a{at}/views").status, range(32))
        )
    assert set(first) == {200}
    answers = {
        f"{method} {path}": beside.call(
            method, asked(path), {} if method in ("POST", "DELETE") else None, KEY
        )
        for path in INVENTORY
        for method in (*INVENTORY[path], "HEAD", "OPTIONS", "PATCH")
    }
    assert {route: each.text for route, each in answers.items() if each.status >= 500} == {}
    assert [
        route for route, each in answers.items() if route.startswith("GET ") and each.status == 405
    ] == []

    signup = {"email": "habit@example.org", "consent": "newsletter-de-1"}
    assert beside.call("POST", "/newsletter/signups", signup).status == 202
    assert eventually(lambda: mailed(cloud, "habit@example.org"))
    phone = f"0151 2{secrets.randbelow(10**7):07}"
    request = {"name": "Eva", "phone": phone, "consent": "callback-de-1"}
    reference = beside.call("POST", "/callbacks", request).json["reference"]
    wanted = f"CALLBACK#{reference}"
    assert eventually(lambda: any("state" in each for each in landed(cloud, wanted)))
    for served in (beside.url, cloud.api):  # one and the same data
        shown = urllib.request.Request(f"{served}/staff/callbacks/{reference}", headers=KEY)
        with urllib.request.urlopen(shown, timeout=10) as answer:
            assert json.loads(answer.read())["id"] == reference
    form = urllib.request.Request(
        f"{beside.url}/newsletter/signups", b"email=form%40example.org&consent=newsletter-de-1"
    )
    with urllib.request.urlopen(form, timeout=10) as answer:  # its page, or the site's
        assert answer.status == 200
    assert eventually(lambda: mailed(cloud, "form@example.org"))


@pytest.mark.soak
def test_a_path_is_read_as_the_gateway_reads_it(beside: Project) -> None:
    beside.serve()
    assert beside.call("GET", "/articles/go%6Cd/views").json["slug"] == "gold"
    assert beside.call("GET", "/articles/views?slugs=a%2Cb").json["views"].keys() == {"a", "b"}
    answer = beside.call(
        "GET", "/staff/search?language=en&q=a%20b", headers={"accept": "text/html"}
    )
    assert answer.status == 303
    assert answer.headers["location"].endswith(
        "/staff/sign-in?next=%2Fstaff%2Fsearch%3Flanguage%3Den%26q%3Da%2Bb&language=en"
    )


@pytest.mark.soak
def test_who_is_signed_in_at_make_run_is_signed_in_there_too(beside: Project, cloud: Cloud) -> None:
    beside.serve()
    anna, visitor = login(cloud, "agent"), Visitor().open(f"{beside.url}/staff")
    assert visitor.at.startswith(cloud.aws)
    visitor.sign_in(anna)
    assert visitor.at.startswith(f"{cloud.api}/staff")
    assert anna.name in visitor.open(f"{beside.url}/staff").text


@pytest.mark.soak
def test_the_staffs_buttons_work_where_base_url_is(beside: Project, cloud: Cloud) -> None:
    beside.serve(BASE_URL=beside.url)
    visitor = Visitor().open(cloud.staff).sign_in(login(cloud, "agent"))
    claim = f"{beside.url}/staff/callbacks/R-AAAA/claim"
    assert visitor.open(claim, {}, origin=cloud.api).status == 403
    assert visitor.open(claim, {}, origin=beside.url).status == 404  # no such request


def test_without_make_run_it_says_what_to_start(project: Project) -> None:
    project.serve(SITE_ORIGINS="https://www.site.example")
    for path in INVENTORY:
        headers = {"accept-language": "en", "origin": "https://www.site.example"}
        answer = project.call("GET", asked(path), headers=headers)
        assert answer.status == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json["code"] == "not_running"
        assert answer.json["detail"].startswith("Start `make run` first")
        ours = answer.headers.get("access-control-allow-origin")
        assert ours == (None if path.startswith("/staff") else "https://www.site.example")
    page = project.call("GET", "/staff", headers={"accept": "text/html"})
    assert page.status == 503
    assert "make run" in page.text


@pytest.mark.soak
def test_it_follows_make_run_as_it_comes_and_goes(project: Project, cloud: Cloud) -> None:
    project.serve()
    assert project.call("GET", "/articles/gold/views").status == 503
    publish(project.run, cloud)
    assert project.call("GET", "/articles/gold/views").status == 200
    page = {"accept": "text/html"}
    assert "site.example" not in project.call("GET", "/newsletter/access", headers=page).text
    told = json.loads(project.run.read_text())
    project.run.unlink()
    assert project.call("GET", "/articles/gold/views").status == 503
    # It comes again with other settings, and is killed in the end, which leaves the file.
    told["environment"]["SITE_URL"] = "https://site.example"
    project.run.write_text(json.dumps(told))
    assert "https://site.example" in project.call("GET", "/newsletter/access", headers=page).text
    with ports.listen(0, "test") as closed:
        told["environment"]["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{closed.getsockname()[1]}"
    project.run.write_text(json.dumps(told))
    assert project.call("GET", "/articles/gold/views").json["code"] == "not_running"


@pytest.mark.soak
def test_another_stage_is_not_served_from_the_local_cloud(beside: Project) -> None:
    beside.serve("dev")
    answer = beside.call("GET", "/articles/gold/views", headers={"accept-language": "en"})
    assert (answer.status, answer.json["code"]) == (503, "not_running")
    assert "--stage local" in answer.json["detail"]


@pytest.mark.soak
def test_an_edit_starts_it_anew_and_a_log_does_not(beside: Project) -> None:
    beside.serve()
    package = beside.folder / "chalicelib" / "__init__.py"
    for line in range(4):
        with (beside.folder / ".local" / "handlers.log").open("a") as log:
            log.write(f"{line}\n")
        assert not eventually(lambda: "Restarting" in beside.log.read_text(), seconds=1)
    package.write_text(package.read_text().replace('__version__ = "', '__version__ = "edited-'))

    def edited() -> bool:
        try:
            return "edited-" in beside.call("GET", "/health").text
        except OSError:
            return False  # it is just starting anew

    assert eventually(edited)


@pytest.mark.soak
def test_the_test_client_drives_the_app(beside: Project, cloud: Cloud) -> None:
    told = beside.test(
        """
signup = {"email": "client@example.org", "consent": "newsletter-de-1"}
as_json = {"Content-Type": "application/json"}
made = client.http.post("/newsletter/signups", headers=as_json, body=json.dumps(signup))
seen = client.http.get("/articles/gold/views?language=en", headers={"X-Several": ["a", "b"]})
mail = client.events.generate_sns_event(json.dumps({"eventType": "Send", "mail": {}}))
tick = client.events.generate_cw_event("aws.events", "Scheduled Event", {}, [])
print(json.dumps({
    "health": client.http.get("/health").json_body,
    "signup": made.status_code,
    "bytes": client.http.post("/callbacks", headers=as_json, body=b"{").status_code,
    "views": seen.json_body,
    "head": client.http.head("/health").status_code,
    "clock": sorted(client.lambda_.invoke("clock", tick).payload),
    "sweep": client.lambda_.invoke("sweep_views", tick).payload,
    "others": [
        client.lambda_.invoke("rank_articles", tick).payload,
        client.lambda_.invoke("mail_feedback", mail).payload,
        client.lambda_.invoke("deliver_messages", {"Records": []}).payload,
        client.lambda_.invoke("count_views", {"Records": []}).payload,
    ],
}))
"""
    )
    assert told["health"]["stage"] == "local"
    assert (told["signup"], told["bytes"], told["head"]) == (202, 400, 200)
    assert told["views"]["slug"] == "gold"
    assert "erased" in told["clock"]
    assert isinstance(told["sweep"], int)
    assert told["others"] == [None] * 4
    assert eventually(lambda: mailed(cloud, "client@example.org"))


@pytest.mark.soak
def test_the_test_client_says_what_to_start(project: Project, cloud: Cloud) -> None:
    script = """
answer = client.http.get("/health", headers={"Accept-Language": "en"})
try:
    tick = client.events.generate_cw_event("aws.events", "", {}, [])
    client.lambda_.invoke("rank_articles", tick)
except Exception as error:
    words = str(error)
print(json.dumps([answer.status_code, answer.json_body["detail"], words]))
"""
    status, detail, words = project.test(script)
    assert status == 503
    assert detail.startswith("Start `make run` first")
    assert "make run" in words
    publish(project.run, cloud)
    status, detail, words = project.test(script, stage="dev")  # the client's own default
    assert status == 503
    assert "local" in detail
    assert "local stage" in words


def test_packaging_reads_nothing_of_the_running_cloud(beside: Project, cloud: Cloud) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import app; print(repr(app.stage.contacts_stream_arn))"],
        cwd=beside.folder,
        env=beside.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "''"

"""A React Router site, an Astro site and a WordPress, on the servers of the host pages."""

import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local import ports
from local.cloud import ROOT
from tests import npm
from tests.browser.hosts.conftest import (  # noqa: F401  fixtures
    browsers,
    driven,
    ear,
    ears,
    host,
    sites,
)
from tests.browser.hosts.servers import Site

HERE = Path(__file__).parent
DEBIAN = Path("/usr/share/wordpress")
NEEDED = "this test needs Debian's WordPress: apt-get install wordpress php-cli mariadb-server"
BUILDERS = {"react": "vite/bin/vite.js", "astro": "astro/astro.js"}


def built(name: str) -> Path:
    """Build a site, unless it is; return the folder with its files."""
    sources = sorted(each for each in (HERE / name).rglob("*") if each.is_file())
    texts = [HERE / "npm" / "package-lock.json", *sources]
    content = b"".join(str(each.relative_to(HERE)).encode() + each.read_bytes() for each in texts)
    folder = ROOT / ".local" / "sites" / hashlib.sha256(content).hexdigest()[:16]
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as place:
            draft, modules = Path(place) / name, npm.installed(HERE / "npm", ROOT)
            shutil.copytree(HERE / name, draft)
            (draft / "node_modules").symlink_to(modules)
            command = ["node", str(modules / BUILDERS[name]), "build"]
            env = {**os.environ, "ASTRO_TELEMETRY_DISABLED": "1"}
            subprocess.run(
                command, cwd=draft, env=env, check=True, capture_output=True, timeout=120
            )
            try:
                (draft / "dist").rename(folder)
            except OSError:
                assert folder.is_dir()  # another test run was faster
    return folder


def put(site: Site, name: str) -> None:
    """Serve the files of a built site below its name, each page at the address of its folder."""
    folder = built(name)
    for file in folder.rglob("*.*"):
        path = f"/{name}/{file.relative_to(folder).as_posix()}"
        site.put(path.removesuffix("index.html"), file.read_text("utf-8"))


def _wait(until: Callable[[], bool]) -> None:
    last = time.monotonic() + 20
    while not until():
        assert time.monotonic() < last, "it did not start"
        time.sleep(0.02)


def _answers(port: int) -> bool:
    with socket.socket() as there:
        return there.connect_ex((ports.HOST, port)) == 0


@pytest.fixture(scope="session")
def react(sites: tuple[Site, Site]) -> None:  # noqa: F811  the fixture
    """Serve the React Router site, which draws every route on its one page."""
    put(sites[0], "react")
    page, headers = sites[0].pages["/react/"]
    for route in ("ratgeber/gold", "ratgeber/silber", "newsletter", "rueckruf"):
        sites[0].put(f"/react/{route}", page, headers)


@pytest.fixture(scope="session")
def astro(sites: tuple[Site, Site]) -> None:  # noqa: F811  the fixture
    """Serve the Astro site."""
    put(sites[0], "astro")


@pytest.fixture(scope="session")
def wordpress(
    sites: tuple[Site, Site],  # noqa: F811  the fixture
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    """Install a WordPress with a database of its own, and serve it at the site's address."""
    php, database = shutil.which("php"), shutil.which("mariadbd", path="/usr/sbin:/usr/bin")
    if not (php and database and DEBIAN.is_dir()):
        pytest.fail(NEEDED, pytrace=False)
    folder = tmp_path_factory.mktemp("wordpress")
    place, listens = folder / "site", folder / "socket"
    shutil.copytree(HERE / "wordpress", place)
    (place / "wp-content" / "themes").mkdir(parents=True)
    (place / "theme").rename(place / "wp-content" / "themes" / "contact")
    for name in ("wp-includes", "wp-admin"):
        (place / name).symlink_to(DEBIAN / name)
    (folder / "data" / "wordpress").mkdir(parents=True)  # a folder is a database
    port = ports.free(0, "wordpress")
    behind = f"{ports.HOST}:{port}"
    env = {**os.environ, "WORDPRESS_SOCKET": str(listens), "WORDPRESS_HOME": sites[0].url}
    with (folder / "log").open("w") as log:
        root = ["--user=root"] if os.getuid() == 0 else []
        places = [f"--datadir={folder / 'data'}", f"--socket={listens}"]
        alone = ["--no-defaults", "--skip-networking", "--skip-grant-tables"]
        server = subprocess.Popen(
            [database, *alone, *places, *root],
            stdout=log,
            stderr=log,
        )
        web = None
        try:
            _wait(listens.exists)
            install = subprocess.run(
                [php, str(place / "install.php")], env=env, timeout=60, capture_output=True
            )
            assert install.returncode == 0, install.stdout.decode()
            web = subprocess.Popen(
                [php, "-S", behind, "-t", str(place), str(place / "serve.php")],
                env=env,
                stdout=log,
                stderr=log,
            )
            _wait(lambda: _answers(port))
            sites[0].behind = f"http://{behind}"
            yield
        finally:
            sites[0].behind = ""
            for process in (web, server):
                if process:
                    process.terminate()
                    process.wait(20)

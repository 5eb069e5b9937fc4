"""The package that starts fast serves the same functions alone, and its bytes are reproducible."""

import hashlib
import json
import re
import shutil
import ssl
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from infra import packaging, sbom, sdk
from local.cloud import Cloud
from tests.package.conftest import Package
from tests.package.test_package import EVENTS, TRIGGERS, run, served

LARGEST = 8 << 20  # bytes, zipped
UNCHECKED_HASH = 1  # PEP 552: the flags of bytecode that is never compared with its source
SERVICES = {"dynamodb", "logs", "secretsmanager", "sesv2", "sns", "sqs"}

pytestmark = pytest.mark.soak  # the package is made twice


@pytest.fixture(scope="module")
def optimised(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """Optimise the package, and unzip it as Lambda would."""
    folder = tmp_path_factory.mktemp("optimised")
    archive = Path(shutil.copy(package.archive, folder))
    assert packaging.optimise(archive) == archive
    made = Package(archive, folder / "unzipped")
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(made.unzipped)
    return made


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_the_api_is_served_by_the_package_alone(packaged: Cloud, optimised: Package) -> None:
    answers = served(run(optimised.unzipped, packaged.env, "app", *EVENTS.values()))
    assert [each.status for each in answers] == [200, 422, 200, 400, 200]


@pytest.mark.parametrize("function", TRIGGERS)
def test_a_trigger_is_served_by_the_package_alone(
    packaged: Cloud, optimised: Package, function: str
) -> None:
    empty: list[Any] = [{"Records": []}] if function in ("deliver_messages", "count_views") else []
    assert "pydantic" not in run(optimised.unzipped, packaged.env, function, *empty).modules


def test_the_same_package_makes_the_same_bytes(
    package: Package, optimised: Package, tmp_path: Path
) -> None:
    again = Path(shutil.copy(package.archive, tmp_path))
    packaging.optimise(again)
    once = digest(again)
    assert once == digest(optimised.archive)
    packaging.optimise(again)
    assert digest(again) == once


def test_the_list_of_what_is_in_it_has_every_library(optimised: Package) -> None:
    """Check that each folder and module in the package is a listed library's, or ours."""
    listed = {each["name"] for each in json.loads(sbom.text(optimised.archive))["components"]}
    named = {top: set(found) for top, found in packages_distributions().items()}
    for top in {name.partition("/")[0].removesuffix(".pyc") for name in optimised.files}:
        if top in ("app.py", "chalicelib", "templates", "__pycache__") or "-" in top:
            continue  # what is ours, and what tells of libraries
        names = {re.sub(r"[-_.]+", "-", each).lower() for each in named[top]}
        assert names & listed, top
    assert "dnspython" not in listed  # taken out whole


def test_everything_is_bytecode_that_is_never_compared(optimised: Package) -> None:
    sources = {name for name in optimised.files if name.endswith(".py")}
    assert "chalicelib/aws.py" in sources
    assert {name for name in sources if not name.startswith(("app.py", "chalicelib/"))} == set()
    made = {name for name in optimised.files if name.endswith(".pyc")}
    assert "botocore/session.pyc" in made
    for name in sources:
        source = Path(name)
        assert (
            f"{source.parent / '__pycache__' / source.stem}.{sys.implementation.cache_tag}.pyc"
            in made
        )
    for name in made:
        assert (
            int.from_bytes((optimised.unzipped / name).read_bytes()[4:8], "little")
            == UNCHECKED_HASH
        ), name


def test_the_templates_are_compiled(optimised: Package, root: Path) -> None:
    written = [
        each for each in (root / "chalicelib" / "web" / "templates").rglob("*") if each.is_file()
    ]
    assert len(written) > 50
    made = [
        name for name in optimised.files if re.fullmatch(r"templates/tmpl_[0-9a-f]+\.pyc", name)
    ]
    assert len(made) == len(written)


def test_a_package_whose_template_is_broken_is_left_alone(package: Package, tmp_path: Path) -> None:
    archive = Path(shutil.copy(package.archive, tmp_path))
    with zipfile.ZipFile(archive, "a") as packed:
        packed.writestr("chalicelib/web/templates/page/broken.html", "{% if %}")
    before = digest(archive)
    with pytest.raises(packaging.Unfit, match="templates"):
        packaging.optimise(archive)
    assert digest(archive) == before


def test_a_start_compiles_no_regular_expression(packaged: Cloud, optimised: Package) -> None:
    count = (
        "import re, sys; made, own = [], re._compiler.compile; "
        "re._compiler.compile = lambda *of: made.append(of) or own(*of); "
        "sys.path.insert(0, sys.argv[1]); import app; print(len(made))"
    )
    command = [sys.executable, "-I", "-S", "-c", count, str(optimised.unzipped)]
    environment = {**packaged.env, "_HANDLER": "app.app"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("0", "")


def said(packaged: Cloud, optimised: Package, code: str) -> str:
    """Return what a line of Python prints that can import the package and the standard library."""
    start = "import sys; sys.path.insert(0, sys.argv[1]); from chalicelib import aws; "
    command = [sys.executable, "-I", "-S", "-c", start + code, str(optimised.unzipped)]
    done = subprocess.run(command, env=dict(packaged.env), capture_output=True, text=True)
    return done.stdout.strip() or done.stderr


def under(folder: str, optimised: Package) -> set[str]:
    return {name.removeprefix(folder) for name in optimised.files if name.startswith(folder)}


def test_clients_are_made_without_the_writer_of_documentation(
    packaged: Cloud, optimised: Package
) -> None:
    assert under("botocore/docs/", optimised) == {"__init__.pyc", "docstring.pyc", "utils.pyc"}
    assert said(packaged, optimised, "print(repr(aws.client('dynamodb').put_item.__doc__))") == "''"


def test_boto3_makes_the_clients_and_has_no_more_than_that_needs(
    packaged: Cloud, optimised: Package, root: Path
) -> None:
    modules = {"__init__", "compat", "exceptions", "session", "utils"}
    modules |= {"resources/__init__", "resources/factory"}
    assert under("boto3/", optimised) == {f"{name}.pyc" for name in modules}
    assert under("s3transfer/", optimised) == {"__init__.pyc", "manager.pyc"}
    told = said(
        packaged,
        optimised,
        "import boto3; print(boto3.__version__, boto3.__file__, type(aws._session()).__module__)",
    )
    version, file, maker = told.split()
    assert f"\nboto3=={version} " in (root / "requirements.txt").read_text()
    assert Path(file) == optimised.unzipped / "boto3" / "__init__.pyc"
    assert maker == "boto3.session"


def test_boto3_says_that_it_has_no_resources(packaged: Cloud, optimised: Package) -> None:
    told = said(packaged, optimised, "aws._session().resource('dynamodb')")
    assert "ResourceNotExistsError: The 'dynamodb' resource does not exist." in told


def test_what_is_in_it(
    package: Package, optimised: Package, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = {name for name in package.files if name.startswith(("app.py", "chalicelib/"))}
    kept = {name for name in optimised.files if not name.endswith(".pyc")}
    compiled = {"chalicelib/company/company.toml", "chalicelib/texts/de.po"}
    assert ours - kept == compiled
    made = {"chalicelib/company/compiled.py", "chalicelib/texts/compiled/de.py"}
    assert made <= kept
    assert "polib.pyc" not in optimised.files  # it reads catalogues, and there are none
    assert {
        name.split("/")[2]
        for name in kept
        if name.startswith("botocore/data/") and name.count("/") > 2
    } == SERVICES
    unneeded = {file for pattern in packaging.UNNEEDED for file in optimised.unzipped.glob(pattern)}
    assert {each.name for each in unneeded} == {"__pycache__"}
    zipped = optimised.archive.stat().st_size
    with capsys.disabled():
        print(f"\noptimised: {len(optimised.files)} files, {zipped / 1e6:.1f} MB")
    assert zipped < LARGEST


def test_every_service_of_the_policies_has_its_data(optimised: Package, root: Path) -> None:
    named = {"ses": "sesv2"}
    policies = [json.loads(each.read_text()) for each in (root / ".chalice").glob("policy-*.json")]
    actions = {
        action for policy in policies for each in policy["Statement"] for action in each["Action"]
    }
    services = {action.partition(":")[0] for action in actions}
    assert {named.get(each, each) for each in services} == SERVICES == sdk.used(root)


def test_who_is_in_it_and_in_which_version_stays_readable(
    package: Package, optimised: Package
) -> None:
    def named(files: list[str]) -> set[str]:
        return {
            name.partition("/")[0]
            for name in files
            if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)
        }

    assert named(package.files) == named(optimised.files)
    licences = {name for name in package.files if re.search(r"\.dist-info/.*LICENSE", name)}
    assert any(name.startswith("boto3-") for name in licences)
    assert licences <= set(optimised.files)


def test_the_certificates_are_amazons_and_live(optimised: Package) -> None:
    context = ssl.create_default_context(cafile=str(optimised.unzipped / "botocore" / "cacert.pem"))
    subjects = [str(each["subject"]) for each in context.get_ca_certs()]
    assert len(subjects) == len(sdk.ROOTS)
    assert all(any(f"'{name}'" in subject for subject in subjects) for name in sdk.ROOTS)


def spoil_syntax(folder: Path) -> None:
    (folder / "chalicelib" / "aws.py").write_text("def")


def spoil_import(folder: Path) -> None:
    shutil.rmtree(folder / "itsdangerous")


def spoil_version(folder: Path) -> None:
    (folder / "pydantic_core" / "other.cpython-38-x86_64-linux-gnu.so").touch()


def spoil_service(folder: Path) -> None:
    (folder / "chalicelib" / "more.py").write_text('aws.client("no-such-service")')


def spoil_sdk(folder: Path) -> None:
    shutil.rmtree(folder / "boto3")


def spoil_all(folder: Path) -> None:
    (folder / "app.py").unlink()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (spoil_version, "another version of Python"),
        (spoil_sdk, "no boto3 in the package"),
        (spoil_syntax, "cannot be compiled"),
        (spoil_import, "app.app does not start"),
        (spoil_service, "no service no-such-service"),
        (spoil_all, "no deployment package"),
    ],
)
def test_what_cannot_run_is_refused_and_left_as_it_was(
    package: Package, tmp_path: Path, spoil: Callable[[Path], None], why: str
) -> None:
    folder = tmp_path / "spoilt"
    shutil.copytree(package.unzipped, folder)
    spoil(folder)
    archive = Path(shutil.make_archive(str(tmp_path / "deployment"), "zip", folder))
    before = digest(archive)
    with pytest.raises(packaging.Unfit, match=why):
        packaging.optimise(archive)
    assert digest(archive) == before
    assert [each for each in tmp_path.iterdir() if each.suffix == ".new"] == []

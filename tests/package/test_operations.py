"""The optimised package knows every operation that the code names or a policy allows."""

import json
import shutil
from importlib import metadata
from pathlib import Path

import pytest

from infra import sdk
from tests.scale import some

# The SDK's operations that IAM knows by another name.
ALSO = {"dynamodb": {"TransactWriteItems"}}
# The platform uses these statements by a function's role.
OF_THE_PLATFORM = (
    "ContactsStream",
    "MarkersStream",
    "Log",
    "SenderQueue",
)
NAMED = {"ses": "sesv2"}


def _install(folder: Path) -> Path:
    """Copy the SDK into a folder as it is installed."""
    for name in ("boto3", "botocore", "s3transfer"):
        installed = metadata.distribution(name).locate_file(name)
        shutil.copytree(str(installed), folder / name)
    return folder


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """Return a folder with the SDK as it is installed."""
    return _install(tmp_path)


@pytest.fixture(scope="module")
def copied(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the code and the SDK cut for it."""
    folder = _install(tmp_path_factory.mktemp("copied"))
    (folder / "chalicelib").symlink_to(root / "chalicelib")
    sdk.cut(folder, sdk.used(folder))
    return folder


def operations(folder: Path, service: str) -> set[str]:
    (model,) = (folder / "botocore" / "data" / service).glob("*/service-2.json")
    return set(json.loads(model.read_text())["operations"])


def test_what_a_policy_allows_is_known(copied: Path, root: Path) -> None:
    for policy in (root / ".chalice").glob("policy-*-*.json"):
        for statement in json.loads(policy.read_text())["Statement"]:
            for action in statement["Action"]:
                service, _, operation = action.partition(":")
                if statement["Sid"] not in OF_THE_PLATFORM:
                    service = NAMED.get(service, service)
                    assert {operation, *ALSO.get(service, ())} <= operations(copied, service), (
                        action
                    )


def test_what_nobody_names_is_not(copied: Path) -> None:
    assert "CreateTable" not in operations(copied, "dynamodb")
    assert operations(copied, "secretsmanager") == {"GetSecretValue"}


def test_every_shape_an_operation_speaks_of_is_there(copied: Path) -> None:
    for model in (copied / "botocore" / "data").glob("*/*/service-2.json"):
        data = json.loads(model.read_text())
        assert set(sdk._shapes([data["operations"], data["shapes"]])) == set(data["shapes"])


def test_an_unknown_service_is_an_error(whole: Path) -> None:
    with pytest.raises(LookupError, match="no service nothing"):
        sdk.cut(whole, {"nothing"})


@pytest.mark.parametrize("name", some(["boto3", "botocore", "s3transfer"], ["botocore"]))
def test_a_package_without_its_sdk_is_an_error(whole: Path, name: str) -> None:
    shutil.rmtree(whole / name)
    with pytest.raises(LookupError, match=f"no {name} in the package"):
        sdk.cut(whole, {"dynamodb"})

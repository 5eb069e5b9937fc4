"""The optimised package knows every operation that the code names or a policy allows."""

import json
from pathlib import Path

import pytest

from infra import sdk

# The SDK's operations that IAM knows by another name.
ALSO = {"dynamodb": {"TransactWriteItems"}}
# The platform uses these statements by a function's role.
OF_THE_PLATFORM = (
    "ContactsStream",
    "MarkersStream",
    "Log",
)
NAMED = {"ses": "sesv2"}


@pytest.fixture
def copied(root: Path, tmp_path: Path) -> Path:
    """Make a folder with the code and the reduced SDK for it."""
    (tmp_path / "chalicelib").symlink_to(root / "chalicelib")
    sdk.add(tmp_path, sdk.used(tmp_path))
    return tmp_path


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


def test_an_unknown_service_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="no service nothing"):
        sdk.add(tmp_path, {"nothing"})

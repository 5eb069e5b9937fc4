"""The deployment into the emulator: `chalice package`, then its template by CloudFormation."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import gateway, stack
from local.emulator import Emulator, inherited

STAGE = "local"  # of .chalice/config.json
_PAUSE = 0.1  # seconds between two queries of a stack's status
_MARK = "customer-contact:deployed-from"
# main() returns the exit code instead of exiting with it.
CHALICE = (sys.executable, "-c", "import sys; from chalice.cli import main; sys.exit(main())")


class PackagingFailed(RuntimeError):
    """`chalice package` failed; the text is its output."""


@dataclass(frozen=True)
class Deployed:
    """A deployment of the application in the emulator."""

    api_id: str
    functions: Mapping[str, str]  # handler name, such as `deliver_messages` → function name


def resources(emulator: Emulator, root: Path, stage: str, base_url: str = "") -> dict[str, str]:
    """Apply the resource stack of a stage and return its outputs as environment variables.

    With the API's `base_url` it has a user pool for the staff. Raises StackFailed.
    """
    template = {"TemplateBody": (root / "infra" / "template.json").read_text()}
    # The emulator's data may always be deleted.
    parameters = {"Stage": stage, "Protect": "false", "BaseUrl": base_url}
    name = f"customer-contact-{stage}-resources"
    return stack.apply(emulator.client("cloudformation"), name, template, parameters, pause=_PAUSE)


def environment(root: Path) -> dict[str, str]:
    """Return the settings that `.chalice/config.json` has for the local stage."""
    config = json.loads((root / ".chalice" / "config.json").read_text())
    return dict(config["stages"][STAGE]["environment_variables"])


def mark(root: Path, surface: tuple[str, ...], settings: Mapping[str, str]) -> str:
    """Return the SHA-256 of everything a deployment depends on.

    Of the code that is `surface` alone, its routes and triggers.
    """
    parts = [*surface, json.dumps(dict(settings), sort_keys=True)]
    for path in sorted(
        [*root.glob(".chalice/*.json"), *root.glob("infra/*"), *root.glob("local/*.py")]
    ):
        if path.is_file():
            parts.append(path.read_text())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def standing(emulator: Emulator) -> Deployed | None:
    """Return the deployment that stands in the emulator, from this start or an earlier one."""
    outputs = stack.outputs(emulator.client("cloudformation"), _app_stack())
    if outputs is None:
        return None
    functions = emulator.client("lambda").list_functions()["Functions"]
    return Deployed(
        outputs["REST_API_ID"],
        {each["Handler"].removeprefix("app."): each["FunctionName"] for each in functions},
    )


def current(emulator: Emulator, deployed: Deployed, wanted: str) -> bool:
    """Return whether a standing deployment carries the mark `wanted`."""
    client = emulator.client("apigateway")
    try:
        tags = client.get_tags(resourceArn=_arn(client, deployed.api_id))["tags"]
    except client.exceptions.NotFoundException:
        return False
    return bool(tags.get(_MARK) == wanted)


def deploy(
    emulator: Emulator,
    root: Path,
    folder: Path,
    settings: Mapping[str, str],
    proxy: str | None,
    made_from: str,
) -> Deployed:
    """Package the application, apply its stack, and mark the API with `made_from`.

    With `proxy` the process at that address runs the functions, and the package has no
    requirements. Without it the emulator runs the real package. Raises PackagingFailed,
    StackFailed.
    """
    package = _package(emulator, root, folder, settings, real=proxy is None)
    template = json.loads((package / "sam.json").read_text())
    code = (package / "deployment.zip").read_bytes()
    s3 = emulator.client("s3")
    bucket = f"customer-contact-{STAGE}-deployments"
    try:
        s3.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name}
        )
    except s3.exceptions.BucketAlreadyOwnedByYou:
        pass  # deployed before
    key = f"{hashlib.sha256(code).hexdigest()}.zip"
    s3.put_object(Bucket=bucket, Key=key, Body=code)
    _adapt(template, {"Bucket": bucket, "Key": key}, proxy)
    s3.put_object(Bucket=bucket, Key="template.json", Body=json.dumps(template))
    url = {"TemplateURL": f"{emulator.url}/{bucket}/template.json"}  # too large for a request
    stack.apply(emulator.client("cloudformation"), _app_stack(), url, {}, pause=_PAUSE)
    deployed = standing(emulator)
    if deployed is None:
        raise stack.StackFailed(f"stack {_app_stack()} has no outputs")
    api = emulator.client("apigateway")
    gateway.shape(api, deployed.api_id, "api")
    # The mark comes last, so that the start after an interrupted one deploys again.
    api.tag_resource(resourceArn=_arn(api, deployed.api_id), tags={_MARK: made_from})
    return deployed


def _arn(client: Any, api_id: str) -> str:
    return f"arn:aws:apigateway:{client.meta.region_name}::/restapis/{api_id}"


def _app_stack() -> str:
    return f"customer-contact-{STAGE}-app"


def _function_name(handler: str) -> str:
    return (
        f"customer-contact-{STAGE}" if handler == "app" else f"customer-contact-{STAGE}-{handler}"
    )


def _adapt(template: dict[str, Any], code: Mapping[str, str], proxy: str | None) -> None:
    """Complete chalice's template: the functions' names, where the code lies, and who runs it."""
    for resource in template["Resources"].values():
        properties = resource["Properties"]
        if resource["Type"] == "AWS::Serverless::Function":
            name = properties["Handler"].removeprefix("app.")
            properties["FunctionName"] = _function_name(name)  # as `chalice deploy` names them
            properties["CodeUri"] = code
            if proxy:
                properties["Environment"]["Variables"]["MINISTACK_LAMBDA_PROXY_URL"] = (
                    f"{proxy}/{name}"
                )
        if resource["Type"] == "AWS::IAM::Role":
            for statement in (
                each
                for policy in properties["Policies"]
                for each in policy["PolicyDocument"]["Statement"]
            ):
                # The emulator checks the rights for SES v2 against no identity, only against `*`.
                if statement["Action"] == ["ses:SendEmail"]:
                    statement["Resource"] = "*"


def _package(
    emulator: Emulator, root: Path, folder: Path, settings: Mapping[str, str], *, real: bool
) -> Path:
    project, package = folder / "project", folder / "package"
    for each in (project, package):
        shutil.rmtree(each, ignore_errors=True)
    (project / ".chalice").mkdir(parents=True)
    shutil.copy(root / "app.py", project)
    shutil.copytree(
        root / "chalicelib", project / "chalicelib", ignore=shutil.ignore_patterns("__pycache__")
    )
    for policy in (root / ".chalice").glob("policy*.json"):
        shutil.copy(policy, project / ".chalice")
    config = json.loads((root / ".chalice" / "config.json").read_text())
    config["stages"][STAGE]["environment_variables"] = dict(settings)
    (project / ".chalice" / "config.json").write_text(json.dumps(config))
    # The process that runs the functions has the requirements installed already. Without them
    # packaging takes half a minute less.
    (project / "requirements.txt").write_text(
        (root / "requirements.txt").read_text() if real else ""
    )
    done = subprocess.run(
        [*CHALICE, "package", "--stage", STAGE, str(package)],
        cwd=project,
        env={**inherited(), **settings, **emulator.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PackagingFailed(f"chalice package failed:\n{done.stdout}{done.stderr}")
    return package

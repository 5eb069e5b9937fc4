"""Reading and changing `.chalice/config.json`: a stage's settings and its stacks' outputs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

APP = "customer-contact"


class NoStage(RuntimeError):
    """The stage is not in the configuration, or nobody can read that; the text says so."""


def prefix(stage: str) -> str:
    """Return the prefix of the names of a stage's resources."""
    return f"{APP}-{stage}"


def function_name(stage: str, function: str) -> str:
    """Return the name that Chalice gives a function."""
    return prefix(stage) if function == "api_handler" else f"{prefix(stage)}-{function}"


def stages(root: Path) -> list[str]:
    """Return the names of the stages."""
    return list(_read(root)["stages"])


def environment(root: Path, stage: str) -> dict[str, str]:
    """Return the environment variables of a stage's functions. Raises NoStage."""
    return _part(root, stage, "environment_variables")


def operations(root: Path, stage: str) -> dict[str, Any]:
    """Return the settings of a stage's stacks that no function needs. Raises NoStage."""
    return _part(root, stage, "operations")


def functions(root: Path, stage: str) -> dict[str, dict[str, Any]]:
    """Return what is configured for single functions of a stage. Raises NoStage."""
    return _part(root, stage, "lambda_functions")


def custom_domain(root: Path, stage: str) -> dict[str, Any]:
    """Return a stage's own domain and its certificate, empty without one. Raises NoStage."""
    return _part(root, stage, "api_gateway_custom_domain")


def change(root: Path, stage: str, name: str, values: Mapping[str, Any]) -> bool:
    """Set the object `name` of a stage's configuration to these values. Raises NoStage.

    Returns whether that changed anything.
    """
    whole = _read(root)
    configured = _stage(whole, stage)
    if configured.get(name) == values:
        return False
    configured[name] = dict(values)
    _path(root).write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n")
    return True


def _part(root: Path, stage: str, name: str) -> dict[str, Any]:
    found = _stage(_read(root), stage).get(name, {})
    if not isinstance(found, dict):
        raise NoStage(f"{name} in .chalice/config.json, stage {stage}, must be an object: {{…}}")
    return found


def _stage(whole: Mapping[str, Any], stage: str) -> dict[str, Any]:
    known = whole["stages"]
    if stage not in known:
        raise NoStage(f"there is no stage {stage} in .chalice/config.json, only {', '.join(known)}")
    found: dict[str, Any] = known[stage]
    return found


def _read(root: Path) -> dict[str, Any]:
    try:
        whole: dict[str, Any] = json.loads(_path(root).read_text())
    except ValueError as error:
        raise NoStage(f".chalice/config.json is no JSON: {error}") from error
    stages = whole.get("stages") if isinstance(whole, dict) else None
    if not isinstance(stages, dict) or not all(isinstance(each, dict) for each in stages.values()):
        raise NoStage(".chalice/config.json must have an object stages, of an object for each")
    return whole


def _path(root: Path) -> Path:
    return root / ".chalice" / "config.json"

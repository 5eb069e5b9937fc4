"""`.chalice/config.json`: what a stage is set to, and what its stacks add to that."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

APP = "customer-contact"


class NoStage(RuntimeError):
    """The stage is not in the configuration; the text names those that are."""


def prefix(stage: str) -> str:
    """What the names of everything of a stage begin with."""
    return f"{APP}-{stage}"


def function_name(stage: str, function: str) -> str:
    """A function's name as Chalice gives it."""
    return prefix(stage) if function == "api_handler" else f"{prefix(stage)}-{function}"


def stages(root: Path) -> list[str]:
    """The names of the stages."""
    return list(_read(root)["stages"])


def environment(root: Path, stage: str) -> dict[str, str]:
    """The environment variables of a stage's functions. Raises NoStage."""
    return dict(_stage(_read(root), stage)["environment_variables"])


def operations(root: Path, stage: str) -> dict[str, Any]:
    """What a stage's stacks are told, which no function needs to know. Raises NoStage."""
    return dict(_stage(_read(root), stage).get("operations", {}))


def change(root: Path, stage: str, name: str, values: Mapping[str, Any]) -> bool:
    """Bring one object of a stage's configuration to these values; whether that changed anything. Raises NoStage."""
    whole = _read(root)
    configured = _stage(whole, stage)
    if configured.get(name) == values:
        return False
    configured[name] = dict(values)
    _path(root).write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n")
    return True


def _stage(whole: Mapping[str, Any], stage: str) -> dict[str, Any]:
    if stage not in whole["stages"]:
        raise NoStage(
            f"there is no stage {stage} in .chalice/config.json, only {', '.join(whole['stages'])}"
        )
    found: dict[str, Any] = whole["stages"][stage]
    return found


def _read(root: Path) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(_path(root).read_text())
    return whole


def _path(root: Path) -> Path:
    return root / ".chalice" / "config.json"

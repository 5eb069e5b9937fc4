"""`python -m infra.sbom ARCHIVE FILE`: the list of what a package is made of, as CycloneDX 1.6.

It names each library whose files are in the package: version, licence, package URL, and the hashes
that the lock gives its distributions. The package itself is named by its own hash. The same package
gives the same bytes, so there is no time in it.
"""

import hashlib
import json
import re
import sys
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from email.parser import HeaderParser
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from cyclonedx.spdx import fixup_id, is_expression

from infra import config, locks

ROOT = Path(__file__).parent.parent
# The locks of what ships, and of Chalice, which copies its own runtime into the package.
_LOCKS = (ROOT / "requirements.txt", ROOT / "requirements-dev.txt")
_CHALICE = "chalice"
_VENDORED = re.compile(r" ([0-9][0-9.]*), from the npm package `([^`]+)`")
_SERIALS = uuid.UUID("6f0ee2a6-41c5-4c2e-9f0e-3f8f4c0e7a53")  # any, and always the same


def beside(archive: Path) -> Path:
    """Write the list of an archive beside it, and return its path."""
    made = archive.with_suffix(".sbom.json")
    made.write_text(text(archive))
    return made


def text(archive: Path) -> str:
    """Return the list of what an archive is made of."""
    content = archive.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    with zipfile.ZipFile(archive) as packed:
        components = sorted(
            [*_libraries(packed), *_vendored(packed)], key=lambda each: str(each["bom-ref"])
        )
    whole = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_SERIALS, digest)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": config.APP,
                "name": config.APP,
                "hashes": [{"alg": "SHA-256", "content": digest}],
            }
        },
        "components": components,
        "dependencies": [
            {"ref": config.APP, "dependsOn": [each["bom-ref"] for each in components]}
        ],
    }
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _libraries(packed: zipfile.ZipFile) -> Iterator[dict[str, Any]]:
    names = packed.namelist()
    tops = {name.partition("/")[0].removesuffix(".pyc").removesuffix(".py") for name in names}
    locked = _locked()
    for name in names:
        if re.fullmatch(r"[^/]+\.dist-info/METADATA", name):
            headers = HeaderParser().parsestr(packed.read(name).decode())
            # A library may have been taken out whole, when nothing imports it.
            if _tops(headers["Name"]) & tops:
                yield _python(headers, locked)
    if _CHALICE in tops:
        yield _python(distribution(_CHALICE).metadata, locked)


def _tops(name: str) -> set[str]:
    """Return the top-level modules of a library, as they are installed here by the same lock."""
    try:
        files = distribution(name).files or []
    except PackageNotFoundError:
        return {name}
    tops = {each.parts[0].removesuffix(".py") for each in files}
    return {each for each in tops if not each.endswith(".dist-info")} - {"__pycache__", ".."}


def _python(headers: Any, locked: Mapping[str, list[str]]) -> dict[str, Any]:
    name = re.sub(r"[-_.]+", "-", headers["Name"]).lower()
    version = headers["Version"]
    hashes = [{"alg": "SHA-256", "content": each} for each in locked.get(f"{name}=={version}", ())]
    page = {"type": "distribution", "url": f"https://pypi.org/project/{name}/{version}/"}
    return {
        "type": "library",
        "bom-ref": f"pkg:pypi/{name}@{version}",
        "name": name,
        "version": version,
        "licenses": _licences(headers),
        "purl": f"pkg:pypi/{name}@{version}",
        "externalReferences": [page | ({"hashes": hashes} if hashes else {})],
    }


def _licences(headers: Any) -> list[dict[str, Any]]:
    """Return a library's licences as SPDX where they are told so, else by their names."""
    for told in (headers.get("License-Expression"), headers.get("License")):
        if told and (known := fixup_id(told)):
            return [{"license": {"id": known}}]
        if told and is_expression(told):
            return [{"expression": told}]
    named = [
        each.rpartition(" :: ")[2]
        for each in headers.get_all("Classifier", [])
        if each.startswith("License :: ")
    ]
    words = (
        headers.get("License") or ""
    ).strip() or "unknown"  # some libraries put the whole text here
    return [{"license": {"name": each}} for each in dict.fromkeys(named or [words.splitlines()[0]])]


def _vendored(packed: zipfile.ZipFile) -> Iterator[dict[str, Any]]:
    """Yield the libraries for browsers, which their folders' README.md names."""
    for name in packed.namelist():
        if not re.fullmatch(r"chalicelib/web/vendor/[^/]+/README\.md", name):
            continue
        found = _VENDORED.search(packed.read(name).decode())
        if not found:
            raise LookupError(f"{name} does not say version and npm package")
        folder = name.rpartition("/")[0]
        licence = packed.read(f"{folder}/LICENSE").decode()
        version, package = found.groups()
        yield {
            "type": "library",
            "bom-ref": f"pkg:npm/{package}@{version}",
            "name": package,
            "version": version,
            "licenses": [{"license": _known(licence)}],
            "purl": f"pkg:npm/{package}@{version}",
            "components": [
                {
                    "type": "file",
                    "name": each,
                    "hashes": [
                        {
                            "alg": "SHA-256",
                            "content": hashlib.sha256(packed.read(each)).hexdigest(),
                        }
                    ],
                }
                for each in sorted(packed.namelist())
                if each.startswith(f"{folder}/") and each.endswith((".js", ".css"))
            ],
        }


def _known(licence: str) -> dict[str, str]:
    """Return a licence by its text: MIT, or its first line."""
    mit = "Permission is hereby granted, free of charge" in licence and "MIT" in licence
    return {"id": "MIT"} if mit else {"name": licence.splitlines()[0]}


def _locked() -> dict[str, list[str]]:
    """Return the hashes of the locks by `name==version`."""
    return {
        name: re.findall(r"--hash=sha256:([0-9a-f]{64})", entry)
        for lock in _LOCKS
        for name, entry in locks.entries(lock.read_text()).items()
    }


if __name__ == "__main__":
    archive, target = map(Path, sys.argv[1:])
    target.write_text(text(archive))

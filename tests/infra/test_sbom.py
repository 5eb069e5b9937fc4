"""A package's list of what it is made of is exact, valid and always the same."""

import hashlib
import json
import zipfile
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from infra import sbom

README = "The solver of a widget 3.2.2, from the npm package `altcha`, unchanged."
MIT = "MIT License\n\nPermission is hereby granted, free of charge, to any person"
FORMS = {
    "License-Expression: BSD-2-Clause AND MIT": [{"expression": "BSD-2-Clause AND MIT"}],
    "License-Expression: MIT": [{"license": {"id": "MIT"}}],
    "License: Apache-2.0": [{"license": {"id": "Apache-2.0"}}],
    "License: Dual License\nClassifier: License :: OSI Approved :: BSD License\n"
    "Classifier: License :: OSI Approved :: Apache Software License": [
        {"license": {"name": "BSD License"}},
        {"license": {"name": "Apache Software License"}},
    ],
    "License-Expression: mit": [{"license": {"id": "MIT"}}],
    "License: Ours\n        in many\n        lines": [{"license": {"name": "Ours"}}],
    "License: \nClassifier: License :: Free\nClassifier: License :: Other :: Free": [
        {"license": {"name": "Free"}}
    ],
    "License: our own": [{"license": {"name": "our own"}}],
    "Summary: says nothing": [{"license": {"name": "unknown"}}],
}


def archive(folder: Path, **more: str) -> Path:
    """Write a package: idna, what is left of polib, Chalice's runtime, a library for browsers."""
    files = {
        f"{name}-{distribution(name).version}.dist-info/METADATA": str(
            distribution(name).read_text("METADATA")
        )
        for name in ("idna", "polib")
    }
    files |= {
        "idna/__init__.pyc": "",
        "__pycache__/app.cpython-311.pyc": "",
        "chalice/__init__.pyc": "",
        "chalicelib/web/vendor/altcha/README.md": README,
        "chalicelib/web/vendor/altcha/LICENSE": MIT,
        "chalicelib/web/vendor/altcha/pbkdf2.js": "compute()",
        **more,
    }
    path = folder / "deployment.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for name, text in files.items():
            packed.writestr(zipfile.ZipInfo(name), text)
    return path


def components(path: Path) -> dict[str, Any]:
    return {each["name"]: each for each in json.loads(sbom.text(path))["components"]}


def test_it_has_what_is_in_the_package_and_nothing_else(tmp_path: Path) -> None:
    found = components(archive(tmp_path))
    assert found.keys() == {"altcha", "chalice", "idna"}
    idna = found["idna"]
    assert idna["purl"] == f"pkg:pypi/idna@{distribution('idna').version}"
    assert idna["licenses"] == [{"license": {"id": "BSD-3-Clause"}}]
    (page,) = idna["externalReferences"]
    lock = (sbom.ROOT / "requirements.txt").read_text()
    assert len(page["hashes"]) == 2
    assert all(f"--hash=sha256:{each['content']}" in lock for each in page["hashes"])
    assert found["chalice"]["externalReferences"][0]["hashes"]
    altcha = found["altcha"]
    assert (altcha["purl"], altcha["licenses"]) == (
        "pkg:npm/altcha@3.2.2",
        [{"license": {"id": "MIT"}}],
    )
    (file,) = altcha["components"]
    assert file["hashes"][0]["content"] == hashlib.sha256(b"compute()").hexdigest()


def test_it_is_cyclonedx_of_the_package_and_always_the_same(tmp_path: Path) -> None:
    path = archive(tmp_path)
    text = sbom.beside(path).read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert (tmp_path / "deployment.sbom.json").read_text() == sbom.text(path) == text
    (digest,) = json.loads(text)["metadata"]["component"]["hashes"]
    assert digest["content"] == hashlib.sha256(path.read_bytes()).hexdigest()
    changed = json.loads(sbom.text(archive(tmp_path, **{"app.py": "changed"})))
    assert changed["serialNumber"] != json.loads(text)["serialNumber"]


@pytest.mark.parametrize(("told", "licences"), FORMS.items())
def test_licences_are_told_in_many_forms(
    tmp_path: Path, told: str, licences: list[dict[str, Any]]
) -> None:
    metadata = f"Metadata-Version: 2.1\nName: Some_Thing.else\nVersion: 1\n{told}\n\nText"
    more = {"x-1.dist-info/METADATA": metadata, "Some_Thing.else/x.pyc": ""}
    path = archive(tmp_path, **more)
    found = components(path)["some-thing-else"]
    assert found["licenses"] == licences
    assert "hashes" not in found["externalReferences"][0]  # no lock names it
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(sbom.text(path)) is None


def test_a_library_for_browsers_says_its_version(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match=r"altcha/README\.md does not say version"):
        sbom.text(archive(tmp_path, **{"chalicelib/web/vendor/altcha/README.md": "Copied."}))
    for readme in (sbom.ROOT / "chalicelib" / "web" / "vendor").glob("*/README.md"):
        assert sbom._VENDORED.search(readme.read_text()), readme

"""The AWS SDK in the package: botocore of the lock, with the data of the operations we use.

A client is made from the service's model and rules, which are read as JSON at every cold start; the
rest of botocore's 25 MB of data is only searched. What the code names stays: a service that stands
in `client("…")`, and an operation whose method's name stands anywhere in the code.
"""

import gzip
import json
import re
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from botocore import xform_name

DISTRIBUTIONS = ("botocore", "jmespath", "python-dateutil", "six", "urllib3")
# Every AWS endpoint's certificate goes back to one of these; AWS asks clients to trust them all
# (https://www.amazontrust.com/repository, https://docs.aws.amazon.com/general/latest/gr/aws-tls.html).
# AWS_CA_BUNDLE names another file, should that ever change.
ROOTS = (
    "Amazon Root CA 1",
    "Amazon Root CA 2",
    "Amazon Root CA 3",
    "Amazon Root CA 4",
    "Starfield Services Root Certificate Authority - G2",
)
# Replaces botocore's documentation generator, which it imports for `help(client.put_item)`.
_WORDLESS = '''"""Without the writer of documentation."""


class ClientMethodDocstring(str):
    """No text, whatever it is about."""

    def __new__(cls, *about, **more):
        return super().__new__(cls)

    def __init__(self, *about, **more):
        pass


PaginatorDocstring = WaiterDocstring = ClientMethodDocstring
'''
_CLIENT = re.compile(r"""\bclient\(\s*"([a-z0-9-]+)"\s*\)""")
_WORD = re.compile(r"[a-z_]+")


def used(folder: Path) -> set[str]:
    """Return botocore's names of the services of which the code in `folder` makes clients."""
    return set(_CLIENT.findall(_code(folder)))


def add(folder: Path, services: set[str]) -> None:
    """Copy the SDK into `folder`, in place of one that is there.

    Raises LookupError for an unknown service or root certificate.
    """
    words = set(_WORD.findall(_code(folder)))
    for name in DISTRIBUTIONS:
        for file in metadata.files(name) or ():
            top = file.parts[0]
            if (
                ".." in file.parts
                or "__pycache__" in file.parts
                or (top == "botocore" and file.parts[1] == "data")
            ):
                continue
            if (
                top.endswith(".dist-info")
                and file.name != "METADATA"
                and "licenses" not in file.parts
            ):
                continue
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(file.locate()), target)
    _silence(folder / "botocore" / "docs")
    botocore = Path(str(metadata.distribution("botocore").locate_file("botocore")))
    shutil.rmtree(folder / "botocore" / "data", ignore_errors=True)
    for service in services:
        _copy_service(botocore / "data" / service, folder / "botocore" / "data" / service, words)
    _copy_common(botocore / "data", folder / "botocore" / "data", services)
    bundle = (botocore / "cacert.pem").read_text()
    (folder / "botocore" / "cacert.pem").write_text("".join(_root(bundle, name) for name in ROOTS))


def _silence(docs: Path) -> None:
    """Remove botocore's documentation generator: its import takes 2.5 % of a cold start.

    The module `utils` stays, as it has hooks that every client gets.
    """
    utils = (docs / "utils.py").read_text()
    shutil.rmtree(docs)
    docs.mkdir()
    for name, text in (("__init__", ""), ("docstring", _WORDLESS), ("utils", utils)):
        (docs / f"{name}.py").write_text(text)


def _code(folder: Path) -> str:
    return "\n".join(file.read_text() for file in sorted((folder / "chalicelib").rglob("*.py")))


def _copy_service(source: Path, target: Path, words: set[str]) -> None:
    """Copy the latest version of a service's data, without documentation and examples.

    Raises LookupError for an unknown service.
    """
    if not source.is_dir():
        raise LookupError(f"botocore knows no service {source.name}")
    latest = max(each for each in source.iterdir() if each.is_dir())
    for file in sorted(latest.iterdir()):
        data = _undocumented(_read(file))
        if file.name.startswith("service-2.json"):
            data = _named(data, words)
        if not file.name.startswith("examples"):
            _write(target / latest.name / file.name.removesuffix(".gz"), data)


def _named(model: Any, words: set[str]) -> Any:
    """Return a service's model with the operations that are named, and the shapes these need."""
    operations = {
        name: each for name, each in model["operations"].items() if xform_name(name) in words
    }
    shapes: dict[str, Any] = {}
    wanted = list(_shapes(list(operations.values())))
    while wanted:
        name = wanted.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            wanted += _shapes(shapes[name])
    return {**model, "operations": operations, "shapes": dict(sorted(shapes.items()))}


def _shapes(data: Any) -> Iterator[str]:
    """Yield the names of the shapes that a part of a model refers to."""
    match data:
        case {"shape": str(name)}:
            yield name
        case dict():
            for each in data.values():
                yield from _shapes(each)
        case list():
            for each in data:
                yield from _shapes(each)


def _copy_common(source: Path, target: Path, services: set[str]) -> None:
    for file in sorted(source.glob("*.json*")):
        data = _read(file)
        if file.name.startswith("endpoints."):
            for partition in data["partitions"]:
                partition["services"] = {
                    name: regions
                    for name, regions in partition["services"].items()
                    if name in _endpoints(services)
                }
        _write(target / file.name.removesuffix(".gz"), _undocumented(data))


def _endpoints(services: set[str]) -> set[str]:
    """Return the names that the list of regions has for these services."""
    return {"email" if name == "sesv2" else name for name in services}


def _root(bundle: str, name: str) -> str:
    label, rest = (
        f'# Label: "{re.escape(name)}"\n',
        r"(?:#.*\n)*(-----BEGIN[^#]*END CERTIFICATE-----\n)",
    )
    found = re.search(label + rest, bundle)
    if not found:
        raise LookupError(f"botocore's certificates have no {name}")
    return f"# {name}\n{found[1]}"


def _read(file: Path) -> Any:
    return json.loads(
        gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    )


def _write(file: Path, data: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(data, separators=(",", ":"), ensure_ascii=False))


def _undocumented(data: Any) -> Any:
    """Return data without documentation texts; a member `documentation` that is no text stays."""
    match data:
        case dict():
            return {
                name: _undocumented(value)
                for name, value in data.items()
                if not (name == "documentation" and isinstance(value, str))
            }
        case list():
            return [_undocumented(each) for each in data]
    return data

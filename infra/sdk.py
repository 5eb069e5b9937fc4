"""Cut the AWS SDK in a package to the clients, services and operations that the code uses.

A client is made from the service's model and rules, which are read as JSON at every cold start; the
rest of botocore's 25 MB of data is only searched. What the code names stays: a service that stands
in `client("…")` or `fresh("…")`, and an operation whose method's name stands anywhere in the code.
"""

import gzip
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore import xform_name

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
# Replaces boto3's resources. Without their data `Session.resource` says that there is none.
_CLIENTS_ONLY = '''"""Without resources: a session makes clients."""


class ResourceFactory:
    """Makes nothing."""

    def __init__(self, emitter):
        pass
'''
# Replaces s3transfer, of which boto3 imports one class to look for an attribute.
_NO_TRANSFERS = '''"""Without transfers to and from S3."""


class TransferConfig:
    """Configures nothing."""
'''
_CLIENT = re.compile(r"""\b(?:client|fresh)\(\s*"([a-z0-9-]+)"\s*\)""")
_WORD = re.compile(r"[a-z_]+")


def used(folder: Path) -> set[str]:
    """Return botocore's names of the services of which the code in `folder` makes clients."""
    return set(_CLIENT.findall(_code(folder)))


def cut(folder: Path, services: set[str]) -> None:
    """Cut the SDK in `folder` to these services. Cutting it again changes nothing.

    Raises LookupError if there is none, and for an unknown service or root certificate.
    """
    for name in ("boto3", "botocore", "s3transfer"):
        if not (folder / name).is_dir():
            raise LookupError(f"there is no {name} in the package: requirements.txt must name it")
    botocore = folder / "botocore"
    _replace(botocore / "docs", {"__init__": "", "docstring": _WORDLESS}, kept=("utils",))
    _replace(folder / "boto3" / "resources", {"__init__": "", "factory": _CLIENTS_ONLY})
    _replace(folder / "s3transfer", {"__init__": "", "manager": _NO_TRANSFERS})
    _cut_data(botocore / "data", services, set(_WORD.findall(_code(folder))))
    bundle = (botocore / "cacert.pem").read_text()
    (botocore / "cacert.pem").write_text("".join(_root(bundle, name) for name in ROOTS))


def _replace(package: Path, modules: Mapping[str, str], kept: Iterable[str] = ()) -> None:
    """Replace the modules of a package that a session imports for nothing, except those `kept`.

    Their import takes a twelfth of a cold start. Of botocore's `docs`, `utils` is kept, as it has
    hooks that every client gets.
    """
    for each in package.iterdir():
        if each.stem not in kept:
            _remove(each)
    for name, text in modules.items():
        (package / f"{name}.py").write_text(text)


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _code(folder: Path) -> str:
    return "\n".join(file.read_text() for file in sorted((folder / "chalicelib").rglob("*.py")))


def _cut_data(data: Path, services: set[str], words: set[str]) -> None:
    for unknown in sorted(services - {each.name for each in data.iterdir()}):
        raise LookupError(f"botocore knows no service {unknown}")
    for each in sorted(data.iterdir()):
        if each.name in services:
            _cut_service(each, words)
        elif each.is_dir():
            shutil.rmtree(each)
        else:
            _cut_common(each, services)


def _cut_service(folder: Path, words: set[str]) -> None:
    """Leave the latest version of a service's data, without documentation and examples."""
    latest = max(each for each in folder.iterdir() if each.is_dir())
    for each in folder.iterdir():
        if each != latest:
            _remove(each)
    for file in sorted(latest.iterdir()):
        if file.name.startswith("examples"):
            file.unlink()
            continue
        data = _undocumented(_read(file))
        if file.name.startswith("service-2.json"):
            data = _named(data, words)
        _rewrite(file, data)


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


def _cut_common(file: Path, services: set[str]) -> None:
    data = _read(file)
    if file.name.startswith("endpoints."):
        for partition in data["partitions"]:
            partition["services"] = {
                name: regions
                for name, regions in partition["services"].items()
                if name in _endpoints(services)
            }
    _rewrite(file, _undocumented(data))


def _endpoints(services: set[str]) -> set[str]:
    """Return the names that the list of regions has for these services."""
    return {"email" if name == "sesv2" else name for name in services}


def _root(bundle: str, name: str) -> str:
    label = f'# Label: "{name}"\n'
    rest = r"(?:#.*\n)*(-----BEGIN[^#]*END CERTIFICATE-----\n)"
    found = re.search(re.escape(label) + rest, bundle)
    if not found:
        raise LookupError(f"botocore's certificates have no {name}")
    return f"{label}{found[1]}"


def _read(file: Path) -> Any:
    return json.loads(
        gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    )


def _rewrite(file: Path, data: Any) -> None:
    file.unlink()
    plain = file.with_name(file.name.removesuffix(".gz"))
    plain.write_text(json.dumps(data, separators=(",", ":"), ensure_ascii=False))


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

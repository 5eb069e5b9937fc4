"""The optimisation of Chalice's deployment package, so that functions start fast.

Chalice's package runs as it is, but slower: /var/task is read-only, so that every cold start
compiles every module, and its SDK reads the data of four hundred services. `optimise` rewrites a
package in place: it removes what no function opens, cuts the SDK to the services the code names,
compiles templates, words and the company's file to Python, and makes the bytecode.
docs/performance.md says what that gains.
The same package gives the same bytes. `infra.chalice` optimises every package it makes.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from infra import sdk

TASK = "/var/task"  # where Lambda unzips a package: tracebacks name files there
# What the functions never open. Licences stay, and METADATA, which scanners of packages read.
UNNEEDED = (
    "phonenumbers/geodata",  # places, operators and time zones of numbers: nobody asks for them
    "phonenumbers/carrierdata",
    "phonenumbers/tzdata",
    "boto3/data",  # of its resources; the functions use clients
    "boto3/docs",
    "boto3/dynamodb",
    "boto3/ec2",
    "boto3/examples",
    "boto3/s3",
    "boto3/crt.py",
    "pydantic/v1",
    "pydantic/mypy.py",
    "dns",  # email-validator's look-ups; addresses are checked by their syntax
    "Crypto/Cipher",  # the functions use PyCryptodome's arithmetic and hash, for RSA signatures
    "Crypto/Hash/[!_S]*",  # all but SHA-256
    "Crypto/Hash/SHA[!2_]*",
    "Crypto/Hash/SHA224.py",
    "Crypto/Hash/_[!_S]*",
    "Crypto/Hash/_SHA[!2]*",
    "Crypto/Hash/_SHA224*",
    "Crypto/IO",
    "Crypto/Protocol",
    "Crypto/PublicKey/[!R_]*",
    "Crypto/PublicKey/_[!_]*",
    "Crypto/SelfTest",
    "Crypto/Signature/[!p_]*",
    "Crypto/Signature/pss*",
    "Crypto/Util/RFC1751.py",
    "Crypto/Util/_strxor*",
    "anyascii/_data/[23]??",  # rare ideographs: in a name they are a hash
    "dateutil/rrule.py",  # botocore parses instants, no calendars
    "dateutil/tz/win.py",
    "dateutil/zoneinfo/*.gz",  # tzdata has them
    "tzdata/zoneinfo/*.tab",  # a list of countries, and the zones' source
    "tzdata/zoneinfo/tzdata.zi",
    "tzdata/zoneinfo/leapseconds",
    "**/*.pyi",
    "**/py.typed",
    "**/__pycache__",  # of the machine that packages; `_compile` makes the right bytecode
    "*.dist-info/RECORD",
    "*.dist-info/WHEEL",
    "*.dist-info/sboms",
)
# Runs a text with nothing but the standard library and what the text finds.
_ALONE = (sys.executable, "-I", "-S", "-B", "-c")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_PRECOMPILE = """
import sys
sys.path.insert(0, sys.argv[1])
from chalicelib import company, templates, texts
templates.precompile()
texts.precompile()
company.precompile()
"""
# Makes what a start of the API compiles.
_PATTERNS = """
import os, sys
os.environ.update(_HANDLER="app.app", AWS_DEFAULT_REGION="eu-central-1")
sys.path.insert(0, sys.argv[1])
import app
from chalicelib import aws, patterns
aws.client("dynamodb")
patterns.precompile()
"""
_SMOKE = """
import os, sys
os.environ.update(_HANDLER=sys.argv[2], AWS_DEFAULT_REGION="eu-central-1")
sys.path.insert(0, sys.argv[1])
import app
from chalicelib import aws
if sys.argv[2] == "app.app":
    app.app.import_all()
for service in sys.argv[3:]:
    aws.client(service)
files = [getattr(module, "__file__", None) or "" for module in sys.modules.values()]
foreign = [file for file in files if "site-packages" in file]
sys.exit(f"from elsewhere: {foreign}" if foreign else 0)
"""


class Unfit(RuntimeError):
    """The package cannot be optimised, or does not run afterwards; the text says why.

    The package is left as it was.
    """


def optimise(archive: Path) -> Path:
    """Rewrite a deployment package of Chalice's in place and return its path. Raises Unfit.

    The caller's Python must have the version that the functions run on, since bytecode is made for
    one version. That is so by itself: Chalice names the runtime after the Python that packages.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)
        _check(folder)
        services = sdk.used(folder)
        try:
            sdk.cut(folder, services)
        except LookupError as error:
            raise Unfit(str(error)) from error
        _remove(folder)
        _precompile(folder)
        _precompile_patterns(folder)
        _compile(folder)
        _try(folder, services)
        made = archive.with_suffix(".new")
        _zip(folder, made)
        made.replace(archive)
    return archive


def fingerprint(project: Path) -> str:
    """Return the SHA-256 of what a package is made of: the project's files and how it is made."""
    made_of = [
        project / "app.py",
        project / "requirements.txt",
        *(project / "chalicelib").rglob("*"),
    ]
    found = {str(each.relative_to(project)): each for each in made_of}
    found |= {f"infra/{each.name}": each for each in (Path(__file__), Path(sdk.__file__))}
    # Chalice copies its own runtime into a package.
    digest = hashlib.sha256(f"{sys.version} {version('chalice')}".encode())
    for name, file in sorted(found.items()):
        if file.is_file() and "__pycache__" not in name:
            digest.update(f"{name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def mark(archive: Path, note: Path, made_of: str) -> None:
    """Write to `note` what an archive was made of, and what it is."""
    note.write_text(f"{made_of} {_digest(archive)}")


def is_marked(archive: Path, note: Path, made_of: str) -> bool:
    """Return whether an archive is there as it was made of this."""
    whole = archive.is_file() and note.is_file()
    return whole and note.read_text() == f"{made_of} {_digest(archive)}"


def _digest(archive: Path) -> str:
    return hashlib.sha256(archive.read_bytes()).hexdigest()


def _check(folder: Path) -> None:
    if not (folder / "app.py").is_file():
        raise Unfit("this is no deployment package: there is no app.py in it")
    ours = f"{sys.implementation.name}-{sys.version_info.major}{sys.version_info.minor}"
    for library in folder.rglob("*.cpython-*.so"):
        if f".{ours}-" not in library.name:
            raise Unfit(
                f"{library.name} is for another version of Python than this, {ours}: "
                "bytecode would not fit"
            )


def _remove(folder: Path) -> None:
    for pattern in UNNEEDED:
        for found in sorted(folder.glob(pattern)):
            shutil.rmtree(found) if found.is_dir() else found.unlink()


def _precompile(folder: Path) -> None:
    """Compile templates, words and the company's file to Python modules. Raises Unfit."""
    shutil.rmtree(folder / "templates", ignore_errors=True)
    _run([*_ALONE, _PRECOMPILE, str(folder)], "templates, words or company cannot be compiled")
    for unneeded in (folder / "polib.py", *(folder / "chalicelib" / "company").glob("texts")):
        shutil.rmtree(unneeded) if unneeded.is_dir() else unneeded.unlink(missing_ok=True)


def _precompile_patterns(folder: Path) -> None:
    """Compile the regular expressions of a start to a Python module. Raises Unfit."""
    from chalicelib import patterns  # a kept version of the project may have none

    with _runnable(folder) as runnable:
        _run([*_ALONE, _PATTERNS, str(runnable)], "regular expressions cannot be compiled")
        if runnable != folder:
            shutil.copy(runnable / patterns.COMPILED, folder / patterns.COMPILED)


def _compile(folder: Path) -> None:
    """Make bytecode that Python never compares with its source. Raises Unfit.

    It lies beside our modules, and in place of the libraries'. A library's source is on PyPI, in
    the version the lock names, and a traceback has its line numbers as before.
    """
    ours = [folder / "app.py", folder / "chalicelib"]
    theirs = [each for each in sorted(folder.iterdir()) if each not in ours]
    command = [
        sys.executable,
        "-I",
        "-m",
        "compileall",
        "-q",
        "--invalidation-mode",
        "unchecked-hash",
        "-s",
        str(folder),
        "-p",
        TASK,
    ]
    _run([*command, *map(str, ours)], "cannot be compiled")
    _run([*command, "-b", *map(str, theirs)], "cannot be compiled")
    for source in [
        file for top in theirs for file in (top, *top.rglob("*")) if file.suffix == ".py"
    ]:
        source.unlink()


def _try(folder: Path, services: set[str]) -> None:
    """Import the package as the API's function and as a trigger's. Raises Unfit if that fails.

    Beside the package there is nothing but the standard library.
    """
    with _runnable(folder) as tried:
        for handler in ("app.app", "app.deliver_messages"):
            arguments = [str(tried), handler, *sorted(services)]
            _run([*_ALONE, _SMOKE, *arguments], f"{handler} does not start")


@contextmanager
def _runnable(folder: Path) -> Iterator[Path]:
    """Give the package, or a copy with this machine's libraries where its own are foreign."""
    with tempfile.TemporaryDirectory() as name:
        yield _ours(folder, Path(name) / "package") if _foreign(folder) else folder


def _foreign(folder: Path) -> list[Path]:
    """Return the libraries for another processor than this machine's, by their ELF headers."""
    ours = _machine(Path(sys.executable))
    return [each for each in folder.rglob("*.so") if _machine(each) != ours]


def _machine(library: Path) -> bytes:
    with library.open("rb") as file:
        return file.read(20)[18:]  # the field e_machine of an ELF header


def _ours(folder: Path, copy: Path) -> Path:
    """Copy the package with this machine's libraries in place of foreign ones; return the copy.

    They come from this environment, which follows the same lock.
    """
    shutil.copytree(folder, copy)
    installed = Path(sysconfig.get_path("platlib"))
    for top in {each.relative_to(folder).parts[0] for each in _foreign(folder)}:
        for foreign in (copy / top).rglob("*.so"):
            foreign.unlink()
        for own in (installed / top).rglob("*.so"):
            target = copy / own.relative_to(installed)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(own, target)
    return copy


def _run(command: list[str], failed: str) -> None:
    environment = {"PATH": os.environ.get("PATH", "")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unfit(f"{failed}:\n{done.stdout}{done.stderr}")


def _zip(folder: Path, made: Path) -> None:
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for file in sorted(each for each in folder.rglob("*") if each.is_file()):
            entry = zipfile.ZipInfo(str(file.relative_to(folder)), _EPOCH)
            entry.external_attr, entry.compress_type = 0o100644 << 16, zipfile.ZIP_DEFLATED
            packed.writestr(entry, file.read_bytes())

"""The deployments of a stage that were found good, each kept whole to be deployed once more.

A release is one zip in the stage's bucket, `releases/<name>.zip`. Its name is its time, in UTC, and
its commit. In it are the package, whose `app.py` and `chalicelib` Chalice reads the routes and
triggers from, the stage's settings and policies, Chalice's record, and `manifest.json` with the
SHA-256 of each. `state.json` beside them says which release serves.
"""

import hashlib
import io
import json
import re
import subprocess
import zipfile
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from infra import config, functions, policies
from infra.runtime import LOCK
from infra.target import Change, NotDone, Target

# So many of the latest are kept, and besides whatever is younger.
KEPT = 10
DAYS = 365
_FOLDER = "releases/"
_STATE = "state.json"
_PACKAGE, _MANIFEST, _RECORD = "package.zip", "manifest.json", "record.json"
_NAME = re.compile(r"(\.chalice/)?[\w-]+\.\w+")
_CODE = ("app.py", "chalicelib", "infra", "requirements.txt")
_NAME_TIME = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class State:
    """What a stage serves, by the names of releases; empty where there is none.

    `back_to` is what to go back to while a deployment or rollback has begun and not ended.
    `withdrawn` is what a rollback took back last.
    """

    serving: str = ""
    before: str = ""  # what served before it
    digest: str = ""  # of what serves, see `digest`
    back_to: str = ""
    withdrawn: str = ""


@dataclass(frozen=True)
class Release:
    """A kept deployment, in a folder where it can be deployed from."""

    name: str
    folder: Path
    digest: str

    @property
    def package(self) -> Path:
        """The deployment package, byte for byte as it was deployed."""
        return self.folder / _PACKAGE


def begun(state: State) -> State:
    """Return the state when a deployment begins. What another one left unfinished stays so."""
    return replace(state, back_to=state.back_to or state.serving)


def deployed(state: State, name: str, digest: str) -> State:
    """Return the state when a deployment was found good and is kept."""
    return State(serving=name, before=state.serving, digest=digest)


def taken_back(state: State, name: str, digest: str) -> State:
    """Return the state when a rollback has ended."""
    if name == state.serving:  # the deployment that failed was never found good
        return replace(state, back_to="")
    return State(serving=name, digest=digest, withdrawn=state.serving)


def aim(state: State, names: Iterable[str], wanted: str = "") -> str:
    """Return the release to go back to, empty if that serves already.

    That is the `wanted` one, by its name or the beginning of its name or commit; else what an
    unfinished deployment or rollback goes back to; else what served before. Raises NotDone.
    """
    known = sorted(names)
    if wanted:
        found = [each for each in known if _called(each, wanted)]
        if len(found) == 1:
            return found[0]
        raise NotDone(
            f"{len(found) or 'no'} releases are called {wanted}; there are: "
            + (", ".join(known) or "none")
        )
    if state.withdrawn and not state.back_to:
        return ""
    target = state.back_to or state.before
    if not target:
        raise NotDone("there is nothing to go back to: no earlier deployment was kept")
    if target not in known:
        raise NotDone(f"the release {target} is gone; there are: {', '.join(known) or 'none'}")
    return target


def _called(name: str, wanted: str) -> bool:
    made_of = commit(name)
    of_commit = made_of and (made_of.startswith(wanted) or wanted.startswith(made_of))
    return name.startswith(wanted) or bool(of_commit)


def expired(names: Iterable[str], state: State, now: datetime) -> list[str]:
    """Return the releases that are kept no longer: neither of the latest ones nor young."""
    oldest = f"{now - timedelta(days=DAYS):{_NAME_TIME}}"
    needed = {state.serving, state.before, state.back_to}
    return [
        each for each in sorted(names, reverse=True)[KEPT:] if each < oldest and each not in needed
    ]


def commit(name: str) -> str:
    """Return the commit in a release's name, empty if it was made outside of git."""
    return [*name.split("-"), ""][1]


def digest(files: Mapping[str, str]) -> str:
    """Return the digest of what a release deploys: all files but the record, by their hashes."""
    parts = sorted(f"{name} {value}" for name, value in files.items() if name != _RECORD)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def bucket(target: Target) -> str:
    """Return the name of the stage's bucket, which the resource stack makes."""
    account = target.client("sts").get_caller_identity()["Account"]
    return f"{config.prefix(target.stage)}-releases-{account}"


def names(target: Target) -> list[str]:
    """Return the names of all kept releases, the oldest first; none without a bucket."""
    client = target.client("s3")
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket(target), Prefix=_FOLDER)
    try:
        keys = [each["Key"] for page in pages for each in page.get("Contents", ())]
    except client.exceptions.NoSuchBucket:
        return []
    return sorted(each.removeprefix(_FOLDER).removesuffix(".zip") for each in keys)


def state(target: Target) -> State:
    """Return what a stage serves, as it was written down last."""
    client = target.client("s3")
    try:
        found = client.get_object(Bucket=bucket(target), Key=_STATE)
    except (client.exceptions.NoSuchKey, client.exceptions.NoSuchBucket):
        return State()
    known = json.loads(found["Body"].read())
    return State(**{name: known.get(name, "") for name in asdict(State())})


def write(target: Target, now: State) -> None:
    """Write down what a stage serves."""
    body = json.dumps(asdict(now)).encode()
    target.client("s3").put_object(Bucket=bucket(target), Key=_STATE, Body=body)


def begin(target: Target) -> Iterator[Change]:
    """Yield the note that a deployment begins, from which a rollback knows where to go."""
    yield Change("write down what serves now, to go back to it", lambda: _begin(target))


def _begin(target: Target) -> None:
    now = begun(state(target))
    write(target, now)
    # A checkout may lack Chalice's record, by which what stands is updated and not made again.
    if now.serving and not functions.deployed(target):
        with zipfile.ZipFile(io.BytesIO(_read(target, now.serving))) as whole:
            _lend(target, whole.read(_RECORD))


def _lend(target: Target, record: bytes) -> None:
    """Give the project a record that it lacks."""
    functions.record(target).parent.mkdir(exist_ok=True)
    functions.record(target).write_bytes(record)


def _read(target: Target, name: str) -> bytes:
    """Return a release. Raises NotDone if there is none of that name."""
    client = target.client("s3")
    try:
        found: bytes = client.get_object(Bucket=bucket(target), Key=_key(name))["Body"].read()
    except client.exceptions.NoSuchKey:
        raise NotDone(f"the release {name} is gone: LIST=1 says which there are") from None
    return found


def keep(target: Target) -> Iterator[Change]:
    """Yield the keeping of what is deployed, and the deletion of what is kept no longer."""
    yield Change(
        f"keep this deployment in the bucket {config.prefix(target.stage)}-releases-…: "
        "the last good one",
        lambda: _keep(target, datetime.now(UTC)),
    )


def _keep(target: Target, now: datetime) -> None:
    files = dict(_files(target))
    hashes = {name: hashlib.sha256(each).hexdigest() for name, each in files.items()}
    before = state(target)
    if before.serving and before.digest == digest(hashes):
        write(target, replace(before, back_to=""))  # the same is kept already
        return
    commit, changed = _commit(target.root)
    named = [f"{now:{_NAME_TIME}}", commit[:12], "changed" if changed else ""]
    name = "-".join(filter(None, named))
    manifest = {
        "name": name,
        "stage": target.stage,
        "commit": commit,
        "python": list(LOCK),
        "files": hashes,
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as whole:
        for each, content in {_MANIFEST: json.dumps(manifest, indent=2).encode(), **files}.items():
            whole.writestr(each, content)
    client, where = target.client("s3"), bucket(target)
    client.put_object(Bucket=where, Key=_key(name), Body=packed.getvalue())
    after = deployed(before, name, digest(hashes))
    write(target, after)
    for each in expired(names(target), after, now):
        client.delete_object(Bucket=where, Key=_key(each))


def _files(target: Target) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file of a release but its manifest. Raises NotDone."""
    yield _PACKAGE, _package(target).read_bytes()
    settings = target.root / ".chalice"
    whole = json.loads((settings / "config.json").read_text())
    whole["stages"] = {target.stage: whole["stages"][target.stage]}
    yield ".chalice/config.json", json.dumps(whole, indent=2, ensure_ascii=False).encode()
    for policy, _ in policies.files(target.root, target.stage):
        yield f".chalice/{policy.name}", policy.read_bytes()
    yield _RECORD, (settings / "deployed" / f"{target.stage}.json").read_bytes()


def _package(target: Target) -> Path:
    """Return the package that the functions run, by its hash. Raises NotDone."""
    served = target.client("lambda").get_function_configuration(
        FunctionName=config.prefix(target.stage)
    )["CodeSha256"]
    for made in (target.root / ".chalice" / "deployments").glob("*.zip"):
        if b64encode(hashlib.sha256(made.read_bytes()).digest()).decode() == served:
            return made
    raise NotDone(
        "the functions run none of the packages in .chalice/deployments: somebody else has "
        "deployed meanwhile"
    )


def _commit(root: Path) -> tuple[str, bool]:
    """Return the commit that is checked out, and whether the code differs from it.

    Outside of git both are empty.
    """
    git = ["git", "-C", str(root)]
    try:
        found, changed = (
            subprocess.run([*git, *command], capture_output=True, text=True, check=True).stdout
            for command in (["rev-parse", "HEAD"], ["status", "--porcelain", "--", *_CODE])
        )
    except (OSError, subprocess.CalledProcessError):
        return "", False
    return found.strip(), bool(changed)


def unpack(target: Target, name: str, folder: Path) -> Release:
    """Make a project of a release in an empty folder. Raises NotDone.

    Chalice's record of the stage as it stands, in the project's own folder, is used and renewed;
    where there is none, that of the release. What the resource stack names now goes before what it
    named then.
    """
    try:
        manifest, files = checked(_read(target, name))
    except (ValueError, LookupError, zipfile.BadZipFile) as error:
        raise NotDone(f"the release {name} is damaged, {error}: RELEASE=… names another") from error
    for each, content in files.items():
        (folder / each).parent.mkdir(parents=True, exist_ok=True)
        (folder / each).write_bytes(content)
    if tuple(manifest["python"]) != LOCK:
        version = ".".join(map(str, manifest["python"]))
        raise NotDone(
            f"the release {name} runs on Python {version}: roll back from a checkout of its "
            f"commit {manifest['commit']}, with that Python"
        )
    release = Release(name, folder, digest(manifest["files"]))
    _unzip(release)
    _share_record(target, release)
    return release


def checked(release: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return a release's manifest and files. Raises what a damaged zip or hash comes to."""
    with zipfile.ZipFile(io.BytesIO(release)) as whole:
        manifest: dict[str, Any] = json.loads(whole.read(_MANIFEST))
        files = {each: whole.read(each) for each in manifest["files"]}
    for each, content in files.items():
        if not _NAME.fullmatch(each):
            raise ValueError(f"{each} is no name of a file in it")
        if hashlib.sha256(content).hexdigest() != manifest["files"][each]:
            raise ValueError(f"{each} is another than was kept")
    return manifest, files


def _unzip(release: Release) -> None:
    """Unpack what Chalice reads of a package: our own code."""
    with zipfile.ZipFile(release.package) as package:
        ours = [
            each
            for each in package.namelist()
            if each == "app.py" or each.startswith("chalicelib/")
        ]
        package.extractall(release.folder, ours)


def _share_record(target: Target, release: Release) -> None:
    """Have Chalice read and write its record in the project's own folder."""
    if not functions.deployed(target):
        _lend(target, (release.folder / _RECORD).read_bytes())
    own = functions.record(target).parent.resolve()
    (release.folder / ".chalice" / "deployed").symlink_to(own)


def settings(release: Release, stage: str, outputs: Mapping[str, str]) -> None:
    """Give a release's functions what the resource stack names now, `outputs`."""
    known = config.environment(release.folder, stage)
    config.change(release.folder, stage, "environment_variables", {**known, **outputs})


def empty(client: Any, name: str) -> None:
    """Delete a bucket with every version in it; one that is not there is a success."""
    try:
        for page in client.get_paginator("list_object_versions").paginate(Bucket=name):
            for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                client.delete_object(Bucket=name, Key=each["Key"], VersionId=each["VersionId"])
        client.delete_bucket(Bucket=name)
    except client.exceptions.NoSuchBucket:
        pass


def _key(name: str) -> str:
    return f"{_FOLDER}{name}.zip"

"""`python -m infra.chalice …`: Chalice's command line with some classes of ours.

Its packages start fast, pip compares every library with the lock's hashes, an API bears its stage's
name, and what was done before a failure is recorded. Chalice has no hook for this, so this module
replaces classes in `chalice.deploy.deployer`. A plain `chalice deploy` works too, without all that.

`--package FILE` deploys a package that was made before, in place of a new one.
"""

import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from chalice.awsclient import ResourceDoesNotExistError
from chalice.cli import factory, main
from chalice.deploy import deployer, executor, packager, planner, swagger

from infra import locks, packaging, sbom
from infra.patience import Patience
from infra.runtime import LOCK

_LOCK = Path("requirements.txt")  # in the project, where Chalice is run
_PACKAGE = "--package"
# What AWS's services call a thing that is not there.
_GONE = ("NotFoundException", "ResourceNotFoundException", "NoSuchEntity", "NotFound")


class Pip(packager.PipRunner):  # type: ignore[misc]  # chalice ships no annotations
    """Chalice's pip runner, which compares also wheels for another processor with the lock."""

    def download_manylinux_wheels(
        self, abi: str, packages: list[str], directory: str, platforms: list[str]
    ) -> None:
        """Download wheels of `packages` (`name==version`) for Lambda, by the lock's hashes.

        Raises Unfit if the lock has no entry for one, or pip cannot get what the lock names.
        """
        if not packages:
            return
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as wanted:
            wanted.write("".join(locked(_LOCK.read_text(), packages)))
            wanted.flush()
            where = [word for each in platforms for word in ("--platform", each)]
            code, _, said = self._execute(
                "download",
                [
                    "-r",
                    wanted.name,
                    "--require-hashes",
                    "--no-deps",
                    "--only-binary=:all:",
                    "--implementation",
                    "cp",
                    "--abi",
                    abi,
                    "--dest",
                    directory,
                    *where,
                ],
            )
        if code:
            raise packaging.Unfit(
                f"the libraries for Lambda cannot be had as the lock names them:\n{said.decode()}"
            )


def locked(lock: str, packages: Iterable[str]) -> list[str]:
    """Return a lock's entries for these `name==version`, sorted, with their hashes.

    Raises Unfit for a package that the lock does not have.
    """
    found = locks.entries(lock)
    try:
        return [found[each] for each in sorted(packages)]
    except KeyError as unknown:
        raise packaging.Unfit(f"requirements.txt has no {unknown}: `make lock`") from None


class Packager(deployer.LambdaDeploymentPackager):  # type: ignore[misc]  # chalice ships no annotations
    """Chalice's packager, followed by `packaging.optimise`."""

    def create_deployment_package(self, *given: Any, **named: Any) -> str:
        """Make the package of a complete company, optimise it and return its path. Raises Unfit.

        The list of what it is made of lies beside it (`sbom.beside`).

        An earlier one is taken again where it was made of the same files in the same way. Any
        other is deleted: Chalice would take it as it is, and it may be plain.
        """
        # A kept version of the project has a `chalicelib` of its own, which this may not fit.
        from chalicelib.company import FOLDER
        from infra import company

        if found := list(company.faults(FOLDER)):
            raise packaging.Unfit("\n".join(found))
        kept = Path(self.deployment_package_filename(*given, **named))
        mark, wanted = kept.with_suffix(".made"), packaging.fingerprint(Path.cwd())
        if packaging.is_marked(kept, mark, wanted):
            print("Nothing has changed: the package of the last time is taken again")
            sbom.beside(kept)
            return str(kept)
        kept.unlink(missing_ok=True)
        made = Path(super().create_deployment_package(*given, **named))
        before = made.stat().st_size
        try:
            packaging.optimise(made)
        except packaging.Unfit:
            made.unlink()  # else the next deployment would take the plain package as it is
            raise
        sbom.beside(made)
        packaging.mark(made, mark, wanted)
        print(f"Made to start fast: {before / 1e6:.1f} MB → {made.stat().st_size / 1e6:.1f} MB")
        return str(made)


class Kept(packager.LambdaDeploymentPackager):  # type: ignore[misc]  # chalice ships no annotations
    """A packager that hands out a package which was made before."""

    file = Path()

    def create_deployment_package(self, *_: Any, **__: Any) -> str:
        """Return the path of the package."""
        return str(self.file)


class Swagger(swagger.TemplatedSwaggerGenerator):  # type: ignore[misc]  # chalice ships no annotations
    """Chalice's description of an API, named by stage; Chalice names all stages' APIs alike."""

    def generate_swagger(self, app: Any, rest_api: Any = None) -> dict[str, Any]:
        """Return the description. The function that serves the API has the stage's prefix."""
        described: dict[str, Any] = super().generate_swagger(app, rest_api)
        if rest_api:
            described["info"]["title"] = rest_api.lambda_function.function_name
        return described


class RemoteState(planner.RemoteState):  # type: ignore[misc]  # chalice ships no annotations
    """The part of Chalice that looks at what is there, with stricter event source mappings.

    A table that was restored under its own name has a new stream. Chalice itself would keep the
    mapping of the old one.
    """

    def _resource_exists_dynamodbeventsource(self, resource: Any) -> bool:
        try:
            known = self._deployed_resources.resource_values(resource.resource_name)
        except ValueError:
            return False
        same = known["stream_arn"] == resource.stream_arn
        return same and bool(super()._resource_exists_dynamodbeventsource(resource))


class Executor(executor.Executor):  # type: ignore[misc]  # chalice ships no annotations
    """Chalice's executor, which takes things as it finds them.

    Where the record of what was deployed is lost or old, what is to be deleted may be gone, and
    what is to be made may be there: a mapping, of which AWS makes no second, and an API, of which
    it would.
    """

    def _do_apicall(self, instruction: Any) -> None:
        try:
            if instruction.method_name != "import_rest_api" or not self._adopted_api(instruction):
                super()._do_apicall(instruction)
        except (ClientError, ResourceDoesNotExistError) as error:
            gone = isinstance(error, ResourceDoesNotExistError) or _code(error) in _GONE
            deletes = instruction.method_name.startswith(("delete_", "remove_", "unsubscribe_"))
            if not (gone and deletes) and not self._adopted_mapping(instruction, error):
                raise

    def _adopted_api(self, instruction: Any) -> bool:
        """Update an API of the wanted name in place of making another; return whether there is."""
        wanted = self._resolve_variables(instruction)["swagger_document"]
        pages = self._client._client("apigateway").get_paginator("get_rest_apis").paginate()
        named = [
            each["id"]
            for page in pages
            for each in page["items"]
            if each["name"] == wanted["info"]["title"]
        ]
        if named:
            self._client.update_api_from_swagger(named[0], wanted)
            self.variables[instruction.output_var] = named[0]
        return bool(named)

    def _adopted_mapping(self, instruction: Any, error: Exception) -> bool:
        """Take a mapping that is there already for the one to be made; return whether it is."""
        if instruction.method_name != "create_lambda_event_source" or (
            _code(error) != "ResourceConflictException"
        ):
            return False
        wanted = self._resolve_variables(instruction)
        found = self._client._client("lambda").list_event_source_mappings(
            EventSourceArn=wanted["event_source_arn"], FunctionName=wanted["function_name"]
        )["EventSourceMappings"]
        if found:
            self.variables[instruction.output_var] = found[0]["UUID"]
        return bool(found)


def _code(error: Any) -> str:
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else ""


class Deployer(deployer.Deployer):  # type: ignore[misc]  # chalice ships no annotations
    """Chalice's deployer, which records what it did when it fails, too.

    Chalice would forget an API and mappings that it made before a failure, make another API the
    next time, and be refused the same mappings.
    """

    def _deploy(self, config: Any, chalice_stage_name: str) -> dict[str, Any]:
        try:
            done: dict[str, Any] = super()._deploy(config, chalice_stage_name)
            return done
        except BaseException:  # Ctrl-C, too
            before = config.deployed_resources(chalice_stage_name)
            known = {name: before.resource_values(name) for name in before.resource_names()}
            for made in self._executor.resource_values:
                known[made["name"]] = {**known.get(made["name"], {}), **made}
            self._recorder.record_results(
                {
                    "resources": list(known.values()),
                    "schema_version": "2.0",
                    "backend": self.BACKEND_NAME,
                },
                chalice_stage_name,
                config.project_dir,
            )
            raise


def refusal(arguments: Sequence[str], version: tuple[int, int]) -> str:
    """Return why this Python must not make the functions, empty if it may.

    Chalice names Lambda's runtime after the Python that it runs on. The lock is of one version, and
    only with that the package was tested. A stage on this machine runs on whatever there is.
    """
    makes = {"deploy", "package"} & set(arguments)
    if not makes or "local" in arguments or version == LOCK:
        return ""
    wanted, found = (".".join(map(str, each)) for each in (LOCK, version))
    return (
        f"the functions run on Python {wanted}, which requirements.txt was resolved for, and this "
        f"is Python {found}: `rm -r .venv && make setup PYTHON=python{wanted}`"
    )


def patient_session(*given: Any, **named: Any) -> Any:
    """Return Chalice's session with AWS; its clients wait while Lambda is busy."""
    session = _plain_session(*given, **named)
    session.register("needs-retry.lambda", Patience(print))
    return session


_plain_session = factory.create_botocore_session


def run(arguments: list[str]) -> int:
    """Run Chalice's command line with these arguments and return its exit code."""
    if told := refusal(arguments, sys.version_info[:2]):
        print(f"Error: {told}", file=sys.stderr)
        return 1
    deployer.LambdaDeploymentPackager, deployer.PipRunner = Packager, Pip
    deployer.TemplatedSwaggerGenerator, deployer.Executor = Swagger, Executor
    deployer.RemoteState = RemoteState
    deployer.Deployer, factory.create_botocore_session = Deployer, patient_session
    if _PACKAGE in arguments:
        at = arguments.index(_PACKAGE)
        Kept.file = Path(arguments[at + 1])
        deployer.LambdaDeploymentPackager = Kept
        arguments = arguments[:at] + arguments[at + 2 :]
    sys.argv[1:] = arguments
    code: int = main()  # it returns the exit code instead of exiting with it
    return code


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))

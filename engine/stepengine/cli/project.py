"""From the command line's words to a checked file and a plan."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from stepengine.catalogue.registry import Registry
from stepengine.cli.interruption import was_interrupted
from stepengine.cli.provisioning import Provisioning
from stepengine.document.parser import parse_document
from stepengine.entry_points import find_entry_points
from stepengine.errors import UsageError
from stepengine.hooks.manager import Hooks
from stepengine.records import Record
from stepengine.validation import validate_document
from stepengine.world import World

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from stepengine.document.parser import Document
    from stepengine.entry_points import EntryPoint
    from stepengine.environments.file_lock import FileLock
    from stepengine.environments.provision import Decision
    from stepengine.environments.store import Environment
    from stepengine.model import ProjectFile, Step
    from stepengine.planning.plan import Plan
    from stepengine.secrecy.secrets import Secrets

FILE_NAME = "prefect.yaml"

_STOOD_FOR = frozenset({"prefect", "prefect-docker"})
"""The distributions whose steps have built-in stand-ins."""

_MAX_SECRET = 1 << 20
"""Bytes; an environment variable holds less on every system."""


class EncodingError(UsageError):
    """A file holds bytes that are no text in its encoding."""

    code = "encoding"


class Project(Record):
    """A file and what goes with it.

    Attributes:
        directory: The file's; absolute.
        file: Checked.
        registry: Where its step names are looked up.
        hooks: The hook plugins.
        provisioning: What meets the requirements of its steps.
    """

    directory: str
    file: ProjectFile
    registry: Registry
    hooks: Hooks
    provisioning: Provisioning


def find_file(named: str | None) -> str:
    """Give the path of the file that the user means.

    Args:
        named: A file or a directory; None for prefect.yaml here or in the nearest parent.

    Raises:
        UsageError: there is none.
    """
    directory = current_directory()
    if named is not None:
        path = os.path.join(named, FILE_NAME) if os.path.isdir(named) else named
        _check_file(path)
        return path
    while True:
        path = os.path.join(directory, FILE_NAME)
        if os.path.isfile(path):
            return os.path.relpath(path)
        parent = os.path.dirname(directory)
        if parent == directory:
            raise UsageError(
                f"there is no {FILE_NAME} here or in a parent directory", hint="name the file: stepengine run FILE"
            )
        directory = parent


def near_file() -> str | None:
    """Give the path of the prefect.yaml here or in the nearest parent, where there is one."""
    try:
        return find_file(None)
    except UsageError:
        return None


def current_directory() -> str:
    """Give the directory that the command was started in.

    Raises:
        UsageError: it is there no more.
    """
    try:
        return os.getcwd()
    except OSError as error:
        raise UsageError(
            f"the current directory cannot be told: {error.strerror}", hint="change to a directory that exists"
        ) from error


def _check_file(path: str) -> None:
    """Raise a UsageError that says what a path is, where it is no file."""
    import stat

    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise UsageError(f"there is no file {path}", hint=_near_file(path)) from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", hint="name another file") from error
    if stat.S_ISREG(mode):
        return
    kinds = (
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    )
    kind = next((kind for test, kind in kinds if test(mode)), "something else")
    raise UsageError(f"{path} is {kind}, not a file", hint="name a prefect.yaml, or the directory that it is in")


def _near_file(path: str) -> str:
    from stepengine.diagnostics.diagnostic import did_you_mean

    directory = os.path.dirname(path) or "."
    try:
        names = os.listdir(directory)
    except OSError:
        return f"there is no directory {directory}"
    return did_you_mean(os.path.basename(path), [name for name in names if name.endswith((".yaml", ".yml"))])


def read_document(path: str) -> Document:
    """Read and parse a file.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    try:
        return parse_document(data.decode(encoding), path)
    except UnicodeDecodeError as error:
        document = parse_document("", path)
        text = data[: error.start].decode(encoding, "replace")
        line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
        message = f"byte {error.start} ({data[error.start]:#04x}) is not {encoding.upper()}"
        raise EncodingError(
            message, where=f"{document.source.name}:{line}:{column}", hint="save the file as UTF-8"
        ) from error


def open_project(
    path: str,
    overrides: Iterable[str] = (),
    *,
    prefect_compat: bool = False,
    provisioning: Provisioning | None = None,
    upstream: Iterable[str] = (),
    more: Iterable[EntryPoint] = (),
) -> Project:
    """Read and check a file.

    Args:
        path: It.
        overrides: The command line's `--set`.
        prefect_compat: Whether references without a value are warnings alone.
        provisioning: What meets the requirements of its steps; that of the file's directory where it is None.
        upstream: The command line's `--upstream`.
        more: Entry points beside those of the installed distributions.

    Raises:
        UsageError: it cannot be read, or an override does not fit it.
    """
    from stepengine.planning.selection import apply_overrides

    directory = os.path.dirname(os.path.abspath(path))
    entry_points = [*find_entry_points(), *more]
    provisioning = provisioning or Provisioning(directory)
    registry = Registry(directory, entry_points, provisioning.decide, _upstream(upstream))
    hooks = Hooks(entry_points, os.environ, directory, warn_on_stderr)
    document = read_document(path)
    if document.parsed:
        apply_overrides(document, overrides, registry)
    name = os.path.basename(directory)
    file = validate_document(document, registry, name, hooks, prefect_compat=prefect_compat)
    return Project(directory, file, registry, hooks, provisioning)


def provisioning_of(path: str, options: argparse.Namespace) -> Provisioning:
    """Give what meets the requirements of a file's steps, as the command line has it."""
    return Provisioning(os.path.dirname(os.path.abspath(path)), locked=options.locked, offline=options.offline)


def open_chosen(
    path: str, options: argparse.Namespace, provisioning: Provisioning, more: Iterable[EntryPoint] = ()
) -> Project:
    """Read and check a file as the command line has it; see `open_project`."""
    return open_project(
        path,
        options.set,
        prefect_compat=options.prefect_compat,
        provisioning=provisioning,
        upstream=options.upstream,
        more=more,
    )


def _upstream(named: Iterable[str]) -> frozenset[str]:
    """Take the command line's `--upstream`.

    Raises:
        UsageError: no built-in step stands for it.
    """
    names = frozenset(name.lower().replace("_", "-") for name in named)
    for name in names - _STOOD_FOR:
        hint = f"there are: {', '.join(sorted(_STOOD_FOR))}"
        raise UsageError(f"--upstream {name}: no built-in step stands for one of it", hint=hint)
    return names


def warn_on_stderr(message: str) -> None:
    """Write a warning to standard error."""
    sys.stderr.write(f"warning: {message}\n")


def world_of(project: Project, options: argparse.Namespace, secrets: Secrets) -> World:
    """Give what the plan and the run of a project may use."""

    def decide(step: Step) -> Decision:
        return project.provisioning.decide(step.requires, step.spec)

    def use(environment: Environment) -> FileLock:
        return project.provisioning.provision.use(environment)

    pull_in, _, pull_image = options.pull_in.partition("=")
    return World(
        directory=project.directory,
        environ=os.environ,
        load=project.registry.load,
        decide=decide,
        use=use,
        resolve=project.hooks.resolve,
        secrets=secrets,
        pull_in=pull_in,
        pull_image=pull_image,
        prefect_compat=options.prefect_compat,
        was_interrupted=was_interrupted,
        namespace=project.hooks.namespace,
        builder=project.hooks.builder,
    )


def plan_project(project: Project, options: argparse.Namespace, world: World) -> Plan:
    """Plan what the command line asks for.

    Raises:
        UsageError: it asks for what is not in the file.
    """
    from stepengine.planning.plan import make_plan
    from stepengine.planning.selection import parse_sections, select_pipelines

    only = None if options.only is None else ",".join(options.only)
    pipelines = select_pipelines(project.file, options.deployment)
    for step in (step for pipeline in pipelines for step in pipeline.all_steps()):
        world.secrets.add_inputs(step.inputs)
    return make_plan(project.file, pipelines, parse_sections(only), world)


def take_secrets(named: Iterable[str], secrets: Secrets) -> None:
    """Take the command line's `--secret` in: the values become environment variables, and secrets.

    Raises:
        UsageError: one has no value, or gives it on the command line.
    """
    for each in named:
        name, equals, place = each.partition("=")
        if not name:
            raise UsageError("--secret names no variable", hint="for example: --secret REGISTRY_TOKEN")
        if equals:
            if not place.startswith("@"):
                hint = f"write --secret {name} and set the variable, or --secret {name}=@FILE"
                raise UsageError(
                    "--secret: every process of this machine can read what a command line holds", hint=hint
                )
            os.environ[name] = _read_secret(name, place[1:])
        value = os.environ.get(name)
        if not value:
            raise UsageError(
                f"--secret {name}: the environment has no such variable", hint=f"set it, or --secret {name}=@FILE"
            )
        secrets.add(value)
        if value in secrets.mask(f"({value})"):
            warn_on_stderr(f"--secret {name}: its value is too short or too common to be masked in free text")


def _read_secret(name: str, path: str) -> str:
    shown = "standard input" if path == "-" else path
    try:
        if path == "-":
            data = sys.stdin.buffer.read(_MAX_SECRET + 1)
        else:
            with open(path, "rb") as file:
                data = file.read(_MAX_SECRET + 1)
        value = data.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise UsageError(f"--secret {name}: {shown} is not UTF-8", hint="encode it, in base64 for example") from error
    except (OSError, ValueError) as error:
        told = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"--secret {name}: {shown} cannot be read: {told}", hint="name another file") from error
    if len(data) > _MAX_SECRET:
        raise UsageError(f"--secret {name}: {shown} has more than 1 MiB", hint="name the file that holds the secret")
    if not value:
        raise UsageError(f"--secret {name}: {shown} is empty", hint="put the secret into it")
    if "\0" in value:
        raise UsageError(
            f"--secret {name}: {shown} has a NUL character, which no environment variable can hold",
            hint="encode it, in base64 for example",
        )
    return value

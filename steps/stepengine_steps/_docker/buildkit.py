"""BuildKit, through Docker's own client: it carries the secrets, SSH agents and caches that the engine's API lacks."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from stepengine.plugin import BuildRequest, Context, StepError
from stepengine_steps._docker.base import ensure_base_images
from stepengine_steps._docker.buildkit_inputs import argument_flags, cache_flags, has_userinfo, secret_flags, ssh_flags
from stepengine_steps._docker.dockerfile import base_images
from stepengine_steps._docker.progress import tail_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepengine_steps._docker.engine import Engine

_PROBE_SECONDS = 30
_FAILED_AT = re.compile(r"^ > (\[.*)$", re.MULTILINE)


class Client(NamedTuple):
    """A docker client that builds with BuildKit.

    Attributes:
        path: The program.
        has_buildx: Whether it has the buildx plugin; else it is old enough to have BuildKit built in.
    """

    path: str
    has_buildx: bool


def find_client(context: Context) -> Client | None:
    """Find a docker client that builds with BuildKit: one with buildx, else one from before it was split off (23.0).

    Every `docker` on the PATH is asked: the first is not always one that can.
    """
    import shutil

    built_in = None
    seen = set()
    for directory in context.environ.get("PATH", os.defpath).split(os.pathsep):
        program = shutil.which("docker", path=directory) if directory else None
        if program is None or (real := os.path.realpath(program)) in seen:
            continue
        seen.add(real)
        if _probe(program, ["buildx", "version"], context) is not None:
            return Client(program, has_buildx=True)
        version = _probe(program, ["--version"], context) or ""
        match = re.search(r"\b(\d+)\.(\d+)", version)
        if built_in is None and match and (18, 9) <= (int(match[1]), int(match[2])) < (23, 0):
            built_in = Client(program, has_buildx=False)
    return built_in


def _probe(program: str, arguments: list[str], context: Context) -> str | None:
    try:
        done = context.run([program, *arguments], stream=False, timeout=_PROBE_SECONDS)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


class BuildKitBuilder:
    """Builds with BuildKit.

    Args:
        client: The docker client to do it with.
    """

    name = "buildkit"

    def __init__(self, client: Client) -> None:
        self._client = client

    def build(self, request: BuildRequest, engine: Engine, context: Context) -> str:
        """See `Builder`."""
        import tempfile

        several = len(request.platforms) > 1
        self._check(request)
        if not several:
            self._ensure_bases(request, engine, context)
        variables: dict[str, str] = {}
        with tempfile.TemporaryDirectory(prefix="stepengine-") as scratch:
            id_file = os.path.join(scratch, "id")
            command = [
                self._client.path,
                *(["buildx"] if self._client.has_buildx else []),
                "build",
                "--progress",
                "plain",
            ]
            command += ["--iidfile", id_file, *self._flags(request, context, variables)]
            command += ["--pull"] if several and request.pull else []
            command += ["--file", request.dockerfile or "-", "--", request.directory]
            variables["DOCKER_BUILDKIT"] = "1"
            stdin = None if request.dockerfile else request.text.encode()
            done = context.run(command, env=variables, stdin=stdin)
            if done.returncode:
                raise _failure(done.stdout + done.stderr)
            with open(id_file, encoding="ascii") as file:
                return file.read().strip()

    def _ensure_bases(self, request: BuildRequest, engine: Engine, context: Context) -> None:
        values = {
            name: context.environ.get(name, "") if value is None else value for name, value in request.arguments.items()
        }
        images = base_images(request.text, values, request.target, reachable=True)
        platform = request.platforms[0] if request.platforms else None
        ensure_base_images(images, engine, context, pull=request.pull, platform=platform)

    def _check(self, request: BuildRequest) -> None:
        """Refuse what the client that was found cannot do."""
        if len(request.platforms) > 1 and not request.options.get("push"):
            hint = "add push: true, or name one platform"
            raise StepError("an image for several platforms cannot be loaded into the engine", hint=hint)
        if self._client.has_buildx:
            return
        needs = [name for name in ("cache_to", "push", "build_contexts", "builder") if request.options.get(name)]
        needs += ["platforms"] if len(request.platforms) > 1 else []
        if needs:
            raise StepError(
                f"{', '.join(needs)}: only the buildx plugin can do that, and no docker client here has it",
                hint="install docker-buildx-plugin (or docker-buildx), or leave the input out",
            )

    def _flags(self, request: BuildRequest, context: Context, variables: dict[str, str]) -> Iterator[str]:
        """Give the command's flags; what must not be in argv goes into `variables`."""
        options = request.options
        for reference in request.references:
            yield from ("--tag", reference)
        yield from argument_flags(request.arguments, context, variables)
        for name, value in request.labels.items():
            yield from ("--label", f"{name}={value}")
        platforms = ",".join(request.platforms)
        for flag, setting in (("--target", request.target), ("--network", request.network), ("--platform", platforms)):
            if setting:
                yield from (flag, setting)
        if request.no_cache:
            yield "--no-cache"
        yield from _common_flags(options)
        yield from secret_flags(options.get("secrets"), context, variables)
        yield from ssh_flags(options.get("ssh"))
        yield from cache_flags("--cache-from", options.get("cache_from"))
        if self._client.has_buildx:
            yield from cache_flags("--cache-to", options.get("cache_to"))
            yield "--push" if options.get("push") else "--load"


def _common_flags(options: Any) -> Iterator[str]:
    hosts = options.get("extra_hosts") or []
    for host in [f"{name}:{address}" for name, address in hosts.items()] if isinstance(hosts, dict) else hosts:
        yield from ("--add-host", str(host))
    for name, value in (options.get("build_contexts") or {}).items():
        if has_userinfo(str(value)):
            raise StepError(
                f"build_contexts: the address of {name} has a user name or a password in it",
                hint="take it out, and give the token as the build's secret GIT_AUTH_TOKEN",
            )
        yield from ("--build-context", f"{name}={value}")
    for flag, value in (("--builder", options.get("builder")), ("--shm-size", options.get("shmsize"))):
        if value:
            yield from (flag, str(value))


def _failure(output: str) -> StepError:
    match = _FAILED_AT.search(output)
    errors = [line for line in output.splitlines() if line.startswith(("ERROR: ", "error: "))]
    reason = (
        (errors or output.strip().splitlines() or ["no output"])[-1].removeprefix("ERROR: ").removeprefix("error: ")
    )
    place = f"the build failed at {match[1].rstrip(':')}" if match else "the build failed"
    return StepError(f"{place}: {reason}", hint="correct that instruction, or what it reads", output=tail_of(output))

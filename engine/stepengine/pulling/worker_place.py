"""The near side of a pull rehearsal: a worker that is told over two pipes which steps to run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from stepengine.errors import StepEngineError, StepError
from stepengine.pulling.messages import encode_message
from stepengine.running.process import GRACE_SECONDS, end_process

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import IO

    from stepengine.catalogue.spec import StepSpec
    from stepengine.running.places import Emit


_MOMENT_SECONDS = 0.5
# The worker needs `GRACE_SECONDS` of its own to end the program that a step runs.
_WORKER_GRACE_SECONDS = GRACE_SECONDS + 2


class Transport(Protocol):
    """The two pipes, and the process at their other end."""

    @property
    def lost(self) -> StepError | None:
        """What is to be told instead of the worker's end where that is not known; for after `end`."""

    def send(self, data: bytes) -> None:
        """Write all of the data.

        Raises:
            OSError: the other end is gone.
        """

    def receive(self) -> bytes:
        """Give the next line; empty where there is none any more."""

    def end(self) -> str:
        """End the worker; say how it ended where it had ended by itself, and what it said last."""


class WorkerPlace:
    """A worker behind a transport.

    Args:
        transport: How to reach it.
        description: Where it is, in words.
        project: The values at the file's top level.
        block: Finds a block's data by `(type slug, name)`.

    Raises:
        StepError: it did not start.
    """

    def __init__(
        self,
        transport: Transport,
        description: str,
        *,
        project: Mapping[str, Any],
        block: Callable[[str, str], Any],
        directory: str = "",
    ) -> None:
        self.description = description
        self.directory = directory
        self._transport = transport
        self._block = block
        try:
            self._say({"project": dict(project), "directory": directory})
            hello = self._hear()
        except BaseException:
            transport.end()
            raise
        self.directory = hello.get("directory", directory)
        self.environ: dict[str, str] = hello.get("environ", {})

    def call(self, spec: StepSpec, inputs: dict[str, Any], emit: Emit) -> Any:
        """Run a step; see `Place.call`."""
        self._say({"target": spec.target, "inputs": inputs, "context": spec.context})
        while True:
            message = self._hear()
            if "emit" in message:
                emit(message["emit"], message["data"])
            elif "need_block" in message:
                self._answer(spec, inputs, *message["need_block"])
            else:
                self.directory = message["directory"]
                self.environ = message.get("environ", self.environ)
                if "failed" in message:
                    failed = message["failed"]
                    error = StepError(failed["message"], hint=failed["hint"], output=failed["output"])
                    error.frames = failed["frames"]
                    raise error
                return message["result"]

    def _answer(self, spec: StepSpec, inputs: Mapping[str, Any], type_slug: str, name: str) -> None:
        if not _may_ask(spec, inputs, type_slug, name):
            hint = "give it to the step as an input: {{ prefect.blocks.TYPE.NAME }}"
            self._say({"error": f"this step may not ask for the block {type_slug}/{name}", "hint": hint})
            return
        try:
            self._say({"block": self._block(type_slug, name)})
        except StepEngineError as error:
            self._say({"error": error.message, "hint": error.hint})

    def _say(self, message: dict[str, Any]) -> None:
        try:
            data = encode_message(message)
        except Exception as error:
            raise StepError(f"what it is given cannot be passed on: {type(error).__name__}: {error}") from error
        try:
            self._transport.send(data)
        except OSError:
            raise self._gone() from None

    def _hear(self) -> dict[str, Any]:
        line = self._transport.receive()
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            raise self._gone(line) from None
        if not isinstance(message, dict):
            raise self._gone(line)
        return message

    def _gone(self, line: bytes = b"") -> StepError:
        last = self._transport.end()
        if self._transport.lost is not None:
            return self._transport.lost
        output = "\n".join(filter(None, [line.decode("utf-8", "replace").strip(), last]))
        return StepError(f"the worker ended before the step did ({self.description})", output=output)

    def close(self) -> None:
        """End the worker."""
        self._transport.end()


def _may_ask(spec: StepSpec, inputs: Mapping[str, Any], type_slug: str, name: str) -> bool:
    """Whether a step may ask for a block: any code beside the step can write what looks like its question.

    Only a step that takes the run's context can ask at all. Of those that come with stepengine only `pull_with_block`
    does, for the block that its inputs name.
    """
    if spec.is_built_in:
        return (type_slug, name) == (inputs.get("block_type_slug"), inputs.get("block_document_name"))
    return bool(spec.context)


class ChildTransport:
    """A child process of this machine, in a fresh directory, with a throwaway environment for what steps install.

    Args:
        project_directory: The file's directory: modules in it may be steps.
        environ: The child's whole environment.

    Raises:
        StepError: there is no place for its directory, or it cannot be started.
    """

    lost = None

    def __init__(self, project_directory: str, environ: Mapping[str, str]) -> None:
        self.root = self.directory = ""
        self._at_end = False
        self._errors: IO[bytes] | None = None
        try:
            self.root = tempfile.mkdtemp(prefix="stepengine-pull-")
            self.directory = os.path.join(self.root, "work")
            os.mkdir(self.directory)
            python, variables = make_throwaway(os.path.join(self.root, "environment"), environ)
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - `end` closes it
            self._child = subprocess.Popen(
                [python, "-c", _START, project_directory],
                cwd=self.directory,
                env={**environ, **variables},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=os.name == "posix",
            )
        except BaseException as error:
            self._remove()
            if isinstance(error, (OSError, ValueError)):  # venv refuses some paths with a ValueError
                reason = getattr(error, "strerror", None) or str(error)
                hint = "make room there, or set TMPDIR to another directory"
                raise StepError(f"cannot make a directory for the pull steps: {reason}", hint=hint) from error
            raise

    def _remove(self) -> None:
        errors, self._errors = self._errors, None
        if errors is not None:
            errors.close()
        if self.root:
            shutil.rmtree(self.root, ignore_errors=True)
            self.root = ""

    def send(self, data: bytes) -> None:
        """Write to the child."""
        if self._child.stdin is not None:
            self._child.stdin.write(data)
            self._child.stdin.flush()

    def receive(self) -> bytes:
        """Read a line from the child."""
        line = b"" if self._child.stdout is None else self._child.stdout.readline()
        self._at_end = not line
        return line

    def end(self) -> str:
        """End the child with all that it started, and remove its directory."""
        if self._errors is None:
            self._remove()  # what an interruption may have left
            return ""
        code = self._exit_status()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was not sent yet no longer matters
                    pipe.close()
        try:
            end_process(self._child, _WORKER_GRACE_SECONDS)
            self._errors.seek(0)
            said = self._errors.read()[-4000:].decode("utf-8", "replace").strip()
        finally:
            self._remove()
        ended = "" if code is None else f"ended by signal {-code}" if code < 0 else f"exit status {code}"
        return "\n".join(filter(None, [ended, said]))

    def _exit_status(self) -> int | None:
        """Give the child's exit status where it ended by itself; its pipes close a moment before it is gone."""
        if not self._at_end:
            return self._child.poll()
        with suppress(subprocess.TimeoutExpired):
            return self._child.wait(_MOMENT_SECONDS)
        return None


_START = "import sys; sys.path.append(sys.argv.pop()); from stepengine.pulling.worker import main; main()"


def make_throwaway(directory: str, environ: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Make a virtual environment that sees the packages of this one and takes what is installed from now on.

    It has no pip of its own (that would take seconds): it runs this interpreter's on itself.

    Args:
        directory: Where to make it.
        environ: The environment to derive its variables from.

    Returns:
        Its interpreter, and the variables that activate it.
    """
    import site
    import sysconfig
    import venv

    venv.EnvBuilder(symlinks=os.name != "nt").create(directory)
    scripts = os.path.join(directory, "Scripts" if os.name == "nt" else "bin")
    python = os.path.join(scripts, "python.exe" if os.name == "nt" else "python")
    # Not the default scheme: distributions' interpreters have one of their own outside of virtual environments.
    scheme = "venv" if "venv" in sysconfig.get_scheme_names() else "nt" if os.name == "nt" else "posix_prefix"
    packages = sysconfig.get_path("purelib", scheme, vars={"base": directory, "platbase": directory})
    paths = dict.fromkeys([*site.getsitepackages(), *(path for path in sys.path if path.endswith("-packages"))])
    # Until Python 3.13 such a file is read in the locale's encoding.
    with open(os.path.join(packages, "_stepengine_outer.pth"), "w", encoding="ascii") as file:
        file.writelines(f"import site; site.addsitedir({path!a})\n" for path in paths)
    for name in ("pip", "pip3"):
        _write_script(os.path.join(scripts, name), python)
    path = os.pathsep.join(filter(None, [scripts, environ.get("PATH", os.defpath)]))
    return python, {"VIRTUAL_ENV": directory, "PATH": path, "PYTHONNOUSERSITE": "1"}


def _write_script(path: str, python: str) -> None:
    if os.name == "nt":
        path, text = f"{path}.bat", f'@"{python}" -m pip %*\n'
    else:
        text = f'#!/bin/sh\nexec "{python}" -m pip "$@"\n'
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o755)  # noqa: S103 - a program, and the directory above it is the user's alone

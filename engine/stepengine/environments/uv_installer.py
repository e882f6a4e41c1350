"""uv: https://docs.astral.sh/uv/reference/cli/."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import TYPE_CHECKING

from stepengine.environments.installing import InstallError, temporary_file, with_defaults
from stepengine.environments.layout import interpreter_of
from stepengine.environments.lock_file import LockedPackage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from stepengine.environments.index_settings import IndexSettings
    from stepengine.environments.installing import InstallerProcess

_DEFAULTS = {"UV_HTTP_TIMEOUT": "20", "UV_HTTP_RETRIES": "2"}
# The engine goes into the environment by itself: another one beside it would only be in its way.
_WITHOUT_ENGINE = "stepengine ; python_version < '0'"


def find_uv(environ: Mapping[str, str]) -> str | None:
    """Give uv's program: the one beside this interpreter, else the one on PATH; None where there is none."""
    import shutil

    own = shutil.which("uv", path=os.path.dirname(sys.executable))
    return own or shutil.which("uv", path=environ.get("PATH", os.defpath))


class UvInstaller:
    """Makes environments with uv.

    Args:
        program: Its path.
        process: Runs it.
        settings: Where packages are looked for.
        offline: Whether it may use nothing but its cache.
    """

    name = "uv"

    def __init__(self, program: str, process: InstallerProcess, settings: IndexSettings, *, offline: bool) -> None:
        self._program = program
        self._process = process
        self._options = ["--no-progress", *(["--offline"] if offline else [])]
        own = {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", "UV_NO_ENV_FILE": "1"}
        self._variables = with_defaults({**settings.variables, **own}, process.environ, _DEFAULTS)

    def make(self, directory: str, lines: Sequence[str], *, hashed: bool, keep: Sequence[int]) -> None:
        """Make an environment; see `Installer.make`."""
        parent = os.path.dirname(directory)
        command = [self._program, "venv", "--quiet", "--no-project", "--python", sys.executable, directory]
        self._process.run([*command, *self._options], parent, self._variables, keep=keep)
        command = [self._program, "pip", "install", "--python", interpreter_of(directory), "--requirements", "-"]
        variables = {**self._variables, "UV_CONSTRAINT": ""} if hashed else self._variables
        options = ["--require-hashes", "--no-deps"] if hashed else self._without_engine(directory)
        text = "".join(f"{line}\n" for line in lines)
        self._process.run([*command, *options, *self._options], parent, variables, stdin=text, hashed=hashed, keep=keep)

    def resolve(self, requirements: Sequence[str]) -> tuple[LockedPackage, ...]:
        """Find out what meets requirements, on every platform; see `Installer.resolve`."""
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        command = [self._program, "pip", "compile", "-", "--quiet", "--universal", "--python-version", version]
        options = ["--generate-hashes", "--no-header", "--no-annotate", "--no-strip-extras", "--no-emit-index-url"]
        with tempfile.TemporaryDirectory(prefix="stepengine-") as scratch:
            completed = self._process.run(
                [*command, *options, *self._without_engine(scratch), *self._options],
                scratch,
                self._variables,
                stdin="".join(f"{requirement}\n" for requirement in requirements),
            )
        return tuple(_read_compiled(completed.stdout))

    def _without_engine(self, directory: str) -> list[str]:
        """Give the options that leave the engine out; not by uv's variable, which parts paths at their spaces."""
        path = temporary_file(directory, "stepengine-overrides.txt", [_WITHOUT_ENGINE])
        given = self._process.environ.get("UV_OVERRIDE", "").split()
        return [option for each in (*given, path) for option in ("--overrides", each)]


def _read_compiled(text: str) -> Iterator[LockedPackage]:
    """Read what `uv pip compile` prints: a requirement on a line, its hashes on the lines that continue it."""
    for line in text.replace("\\\n", " ").splitlines():
        if not line.strip() or line.lstrip().startswith(("#", "--")):
            continue
        requirement, *hashes = line.split(" --hash=")
        if not hashes:
            message = f"{requirement.strip()} has no hash: a lock cannot tell that it is the same next time"
            raise InstallError(message, hint="require a release of it, or the address of an archive")
        yield LockedPackage(requirement.strip(), tuple(sorted(each.strip() for each in hashes)))

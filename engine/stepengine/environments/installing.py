"""Running an installer, and what its failures mean."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from stepengine.environments.index_settings import credentials_in
from stepengine.environments.install_failures import explain_failure
from stepengine.environments.reading import read_or_nothing
from stepengine.errors import RequirementError
from stepengine.running.process import run_process

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from stepengine.environments.index_settings import IndexSettings
    from stepengine.environments.lock_file import LockedPackage
    from stepengine.running.process import Completed


# Variables that hold paths, each with what parts several.
_PATHS = {
    "UV_FIND_LINKS": ",",
    "UV_CONSTRAINT": " ",
    "UV_OVERRIDE": " ",
    "UV_CONFIG_FILE": "",
    "PIP_FIND_LINKS": " ",
    "PIP_CONSTRAINT": " ",
    "PIP_CONFIG_FILE": "",
    "PIP_CERT": "",
    "SSL_CERT_FILE": "",
}


class Installer(Protocol):
    """Makes environments, and finds out what goes into them."""

    name: str
    """What it is called towards people."""

    def make(self, directory: str, lines: Sequence[str], *, hashed: bool, keep: Sequence[int]) -> None:
        """Make an environment and install into it.

        Args:
            directory: Where to make it; nothing is there.
            lines: Requirements, as a requirements file has them.
            hashed: Whether each line has the hashes that its archives must have, and names all that is needed.
            keep: Descriptors that whatever it starts holds open.

        Raises:
            InstallError: it cannot be had.
            OSError: it cannot be written.
        """

    def resolve(self, requirements: Sequence[str]) -> tuple[LockedPackage, ...]:
        """Find out what meets requirements, all that they need in turn included.

        Args:
            requirements: Them.

        Raises:
            InstallError: nothing does.
        """


class InstallError(RequirementError):
    """An installer failed.

    Args:
        message: One line: why.
        hint: One line: what to do; may be empty.
        output: The end of what it printed.
    """

    def __init__(self, message: str, *, hint: str = "", output: str = "") -> None:
        super().__init__(message, hint=hint)
        self.output = output


class InstallerProcess:
    """Runs an installer's program, its output taken.

    Args:
        environ: The environment of the run.
        settings: Where packages are looked for.
        add_secret: Has a value masked: installers print the addresses that they fetch.
        tell: Receives each line that it prints.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        settings: IndexSettings,
        add_secret: Callable[[str], None],
        tell: Callable[[str], None],
    ) -> None:
        self.environ = environ
        self._tell = tell
        self._add_secret = add_secret
        for text in settings.texts:
            self.hide(text)

    def hide(self, text: str) -> None:
        """Have the credentials of the addresses in a text masked."""
        for secret in credentials_in(text, self.environ):
            self._add_secret(secret)

    def run(
        self,
        command: Sequence[str],
        directory: str,
        variables: Mapping[str, str],
        *,
        stdin: str | None = None,
        hashed: bool = False,
        keep: Sequence[int] = (),
        log: str = "",
    ) -> Completed:
        """Run a command.

        Args:
            command: The program and its arguments.
            directory: Its working directory.
            variables: Its variables beside those of the run.
            stdin: What it reads.
            hashed: Whether it may take only archives whose hashes a lock has.
            keep: Descriptors that it holds open.
            log: The path of the log that it writes, if it does.

        Raises:
            InstallError: it failed, or cannot be started.
        """
        environ = _with_absolute_paths({**self.environ, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8", **variables})
        for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__"):
            environ.pop(name, None)
        self.hide(stdin or "")
        try:
            completed = run_process(
                command,
                cwd=directory,
                env=environ,
                on_line=lambda _stream, line: self._tell(line),
                stdin=None if stdin is None else stdin.encode(),
                keep=keep,
            )
        except OSError as error:
            raise InstallError(f"{command[0]} cannot be started: {error.strerror}") from error
        if completed.returncode:
            message, hint, shown = explain_failure(completed, hashed=hashed, log=read_or_nothing(log))
            raise InstallError(message, hint=hint, output=shown)
        return completed


def _with_absolute_paths(environ: dict[str, str]) -> dict[str, str]:
    """Have paths in installers' settings mean what they mean to the user, wherever the installer runs."""
    for name, separator in _PATHS.items():
        value = environ.get(name)
        if value:
            parts = value.split(separator) if separator else [value]
            environ[name] = separator.join(os.path.abspath(part) if os.path.exists(part) else part for part in parts)
    return environ


def with_defaults(
    variables: Mapping[str, str], environ: Mapping[str, str], defaults: Mapping[str, str]
) -> dict[str, str]:
    """Put variables together: those given, and defaults for what the environment does not say."""
    return {**{name: value for name, value in defaults.items() if not environ.get(name)}, **variables}


def temporary_file(directory: str, name: str, lines: Sequence[str]) -> str:
    """Write a file of lines that only its owner reads, and give its path."""
    path = os.path.join(directory, name)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
    return path

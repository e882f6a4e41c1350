"""Running an installer, and what its failures mean."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from stepengine.environments.index_settings import credentials_in
from stepengine.errors import RequirementError
from stepengine.patterns import lazy_pattern
from stepengine.running.process import run_process

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from stepengine.environments.index_settings import IndexSettings
    from stepengine.environments.lock_file import LockedPackage
    from stepengine.running.process import Completed

_SHOWN_LINES = 15

_SENTENCE = lazy_pattern(r"Because\s.+?(?:\.\s*$|\n\s*\n|\Z)", 16 | 8)  # DOTALL, MULTILINE
_ROOT = "Caused by:", "cause:", "╰─▶"
_PIP_ERROR = lazy_pattern(r"^ERROR: (.+)$", 8)
_WRONG_HASH = lazy_pattern(r"Hash mismatch for `(?P<what>[^`]+)`|THESE PACKAGES DO NOT MATCH THE HASHES")
# uv draws a tree beside its messages.
_DRAWN = ("│", "├─▶", "╰─▶", "×", "hint:")  # noqa: RUF001


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

    def resolve(self, requirements: Sequence[str], directory: str) -> tuple[LockedPackage, ...]:
        """Find out what meets requirements, all that they need in turn included.

        Args:
            requirements: Them.
            directory: For files that go again.

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
            self._hide(text)

    def _hide(self, text: str) -> None:
        for secret in credentials_in(text, self.environ):
            self._add_secret(secret)

    def run(
        self,
        command: Sequence[str],
        directory: str,
        variables: Mapping[str, str],
        *,
        stdin: str | None = None,
        keep: Sequence[int] = (),
    ) -> Completed:
        """Run a command.

        Args:
            command: The program and its arguments.
            directory: Its working directory.
            variables: Its variables beside those of the run.
            stdin: What it reads.
            keep: Descriptors that it holds open.

        Raises:
            InstallError: it failed, or cannot be started.
        """
        environ = {**self.environ, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8", **variables}
        for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__"):
            environ.pop(name, None)
        self._hide(stdin or "")
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
            raise explain(completed)
        return completed


def explain(completed: Completed) -> InstallError:
    """Tell from an installer's output why it failed."""
    output = f"{completed.stderr}\n{completed.stdout}"
    shown = "\n".join([line for line in output.splitlines() if line.strip()][-_SHOWN_LINES:])
    if "No space left on device" in output or "os error 112" in output or "os error 28" in output:
        return InstallError("there is no space left on the device", hint="make room", output=shown)
    match = _WRONG_HASH.search(output)
    if match:
        what = match["what"] or "a package"
        message = f"{what} has not the hash that the lock has: the archive was exchanged, or the lock was changed"
        hint = "where the new archive is to be trusted, lock anew: stepengine lock --upgrade"
        return InstallError(message, hint=hint, output=shown)
    return InstallError(_reason(output) or f"the installer ended with status {completed.returncode}", output=shown)


def _reason(output: str) -> str:
    """Give the sentence that says most, on one line."""
    sentence = _SENTENCE.search(output)
    if sentence:
        return _joined(sentence[0])
    found = _PIP_ERROR.findall(output)
    if found:
        return str(found[-1])
    lines = [line.strip() for line in output.splitlines()]
    first = next((line.removeprefix("error:") for line in lines if line.startswith("error:")), "")
    causes = [line.removeprefix(mark) for line in lines for mark in _ROOT if line.startswith(mark)]
    return ": ".join(filter(None, map(_joined, [first, *causes[-1:]])))


def _joined(text: str) -> str:
    """Put a text that is broken into lines on one line."""
    return " ".join(word for word in text.split() if word not in _DRAWN).rstrip(".")


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

"""What a step may use of the run that it is part of."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from stepengine.errors import StepError, TemplateError
from stepengine.running.process import Completed, run_process

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from logging import Logger

    from stepengine.hooks.types import Builder


class Context:
    """A step's view of its pipeline. A step asks for one by annotating an argument with `Context`.

    One context serves all steps of a pipeline in one place (this process, a child process or a container), so what a
    step changes here (the directory, the environment) is there for its successors.

    Args:
        directory: Where the pipeline starts; absolute.
        environ: The environment of the steps' child processes; copied.
        python: The interpreter that packages are installed for.
        project: The values at the file's top level, for steps that read one (`prefect-version`).
        emit: Receives `(kind, data)` of all that a step reports; see the methods below for the kinds.
        block: Finds a block's data by `(type slug, name)`.
        builder: Finds a plugin's builder by its name; None where builders cannot be used.
        was_cancelled: Tells whether the run has been asked to end.
    """

    def __init__(
        self,
        directory: str,
        *,
        environ: Mapping[str, str] | None = None,
        python: str = sys.executable,
        project: Mapping[str, Any] | None = None,
        emit: Callable[[str, dict[str, Any]], None] = lambda _kind, _data: None,
        block: Callable[[str, str], Any] | None = None,
        builder: Callable[[str], Builder] | None = None,
        was_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self.directory = directory
        self.environ: dict[str, str] = dict(os.environ if environ is None else environ)
        self.python = python
        self.project: Mapping[str, Any] = project or {}
        self._emit = emit
        self._block = block
        self._builder = builder
        self._was_cancelled = was_cancelled
        self._logger: Logger | None = None

    @property
    def logger(self) -> Logger:
        """A logger of the standard library, whose records become lines of the step's output.

        It takes `INFO` and above, until `setLevel` says otherwise. Warnings and worse begin with their level, and go to
        the step's standard error; an exception is told with its traceback. Nothing of it reaches other loggers, and
        each step has one of its own.
        """
        if self._logger is None:
            from stepengine.running.step_logger import make_logger  # logging costs 5 ms

            self._logger = make_logger(self.write)
        return self._logger

    @property
    def cancelled(self) -> bool:
        """Whether the run has been asked to end, by Ctrl-C or a signal.

        A step's main thread is told by a KeyboardInterrupt as well; loops in other threads ask here.
        """
        return self._was_cancelled()

    def check_cancelled(self) -> None:
        """End the step if the run has been asked to end.

        Raises:
            KeyboardInterrupt: it has.
        """
        if self._was_cancelled():
            raise KeyboardInterrupt

    def change_directory(self, path: str) -> str:
        """Make `path` the directory of the steps that follow.

        Returns:
            The absolute path, symbolic links resolved (as `os.getcwd` gives it).

        Raises:
            FileNotFoundError, NotADirectoryError, PermissionError: it cannot be entered.
        """
        target = os.path.realpath(self.resolve(path))
        os.scandir(target).close()
        self.directory = target
        return target

    def resolve(self, path: str) -> str:
        """Give the absolute form of a path that is relative to the working directory."""
        return os.path.normpath(os.path.join(self.directory, os.path.expanduser(path)))

    def run(
        self,
        args: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stream: bool = True,
        timeout: float | None = None,
        stdin: bytes | None = None,
        on_line: Callable[[str, str], None] | None = None,
    ) -> Completed:
        """Run a program to its end, its output shown live unless `stream` is false.

        Args:
            args: The program and its arguments.
            cwd: Its directory, relative to the working directory.
            env: Variables added to the pipeline's environment for this program alone.
            stream: Whether its lines are reported as they come.
            timeout: Seconds until it is ended.
            stdin: What it reads.
            on_line: Called with `("stdout"|"stderr", line)` instead of reporting the line; of a line that overwrites
                itself, as programs show their progress, with each state.

        Returns:
            Its exit status and output; a non-zero status raises nothing.

        Raises:
            FileNotFoundError, PermissionError, NotADirectoryError: it could not be started.
            TimeoutError: it ran longer than `timeout`.
        """
        return run_process(
            args,
            cwd=self.resolve(cwd) if cwd else self.directory,
            env={**self.environ, **env} if env else self.environ,
            on_line=on_line or (self._on_line if stream else None),
            each_state=on_line is not None,
            timeout=timeout,
            stdin=stdin,
        )

    def _on_line(self, stream: str, line: str) -> None:
        self._emit("output", {"stream": stream, "line": line})

    def write(self, line: str, *, stream: str = "stdout") -> None:
        """Report one line of output."""
        self._emit("output", {"stream": stream, "line": line})

    def progress(
        self, key: str, text: str, current: int | None = None, total: int | None = None, *, unit: str = "bytes"
    ) -> None:
        """Report how far one of the step's activities is.

        Args:
            key: Names the activity (a layer's id, say); a further report of the same key replaces the one before.
            text: What is going on, in a few words.
            current: How much is done.
            total: How much there is to do.
            unit: What both count: bytes, or a word such as "files".
        """
        told = {"key": key, "text": text, "current": current, "total": total, "unit": unit}
        self._emit("progress", told)

    def warn(self, message: str) -> None:
        """Report something that the user should know and that fails nothing."""
        self._emit("warning", {"message": message})

    def secret(self, value: str) -> str:
        """Have a value masked wherever it would be shown from now on.

        Returns:
            The value: `token = context.secret(response["token"])`.
        """
        self._emit("secret", {"value": value})
        return value

    def block(self, type_slug: str, name: str) -> Any:
        """Give a block's data.

        Raises:
            TemplateError: no source has the block.
        """
        if self._block is None:
            raise TemplateError(
                f"no source has the block {type_slug}/{name}",
                hint="set STEPENGINE_BLOCKS, or write it under 'blocks:' in the blocks file",
            )
        return self._block(type_slug, name)

    def builder(self, name: str) -> Builder:
        """Give a plugin's builder of images; a step that builds some asks for the one that its input names.

        Raises:
            StepError: there is none of the name, or this is a place without plugins: a container, a child process, an
                isolated environment.
        """
        if self._builder is None:
            hint = "ask for it in a build or push step that needs no environment of its own"
            raise StepError(f"the builder {name} cannot be used here: plugins are where stepengine runs", hint=hint)
        return self._builder(name)

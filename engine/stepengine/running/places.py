"""Where steps run: this process, a child process, or a container.

Each takes inputs as data and gives outputs as data.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

from stepengine.errors import StepError
from stepengine.running.calling import call_step
from stepengine.running.context import Context
from stepengine.running.prints import Prints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import NoReturn

    from stepengine.catalogue.spec import StepSpec
    from stepengine.hooks.types import Builder

    Emit = Callable[[str, dict[str, Any]], None]


class Place(Protocol):
    """Where the steps of one part of a pipeline run, one after the other."""

    description: str
    """In words, for people; empty for this process."""

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment variables there, as the last step left them; another object after they have changed."""

    @property
    def directory(self) -> str:
        """The working directory that the next step starts in."""

    def enter(self, directory: str, environ: Mapping[str, str]) -> None:
        """Have the next step start elsewhere.

        Args:
            directory: Its working directory; absolute.
            environ: Its whole environment.
        """

    def call(self, spec: StepSpec, inputs: dict[str, Any], emit: Emit) -> Any:
        """Run a step.

        Args:
            spec: What its name stands for.
            inputs: Its arguments, rendered.
            emit: Receives what it reports, as `Context` does.

        Returns:
            What its function returned.

        Raises:
            StepError: it failed.
            Exception: its function raised anything else.
        """


class OpenedPlace(Place, Protocol):
    """A place that was made for a pipeline, and ends with it."""

    def close(self) -> None:
        """End it and remove what it made."""


class LocalPlace:
    """This process.

    Args:
        load: Imports a step's callable.
        directory: Where the steps start.
        environ: The environment of their child processes.
        project: The values at the file's top level.
        block: Finds a block's data by `(type slug, name)`.
        builder: Finds a plugin's builder by its name.
        was_cancelled: Tells whether the run has been asked to end.
    """

    description = ""

    def __init__(
        self,
        load: Callable[[StepSpec], Callable[..., Any]],
        directory: str,
        environ: Mapping[str, str],
        project: Mapping[str, Any],
        block: Callable[[str, str], Any],
        *,
        builder: Callable[[str], Builder] | None = None,
        was_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._load = load
        self._emit: Emit = lambda _kind, _data: None
        self._process = os.getpid()
        self._prints: Prints | None = None
        self._functions: dict[str, Callable[..., Any]] = {}
        self._context = Context(
            directory,
            environ=environ,
            project=project,
            emit=self._forward,
            block=block,
            builder=builder,
            was_cancelled=was_cancelled,
        )

    @property
    def directory(self) -> str:
        """The working directory that the next step starts in."""
        return self._context.directory

    @property
    def environ(self) -> Mapping[str, str]:
        """What the next step finds, and what references to the environment mean."""
        return self._context.environ

    def enter(self, directory: str, environ: Mapping[str, str]) -> None:
        """Have the next step start elsewhere; see `Place.enter`."""
        self._context.directory, self._context.environ = directory, dict(environ)

    def call(self, spec: StepSpec, inputs: dict[str, Any], emit: Emit) -> Any:
        """Run a step; see `Place.call`."""
        self._emit = emit
        if spec.is_built_in:  # these print nothing, and taking prints would cost more than a small step
            return call_step(self._function(spec), inputs, self._context, spec.context)
        with self.take_prints(emit):
            return call_step(self._function(spec), inputs, self._context, spec.context)

    @contextmanager
    def take_prints(self, emit: Emit) -> Iterator[None]:
        """Have what this process and its children print be reported, and `os._exit` refused.

        Args:
            emit: Receives the lines.
        """
        self._emit = emit
        if self._prints is None:
            self._prints = Prints(lambda stream, line: self._forward("output", {"stream": stream, "line": line}))
        try:
            with _exit_refused(self._process):
                yield
        finally:
            if os.getpid() != self._process:  # a child that the step forked came back from it: the run is its parent's
                _end_child()
            self._prints.drain()

    def _function(self, spec: StepSpec) -> Callable[..., Any]:
        function = self._functions.get(spec.target)
        if function is None:
            function = self._functions[spec.target] = self._load(spec)
        return function

    def _forward(self, kind: str, data: dict[str, Any]) -> None:
        if os.getpid() == self._process:
            self._emit(kind, data)
        elif kind == "output":  # of a child that the step forked: it can only print
            os.write(2 if data["stream"] == "stderr" else 1, f"{data['line']}\n".encode("utf-8", "replace"))

    def close(self) -> None:
        """Give the process its standard output and error back."""
        if self._prints is not None:
            self._prints.end()
            self._prints = None


@contextmanager
def _exit_refused(process: int) -> Iterator[None]:
    """Have `os._exit` fail the step: it would end the run without a word, and a status of 0 looks like success."""
    leave = os._exit

    def refuse(status: int) -> None:
        if os.getpid() != process:
            leave(status)
        raise StepError(f"it called os._exit({status})", hint="raise an exception, or return")

    os._exit = refuse  # type: ignore[assignment]
    try:
        yield
    finally:
        os._exit = leave


def _end_child() -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # whatever the step made of it
            stream.flush()
    os._exit(0)

"""The command line's way through a file, in this process, which is afterwards as it was."""

from __future__ import annotations

import importlib
import io
import os
import signal
import sys
import threading
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import TYPE_CHECKING, Any

from stepengine.cli.arguments import parse_arguments
from stepengine.cli.listening import Audience
from stepengine.cli.masks import secrets_of_its_own
from stepengine.cli.output import as_diagnostic, show_error
from stepengine.cli.provisioning import Provisioning
from stepengine.cli.run import EXIT_CODES, prepare
from stepengine.diagnostics.diagnostic import Diagnostic
from stepengine.errors import StepEngineError, UsageError
from stepengine.events import Notice, StepFinished, StepOutput, StepStarted
from stepengine.running.runner import run_plan
from stepengine.testing.outcome import Outcome, StepOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from stepengine.catalogue.spec import StepSpec
    from stepengine.entry_points import EntryPoint
    from stepengine.environments.provision import Decision
    from stepengine.events import Event, Listener
    from stepengine.result import RunResult
    from stepengine.secrecy.secrets import Secrets
    from stepengine.world import World

    Adapt = Callable[[World], tuple[World, Listener | None]]


def run_in_process(
    arguments: Sequence[str],
    *,
    directory: str,
    environ: Mapping[str, str],
    more: Iterable[EntryPoint] = (),
    adapt: Adapt = lambda world: (world, None),
    prepared: Callable[[], None] = lambda: None,
    is_replayed: bool = False,
) -> Outcome:
    """Run a file as `stepengine run` does.

    Args:
        arguments: What follows `stepengine run`.
        directory: Where it is started.
        environ: Its whole environment.
        more: Entry points beside those of the installed distributions.
        adapt: Takes what the run may use, and gives what it is to use, and who listens.
        prepared: Called once the file is read and checked.
        is_replayed: Whether no step really runs: what they require need not be here.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed meanwhile.
    """
    with _as_it_was(directory, environ), secrets_of_its_own() as secrets, _interruptible() as was_interrupted:
        run = _Run(secrets)
        with redirect_stdout(run.stream), redirect_stderr(run.stream):
            run.prepare(["run", *arguments], more, Nothing(directory) if is_replayed else None)
            prepared()
            run.execute(adapt, was_interrupted)
        if was_interrupted():
            raise KeyboardInterrupt
    return run.outcome()


class Nothing(Provisioning):
    """No environments: all requirements pass for met."""

    def decide(self, _requires: Sequence[str], _spec: StepSpec | None) -> Decision:
        """Decide that nothing is needed."""
        from stepengine.environments.provision import Decision

        return Decision(())


class _Run:
    """One run, and what was seen of it."""

    def __init__(self, secrets: Secrets) -> None:
        self.stream = io.StringIO()
        self._secrets = secrets
        self._events: list[Event] = []
        self._diagnostics: list[Diagnostic] = []
        self._prepared: Any = None
        self._result: RunResult | None = None
        self._code = 0
        self._error: StepEngineError | None = None

    def prepare(self, words: list[str], more: Iterable[EntryPoint], provisioning: Provisioning | None) -> None:
        try:
            options = parse_arguments(words)
            if isinstance(options, int):
                self._code = options
                return
            found = prepare(options, self._refuse, more, provisioning)
        except StepEngineError as error:
            show_error(error)
            self._code, self._error = error.exit_code, error
            if isinstance(error, UsageError):
                self._diagnostics = [Diagnostic(**as_diagnostic(error))]
            return
        if isinstance(found, int):
            self._code = found
            return
        plan, project, _ = found
        self._diagnostics = [*project.file.diagnostics, *plan.diagnostics]
        self._prepared = found

    def _refuse(self, _name: str, diagnostics: Iterable[Diagnostic]) -> int:
        self._diagnostics = list(diagnostics)
        return UsageError.exit_code

    def execute(self, adapt: Adapt, was_interrupted: Callable[[], bool]) -> None:
        if self._prepared is None:
            return
        from stepengine_plugins.reporters import TextReporter

        plan, project, world = self._prepared
        world, also = adapt(world._replace(was_interrupted=was_interrupted))
        people = Audience(TextReporter(self.stream), self.stream, project.hooks.listeners())
        listeners: list[Listener] = [self._events.append, people]
        if also is not None:
            listeners.append(also)

        def listen(event: Event) -> None:
            for listener in listeners:
                listener(event)

        self._result = run_plan(plan, world, listen)
        self._code = EXIT_CODES[self._result.status]

    def outcome(self) -> Outcome:
        mask = self._secrets.mask
        message, hint = self._told()
        return Outcome(
            exit_code=self._code,
            text=mask(self.stream.getvalue()),
            steps=tuple(_steps(self._events)),
            diagnostics=tuple(
                found._replace(message=mask(found.message), hint=mask(found.hint)) for found in self._diagnostics
            ),
            events=tuple(self._events),
            result=self._result,
            message=mask(message),
            hint=mask(hint),
        )

    def _told(self) -> tuple[str, str]:
        failure = self._error if self._result is None else self._result.failure
        first = next((found for found in self._diagnostics if found.severity == "error"), None)
        told = failure or (first if self._code else None)
        return (told.message, told.hint) if told is not None else ("", "")


def _steps(events: Iterable[Event]) -> Iterator[StepOutcome]:
    printed: list[tuple[str, str]] = []
    warnings: list[str] = []
    for event in events:
        if isinstance(event, StepStarted):
            printed, warnings = [], []
        elif isinstance(event, StepOutput):
            printed.append((event.stream, event.line))
        elif isinstance(event, Notice) and event.step is not None:
            warnings.append(event.message)
        elif isinstance(event, StepFinished):
            step, result = event.step, event.result
            yield StepOutcome(
                section=step.section,
                id=step.id,
                name=step.name,
                label=step.label,
                status=result.status,
                outputs=result.outputs,
                printed=tuple(printed),
                warnings=tuple(warnings),
                failure=result.failure,
            )
            printed, warnings = [], []


@contextmanager
def _as_it_was(directory: str, environ: Mapping[str, str]) -> Iterator[None]:
    """Lend a run the process's directory, environment and modules, and take them back."""
    before_directory, before_environ = os.getcwd(), dict(os.environ)
    before_path, before_modules = list(sys.path), set(sys.modules)
    importlib.invalidate_caches()  # the test may have written a module within the clock's resolution
    try:
        os.chdir(directory)
        _set_environ(environ)
        yield
    finally:
        _set_environ(before_environ)
        os.chdir(before_directory)
        sys.path[:] = before_path
        # Another test's project may have a module of the same name.
        for name in sys.modules.keys() - before_modules:
            if _is_below(sys.modules[name], directory):
                del sys.modules[name]


def _set_environ(environ: Mapping[str, str]) -> None:
    for name in os.environ.keys() - environ.keys():
        del os.environ[name]
    os.environ.update(environ)


def _is_below(module: Any, directory: str) -> bool:
    places = [getattr(module, "__file__", None)]
    with suppress(Exception):  # a module may be anything
        places += list(getattr(module, "__path__", None) or [])
    return any(isinstance(place, str) and place.startswith(directory + os.sep) for place in places)


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Remember Ctrl-C: a run takes it for its own end, and the test session is to end as well."""
    seen = False

    def take(_number: int, _frame: object) -> None:
        nonlocal seen
        seen = True
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # only that one may set handlers
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, take)
    try:
        yield lambda: seen
    finally:
        signal.signal(signal.SIGINT, before)

"""The built-in ways to tell of a run: text for people, one JSON document for programs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from stepengine.plugin import (
    Notice,
    PipelineStarted,
    Reporter,
    RunFinished,
    StepFinished,
    StepOutput,
    StepProgress,
    StepStarted,
    Style,
    is_terminal,
    one_line,
    style_for,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

    from stepengine.plugin import Event, Failure, PullPlace, RunResult, StepInfo, StepResult

_NAMES = 5
"""How many deployments' names head a pipeline."""

_MEGABYTE = 1_000_000


def stepengine_reporters() -> Iterator[Reporter]:
    """Give the two reporters."""
    yield Reporter("text", TextReporter)
    yield Reporter("json", json_reporter)


def json_reporter(stream: TextIO) -> Callable[[Event], None]:
    """Give a listener that writes the result as one JSON document when all is over."""

    def listen(event: Event) -> None:
        if isinstance(event, RunFinished):
            import json

            stream.write(json.dumps(event.result.as_json(), indent=2, default=str) + "\n")

    return listen


class TextReporter:
    """Tells of a run as it goes.

    Args:
        stream: Where to; standard error, most often.
        quiet: Whether to tell of failures alone.
    """

    def __init__(self, stream: TextIO, *, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet
        self._live = is_terminal(stream, os.environ)
        self._style: Style = style_for(stream, os.environ)
        self._status = ""
        self._told: set[tuple[str, str]] = set()
        self._last_line = ""
        self._tell: dict[type, Callable[[Any], None]] = {
            PipelineStarted: self._pipeline_started,
            StepStarted: self._step_started,
            StepOutput: self._step_output,
            StepProgress: self._step_progress,
            Notice: self._notice,
            StepFinished: self._step_finished,
            RunFinished: self._run_finished,
        }
        self._seen: set[str] = set()  # the places of failures whose output stands right above

    def __call__(self, event: Event) -> None:
        """Take an event."""
        tell = self._tell.get(type(event))
        if tell is not None and (not self._quiet or type(event) is RunFinished):
            tell(event)

    def _line(self, text: str) -> None:
        self._clear()
        self._stream.write(text + "\n")
        self._stream.flush()

    def _clear(self) -> None:
        if self._status:
            self._stream.write("\r\x1b[K")
            self._status = ""

    def _pipeline_started(self, event: PipelineStarted) -> None:
        if event.total > 1:
            names = one_line(", ".join(event.deployments[:_NAMES]))
            more = f" and {len(event.deployments) - _NAMES} more" if len(event.deployments) > _NAMES else ""
            self._line(self._style.bold(f"pipeline {event.number} of {event.total}: {names}{more}"))

    def _step_started(self, event: StepStarted) -> None:
        self._told.clear()
        self._last_line = ""
        place = f", {event.place}" if event.place else ""
        short = one_line(event.step.name) if event.step.id else f"line {event.step.line}"
        self._line(f"{self._label(event.step)} {self._style.dim(f'({short}{place})')}")

    def _label(self, step: StepInfo) -> str:
        return f"{step.section} {self._style.bold(step.label)}"

    def _step_output(self, event: StepOutput) -> None:
        self._last_line = event.line
        self._line(f"  {event.line}")

    def _step_progress(self, event: StepProgress) -> None:
        if not self._live:
            if (event.key, event.text) not in self._told:
                self._told.add((event.key, event.text))
                self._line(f"  {one_line(f'{event.key}: {event.text}')}")
            return
        amount = ""
        if event.current is not None and event.total:
            of_all = f"{event.current * 100 // event.total:3d} % of {_size(event.total)}"
            amount = (
                f" {of_all if event.unit == 'bytes' else f'{event.current} of {event.total} {one_line(event.unit)}'}"
            )
        self._clear()
        self._status = f"  {one_line(f'{event.key}: {event.text}')}{amount}"[: _columns() - 1]
        self._stream.write(self._status)
        self._stream.flush()

    def _notice(self, event: Notice) -> None:
        where = f"{event.step.label}: " if event.step is not None else ""
        self._line(f"{self._style.yellow('warning')}: {where}{one_line(event.message)}")

    def _step_finished(self, event: StepFinished) -> None:
        result = event.result
        if result.status == "succeeded":
            self._line(f"  {self._style.green('done')} {self._style.dim(f'in {_seconds(result.duration_s)}')}")
        elif result.status == "cached":
            self._line(f"{self._label(event.step)} {self._style.dim('(an earlier pipeline ran the same)')}")
        elif result.status == "failed":
            failure = result.failure
            if failure is not None and self._last_line and failure.output.rstrip().endswith(self._last_line.rstrip()):
                self._seen.add(failure.where)
            if not self._quiet:
                self._line(f"  {self._style.red('failed')} {self._style.dim(f'after {_seconds(result.duration_s)}')}")

    def _run_finished(self, event: RunFinished) -> None:
        result = event.result
        for pipeline in result.pipelines:
            self._tell_pull(pipeline.pull)
        for deployment in result.deployments if result.status == "succeeded" else ():
            self._tell_image(deployment)
        failures = [step.failure for pipeline in result.pipelines for step in pipeline.steps]
        for failure in dict.fromkeys([*failures, result.failure]):  # each once: pipelines share steps
            if failure is not None:
                self._failure(failure)
        skipped = [f"{step.section} {step.label}" for step in _skipped(result)]
        if skipped:
            self._line(f"not run: {', '.join(skipped)}")
        self._summary(result)

    def _tell_pull(self, pull: PullPlace | None) -> None:
        if pull is None or self._quiet or pull.kind == "skip":
            return
        where = f"a container of {pull.image}" if pull.kind == "image" else "a child process on this machine"
        self._line(one_line(f"pull steps ran in {where} and ended up in {pull.directory} (removed since)"))

    def _tell_image(self, deployment: dict[str, Any]) -> None:
        work_pool = deployment.get("work_pool")
        variables = work_pool.get("job_variables") if isinstance(work_pool, dict) else None
        image = variables.get("image") if isinstance(variables, dict) else None
        if image and not self._quiet:
            self._line(
                f"deployment {self._style.bold(one_line(str(deployment.get('name'))))}: image {one_line(str(image))}"
            )

    def _failure(self, failure: Failure) -> None:
        self._line(f"{self._style.red('error')}: {one_line(failure.message)}")
        if failure.where:
            self._line(f"  at {one_line(failure.where)}")
        if failure.output and failure.where not in self._seen:
            self._line("  the end of its output:")
            for line in failure.output.splitlines()[-20:]:
                self._line(f"    {line}")
        if failure.frames:
            self._line("  raised by:")
            for line in failure.frames.splitlines():
                self._line(f"  {line}")
        if failure.hint:
            self._line(f"  {self._style.dim('help:')} {one_line(failure.hint)}")

    def _summary(self, result: RunResult) -> None:
        steps = [
            step for pipeline in result.pipelines for step in pipeline.steps if step.status in ("succeeded", "cached")
        ]
        total = sum(step.duration_s for pipeline in result.pipelines for step in pipeline.steps)
        word = {"succeeded": self._style.green, "failed": self._style.red}.get(result.status, self._style.yellow)
        if not self._quiet or result.status != "succeeded":
            plural = "" if len(steps) == 1 else "s"
            self._line(f"{word(result.status)}: {len(steps)} step{plural} done in {_seconds(total)}")


def _skipped(result: RunResult) -> list[StepResult]:
    return [
        step
        for pipeline in result.pipelines
        for step in pipeline.steps
        if step.status == "skipped" and not (step.section == "pull" and pipeline.pull and pipeline.pull.kind == "skip")
    ]


def _columns() -> int:
    import shutil

    return shutil.get_terminal_size().columns


def _seconds(duration: float) -> str:
    return f"{duration * 1000:.0f} ms" if duration < 1 else f"{duration:.1f} s"


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= _MEGABYTE else f"{count / 1e3:.0f} kB"

"""Between the runner and the reporters: no event passes with a secret in it."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from stepengine.events import (
    Notice,
    PipelineFinished,
    PipelineStarted,
    RunFinished,
    StepFinished,
    StepOutput,
    StepProgress,
    StepStarted,
)
from stepengine.secrecy.secrets import LineMasker

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal, TypeVar

    from stepengine.events import Event, Listener, StepInfo
    from stepengine.result import Failure, PipelineResult, PullPlace, RunResult, StepResult
    from stepengine.secrecy.secrets import Secrets

    Result = TypeVar("Result", StepResult, PipelineResult, StepInfo)


TAIL_LINES = 20
"""Lines of a failed step's output that are part of the result."""


class Masking:
    """Hands events on to a listener, masked.

    Args:
        secrets: The run's secrets; more may be added while it runs.
        listener: Takes the events.
    """

    def __init__(self, secrets: Secrets, listener: Listener) -> None:
        self._secrets = secrets
        self._listener = listener
        self._lines: dict[Literal["stdout", "stderr"], LineMasker] = {}
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        # Prints, and the reports of a step's own threads, come from threads of their own.
        self._lock = threading.RLock()
        # By the identity of a result: it, its masked form, and how many secrets there were then. A result is told of in
        # up to three events, and masking it takes longer than all else that a cheap step costs.
        self._names: dict[str, tuple[str, int]] = {}
        self._masked_results: dict[int, tuple[Any, Any, int]] = {}

    def __call__(self, event: Event) -> None:
        """Take an event."""
        with self._lock:
            if type(event) is StepOutput:
                self._output(event)
            elif not self._secrets:
                self._listener(event)
            else:
                self._listener(self._masked(event))

    def _output(self, event: StepOutput) -> None:
        masker = self._lines.get(event.stream)
        if masker is None:
            if not self._secrets:
                self._show(event)
                return
            masker = self._lines[event.stream] = LineMasker(self._secrets)
        for line in masker.line(event.line):
            self._show(StepOutput(self._info(event.step), event.stream, line))

    def _show(self, event: StepOutput) -> None:
        self._tail.append(event.line)
        self._listener(event)

    def end_output(self, step: StepInfo) -> str:
        """Hand on what was held back of a step's output: it may have been the beginning of a secret.

        Returns:
            The last lines of its output as they were shown.
        """
        if not self._lines and not self._tail:
            return ""
        with self._lock:
            for stream, masker in self._lines.items():
                for line in masker.flush():
                    self._show(StepOutput(self._info(step), stream, line))
            self._lines.clear()
            tail = "\n".join(self._tail)
            self._tail.clear()
            return tail

    def _masked(self, event: Any) -> Any:
        mask = self._secrets.mask
        if isinstance(event, StepStarted):
            return StepStarted(self._info(event.step), mask(event.place))
        if isinstance(event, StepProgress):
            return event._replace(step=self._info(event.step), key=mask(event.key), text=mask(event.text))
        if isinstance(event, Notice):
            step = None if event.step is None else self._info(event.step)
            return event._replace(message=mask(event.message), step=step)
        if isinstance(event, StepFinished):
            return StepFinished(self._info(event.step), self._once(event.result, self._step))
        if isinstance(event, PipelineStarted):
            return event._replace(deployments=tuple(map(mask, event.deployments)))
        if isinstance(event, PipelineFinished):
            return event._replace(result=self._once(event.result, self._pipeline))
        return event

    def finish(self, result: RunResult) -> RunResult:
        """Hand on that the run is over.

        Returns:
            Its result, masked.
        """
        result = self._run(result)  # without secrets too: it also makes data of what JSON cannot have
        self._listener(RunFinished(result))
        return result

    def _once(self, result: Result, mask: Callable[[Result], Result]) -> Result:
        count = len(self._secrets)
        known = self._masked_results.get(id(result))
        if known is None or known[2] != count:
            known = self._masked_results[id(result)] = result, mask(result), count
        masked: Result = known[1]
        return masked

    def _name(self, text: str) -> str:
        """Mask an id or a name; the same ones come with every event."""
        count = len(self._secrets)
        known = self._names.get(text)
        if known is None or known[1] != count:
            known = self._names[text] = self._secrets.mask(text), count
        return known[0]

    def _info(self, step: StepInfo) -> StepInfo:
        """Mask what a step is called: an author may have put anything into an id."""
        return self._once(step, self._masked_info)

    def _masked_info(self, step: StepInfo) -> StepInfo:
        masked = self._name(step.id), self._name(step.name), self._name(step.label)
        if masked == (step.id, step.name, step.label):
            return step
        return step._replace(id=masked[0], name=masked[1], label=masked[2])

    def _step(self, result: StepResult) -> StepResult:
        return result._replace(
            id=None if result.id is None else self._name(result.id),
            name=self._name(result.name),
            outputs=self._secrets.mask_data(result.outputs),
            failure=self._failure(result.failure),
        )

    def _pipeline(self, result: PipelineResult) -> PipelineResult:
        steps = tuple(self._once(step, self._step) for step in result.steps)
        return result._replace(
            deployments=tuple(map(self._secrets.mask, result.deployments)),
            steps=steps,
            outputs=self._secrets.mask_data(result.outputs),
            pull=None if result.pull is None else self._place(result.pull),
        )

    def _place(self, place: PullPlace) -> PullPlace:
        image, directory = (
            None if each is None else self._secrets.mask(each) for each in (place.image, place.directory)
        )
        return place._replace(image=image, directory=directory)

    def _run(self, result: RunResult) -> RunResult:
        return result._replace(
            pipelines=tuple(self._once(pipeline, self._pipeline) for pipeline in result.pipelines),
            deployments=tuple(self._secrets.mask_data(deployment) for deployment in result.deployments),
            failure=self._failure(result.failure),
        )

    def _failure(self, failure: Failure | None) -> Failure | None:
        if failure is None:
            return None
        masked = type(failure)(*map(self._secrets.mask, failure))
        return masked._replace(output=self._secrets.mask_cut(failure.output))

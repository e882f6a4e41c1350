"""Between the runner and the reporters: no event passes with a secret in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.events import Notice, PipelineFinished, RunFinished, StepFinished, StepOutput, StepProgress
from stepengine.secrets import LineMasker

if TYPE_CHECKING:
    from collections.abc import Callable

    from stepengine.model import Step
    from stepengine.result import Failure, PipelineResult, RunResult, StepResult
    from stepengine.secrets import Secrets


class Masking:
    """Hands events on to a listener, masked.

    Args:
        secrets: The run's secrets; more may be added while it runs.
        listener: Takes the events.
    """

    def __init__(self, secrets: Secrets, listener: Callable[[Any], None]) -> None:
        self._secrets = secrets
        self._listener = listener
        self._lines: dict[str, LineMasker] = {}

    def __call__(self, event: Any) -> None:
        """Take an event."""
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
                self._listener(event)
                return
            masker = self._lines[event.stream] = LineMasker(self._secrets)
        for line in masker.line(event.line):
            self._listener(event._replace(line=line))

    def end_output(self, step: Step) -> None:
        """Hand on what was held back of a step's output: it may have been the beginning of a secret."""
        for stream, masker in self._lines.items():
            for line in masker.flush():
                self._listener(StepOutput(step, stream, line))
        self._lines.clear()

    def _masked(self, event: Any) -> Any:
        mask = self._secrets.mask
        if isinstance(event, StepProgress):
            return event._replace(text=mask(event.text))
        if isinstance(event, Notice):
            return event._replace(message=mask(event.message))
        if isinstance(event, StepFinished):
            return event._replace(result=self.step(event.result))
        if isinstance(event, PipelineFinished):
            return event._replace(result=self.pipeline(event.result))
        if isinstance(event, RunFinished):
            return event._replace(result=self.run(event.result))
        return event

    def step(self, result: StepResult) -> StepResult:
        """Mask a step's result."""
        outputs = self._secrets.mask_data(result.outputs)
        return result._replace(outputs=outputs, failure=self._failure(result.failure))

    def pipeline(self, result: PipelineResult) -> PipelineResult:
        """Mask a pipeline's result."""
        steps = tuple(self.step(step) for step in result.steps)
        return result._replace(steps=steps, outputs=self._secrets.mask_data(result.outputs))

    def run(self, result: RunResult) -> RunResult:
        """Mask a run's result."""
        if not self._secrets:
            return result
        return result._replace(
            pipelines=tuple(self.pipeline(pipeline) for pipeline in result.pipelines),
            deployments=tuple(self._secrets.mask_data(deployment) for deployment in result.deployments),
            failure=self._failure(result.failure),
        )

    def _failure(self, failure: Failure | None) -> Failure | None:
        return None if failure is None else type(failure)(*map(self._secrets.mask, failure))

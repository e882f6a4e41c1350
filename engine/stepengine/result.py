"""How a run went, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.model import label_of
from stepengine.records import Record

if TYPE_CHECKING:
    from typing import Literal

    from stepengine.model import Section

    StepStatus = Literal["succeeded", "failed", "skipped", "cached"]
    RunStatus = Literal["succeeded", "failed", "interrupted"]


class Failure(Record):
    """Why a step or the run did not succeed.

    Attributes:
        message: One line: what.
        where: One line: `file:line:column`, and the step.
        hint: One line: what to do; may be empty.
        output: The end of what the step printed; may be empty.
        frames: Where an exception of the step's own code was raised, as Python's tracebacks show it; may be empty.
    """

    message: str
    where: str
    hint: str
    output: str = ""
    frames: str = ""


class StepResult(Record):
    """One step's part of a result.

    Attributes:
        section: "build", "push" or "pull".
        id: Its id; None where it has none.
        name: Its name.
        status: "succeeded", "failed", "skipped" (it did not run) or "cached" (an earlier pipeline ran the same).
        duration_s: Seconds.
        outputs: What it returned; empty where that was nothing.
        failure: Why it failed.
    """

    section: Section
    id: str | None
    name: str
    status: StepStatus
    duration_s: float
    outputs: dict[str, Any]
    failure: Failure | None = None

    @property
    def label(self) -> str:
        """What the step is called towards people: its id, or else the last part of its name, on one line."""
        return label_of(self.id, self.name)


class PullPlace(Record):
    """Where the pull steps ran.

    Attributes:
        kind: "image" (a container of it), "here" (a child process) or "skip".
        image: The image; None elsewhere.
        directory: The working directory after the last of them; None where none ran.
    """

    kind: Literal["image", "here", "skip"]
    image: str | None
    directory: str | None


class PipelineResult(Record):
    """One pipeline's part of a result.

    Attributes:
        deployments: The names of those that share it.
        steps: Each step, those that did not run too.
        outputs: What Prefect's `run_steps` would return: each id, and the flattened names.
        pull: Where the pull steps ran; None where there are none.
    """

    deployments: tuple[str, ...]
    steps: tuple[StepResult, ...]
    outputs: dict[str, Any]
    pull: PullPlace | None


class RunResult(Record):
    """A whole run.

    Attributes:
        status: "succeeded", "failed" or "interrupted".
        pipelines: In the order in which they ran; those after a failed one ran too.
        deployments: The chosen deployments' fields, references to outputs resolved, sections left out.
        failure: The first failure.
    """

    status: RunStatus
    pipelines: tuple[PipelineResult, ...]
    deployments: tuple[dict[str, Any], ...]
    failure: Failure | None

    def as_json(self) -> dict[str, Any]:
        """Give the document that `run --format json` prints; `docs/command-line.md` describes it."""
        return {
            "status": self.status,
            "pipelines": [_pipeline_json(pipeline) for pipeline in self.pipelines],
            "deployments": list(self.deployments),
            "error": None if self.failure is None else self.failure._asdict(),
        }


def _pipeline_json(pipeline: PipelineResult) -> dict[str, Any]:
    return {
        "deployments": list(pipeline.deployments),
        "steps": [_step_json(step) for step in pipeline.steps],
        "outputs": pipeline.outputs,
        "pull": None if pipeline.pull is None else pipeline.pull._asdict(),
    }


def _step_json(step: StepResult) -> dict[str, Any]:
    document = {**step._asdict(), "duration_s": round(step.duration_s, 6)}
    failure = document.pop("failure")
    if failure is not None:
        document["error"] = failure._asdict()
    return document

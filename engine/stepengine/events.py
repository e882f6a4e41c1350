"""What happens during a run, as reporters learn of it. Secrets are masked before an event leaves the runner."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from stepengine.records import Record

if TYPE_CHECKING:
    from typing import Literal

    from stepengine.model import Section
    from stepengine.result import PipelineResult, RunResult, StepResult


class StepInfo(Record):
    """Which step an event tells of.

    Attributes:
        section: "build", "push" or "pull".
        id: Its id; empty where it has none.
        name: Its name as it is written.
        label: What it is called towards people: its id, or else the last part of its name, on one line.
        line: Where its name stands, counted from 1.
        column: The same, in characters.
    """

    section: Section
    id: str
    name: str
    label: str
    line: int
    column: int


class PipelineStarted(Record):
    """A pipeline begins.

    Attributes:
        number: Which one, from 1.
        total: How many there are.
        deployments: The names of those that share it.
        steps: How many steps it has.
    """

    number: int
    total: int
    deployments: tuple[str, ...]
    steps: int


class StepStarted(Record):
    """A step begins.

    Attributes:
        step: It.
        place: Where it runs: "" for this process, else in words ("in a container of app:1").
    """

    step: StepInfo
    place: str


class StepOutput(Record):
    """A step, or a program that it runs, printed a line.

    Attributes:
        step: It.
        stream: "stdout" or "stderr".
        line: Without its end.
    """

    step: StepInfo
    stream: Literal["stdout", "stderr"]
    line: str


class StepProgress(Record):
    """A step tells how far it is; see `Context.progress` for the fields."""

    step: StepInfo
    key: str
    text: str
    current: int | None
    total: int | None
    unit: str = "bytes"


class Notice(Record):
    """Something that the user should know and that fails nothing.

    Attributes:
        message: One line.
        step: The step that says it; None where the run does.
    """

    message: str
    step: StepInfo | None


class StepFinished(Record):
    """A step is over.

    Attributes:
        step: It.
        result: How it went.
    """

    step: StepInfo
    result: StepResult


class PipelineFinished(Record):
    """A pipeline is over."""

    result: PipelineResult


class RunFinished(Record):
    """All is over."""

    result: RunResult


Event = (
    PipelineStarted | StepStarted | StepOutput | StepProgress | Notice | StepFinished | PipelineFinished | RunFinished
)
"""Anything that happens."""

Listener = Callable[[Event], None]
"""What takes the events of a run, one after the other."""

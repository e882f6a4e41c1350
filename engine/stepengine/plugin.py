"""What authors of steps and hook plugins import; all that is here is public."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from stepengine.context import Context
from stepengine.errors import StepError, TemplateError
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
from stepengine.hook_types import ReferenceSource, Reporter
from stepengine.process import Completed
from stepengine.terminal import Style, is_terminal, style_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeVar

    Function = TypeVar("Function", bound=Callable[..., Any])

__all__ = [
    "Completed",
    "Context",
    "Notice",
    "PipelineFinished",
    "PipelineStarted",
    "ReferenceSource",
    "Reporter",
    "RunFinished",
    "StepError",
    "StepFinished",
    "StepOptions",
    "StepOutput",
    "StepProgress",
    "StepStarted",
    "Style",
    "TemplateError",
    "is_terminal",
    "step",
    "style_for",
]


class StepOptions(NamedTuple):
    """What `step` records of a function, under its attribute `__step__`.

    Attributes:
        outputs: The names of its outputs; None where they are not known before it ran.
        phase: "deployer" or "worker" where it makes sense on one side alone.
        provides: The distribution and version whose step of the same name it stands for, as `name==version`.
        deprecated: Names that still work, and say once by which name to replace them.
        check: Finds what types cannot tell of the inputs that a file gives; returns one line each, shown as warnings
            before anything runs. It gets the inputs as the file has them: references are not resolved (a text may hold
            `{{ ... }}`, an input may be missing), and it must neither fail on them nor do or read anything else.
    """

    outputs: tuple[str, ...] | None = None
    phase: str | None = None
    provides: str | None = None
    deprecated: tuple[str, ...] = ()
    check: Callable[[Mapping[str, Any]], Iterable[str]] | None = None


def step(
    *,
    outputs: Sequence[str] | None = None,
    phase: str | None = None,
    provides: str | None = None,
    deprecated: Sequence[str] = (),
    check: Callable[[Mapping[str, Any]], Iterable[str]] | None = None,
) -> Callable[[Function], Function]:
    """Describe a function that is a step; the function itself stays as it is. See `StepOptions` for the arguments.

    Example:
        >>> @step(outputs=["shout"])
        ... def upper(text: str) -> dict[str, str]:
        ...     return {"shout": text.upper()}
        >>> upper("hello")
        {'shout': 'HELLO'}
    """
    options = StepOptions(None if outputs is None else tuple(outputs), phase, provides, tuple(deprecated), check)

    def mark(function: Function) -> Function:
        function.__step__ = options  # type: ignore[attr-defined]
        return function

    return mark

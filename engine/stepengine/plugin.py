"""What authors of steps and hook plugins import; all that is here is public."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.catalogue.step_options import PHASES, TOUCHES, StepOptions
from stepengine.diagnostics.diagnostic import one_line
from stepengine.environments.index_settings import IndexSettings, credentials_in, read_index_settings
from stepengine.errors import StepError, TemplateError
from stepengine.events import (
    Event,
    Listener,
    Notice,
    PipelineFinished,
    PipelineStarted,
    RunFinished,
    StepFinished,
    StepInfo,
    StepOutput,
    StepProgress,
    StepStarted,
)
from stepengine.hooks.types import Builder, BuilderName, BuildRequest, Recipe, ReferenceSource, Reporter
from stepengine.result import Failure, PipelineResult, PullPlace, RunResult, StepResult
from stepengine.running.context import Context
from stepengine.running.process import Completed
from stepengine.running.wrapping import StepCall, StepWrapper
from stepengine.secrecy.names import is_secret_name
from stepengine.terminal import Style, is_terminal, style_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Literal, TypeVar

    from stepengine.catalogue.step_options import Touch

    Function = TypeVar("Function", bound=Callable[..., Any])

__all__ = [
    "BuildRequest",
    "Builder",
    "BuilderName",
    "Completed",
    "Context",
    "Event",
    "Failure",
    "IndexSettings",
    "Listener",
    "Notice",
    "PipelineFinished",
    "PipelineResult",
    "PipelineStarted",
    "PullPlace",
    "Recipe",
    "ReferenceSource",
    "Reporter",
    "RunFinished",
    "RunResult",
    "StepCall",
    "StepError",
    "StepFinished",
    "StepInfo",
    "StepOptions",
    "StepOutput",
    "StepProgress",
    "StepResult",
    "StepStarted",
    "StepWrapper",
    "Style",
    "TemplateError",
    "credentials_in",
    "is_secret_name",
    "is_terminal",
    "one_line",
    "read_index_settings",
    "step",
    "style_for",
]


def step(
    *,
    outputs: Sequence[str] | None = None,
    phase: Literal["deployer", "worker"] | None = None,
    provides: str | None = None,
    deprecated: Sequence[str] = (),
    check: Callable[[Mapping[str, Any]], Iterable[str]] | None = None,
    libraries: Sequence[str] | None = None,
    touches: Sequence[Touch] | None = None,
) -> Callable[[Function], Function]:
    """Describe a function that is a step; the function itself stays as it is. See `StepOptions` for the arguments.

    Raises:
        TypeError: a text stands where a list of names is meant.
        ValueError: `phase` or a word of `touches` is another one.

    Example:
        >>> from stepengine.plugin import step
        >>> @step(outputs=["shout"])
        ... def upper(text: str) -> dict[str, str]:
        ...     return {"shout": text.upper()}
        >>> upper("hello")
        {'shout': 'HELLO'}
    """
    lists = (("outputs", outputs), ("deprecated", deprecated), ("libraries", libraries), ("touches", touches))
    for name, given in lists:
        if isinstance(given, str):
            raise TypeError(f"{name} of a step is a list, not the text {given!r}: write [{given!r}]")
    if phase not in PHASES:
        raise ValueError(f"phase of a step is 'deployer' or 'worker', not {phase!r}")
    for word in touches or ():
        if word not in TOUCHES:
            raise ValueError(f"touches of a step has no word {word!r}: there are {', '.join(TOUCHES)}")
    options = StepOptions(
        None if outputs is None else tuple(outputs),
        phase,
        provides,
        tuple(deprecated),
        check,
        None if libraries is None else tuple(libraries),
        None if touches is None else tuple(touches),
    )

    def mark(function: Function) -> Function:
        function.__step__ = options  # type: ignore[attr-defined]
        return function

    return mark

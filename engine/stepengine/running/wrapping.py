"""What plugins put around a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stepengine.catalogue.spec import StepSpec
    from stepengine.events import StepInfo
    from stepengine.running.places import Emit, Place

    Proceed = Callable[[dict[str, Any]], Any]


class StepCall(Record):
    """A step that is about to run, as what is put around it sees it.

    Attributes:
        step: It.
        shown: Its inputs as they may be shown, with `***` for what came from a secret; secrets that stand in them by
            chance are in the clear.
        place: Where it runs: its directory and environment, and `enter` for those of its successors.
        emit: Takes what is reported in its name, as `Context` does: `emit("output", {"stream": "stdout", "line": ""})`.
        proceed: Runs it with the inputs that it is given, and gives what its function returned. It may be called any
            number of times; what it raises is the step's failure, unless the caller handles it.
    """

    step: StepInfo
    shown: dict[str, Any]
    place: Place
    emit: Emit
    proceed: Callable[[dict[str, Any]], Any]


class StepWrapper(Record):
    """What a plugin puts around each step: to time it, to try again, to answer in its place.

    Attributes:
        name: What it is, in a few words.
        wrap: Takes the call and the step's inputs, rendered (secrets are in the clear), and gives the step's outputs.
    """

    name: str
    wrap: Callable[[StepCall, dict[str, Any]], Any]


def wrap_call(
    wrappers: Sequence[StepWrapper], step: StepInfo, shown: dict[str, Any], spec: StepSpec, place: Place, emit: Emit
) -> Proceed:
    """Give what runs a step with the inputs that it is given, inside of what plugins put around it.

    Args:
        wrappers: Them, the outermost first.
        step: The step.
        shown: Its inputs as they may be shown.
        spec: What its name stands for.
        place: Where it runs.
        emit: Receives what it reports.
    """

    def call(inputs: dict[str, Any]) -> Any:
        return place.call(spec, inputs, emit)

    proceed: Proceed = call
    for wrapper in reversed(wrappers):
        proceed = _inside(wrapper, StepCall(step, shown, place, emit, proceed))
    return proceed


def _inside(wrapper: StepWrapper, call: StepCall) -> Proceed:
    return lambda inputs: wrapper.wrap(call, inputs)

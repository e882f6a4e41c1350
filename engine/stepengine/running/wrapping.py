"""What plugins put around a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stepengine.errors import StepEngineError, StepError, tell_exception
from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

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
        place: Where it runs: `place.description` in words (empty for this process), `place.directory` and
            `place.environ`, and `place.enter(directory, environ)` for those of its successors.
        emit: Takes what is reported in its name: `emit("output", {"stream": "stdout", "line": "…"})`,
            `emit("warning", {"message": "…"})`, `emit("secret", {"value": "…"})`.
        proceed: Runs it with the inputs that it is given, and gives its outputs, a mapping. It may be called any number
            of times; what it raises is the step's failure, unless the caller handles it.
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
        wrap: Takes the call and the step's inputs, rendered (secrets are in the clear), and gives the step's outputs, a
            mapping. What it prints is the step's output, secrets masked. What it raises fails the step.
        plugin: Whose it is, for messages: stepengine fills it in.
    """

    name: str
    wrap: Callable[[StepCall, dict[str, Any]], Mapping[str, Any]]
    plugin: str = ""


def wrap_call(
    wrappers: Sequence[StepWrapper],
    step: StepInfo,
    shown: dict[str, Any],
    spec: StepSpec,
    place: Place,
    emit: Emit,
    take_prints: Callable[[Emit], AbstractContextManager[None]],
) -> Proceed:
    """Give what runs a step with the inputs that it is given, inside of what plugins put around it.

    Args:
        wrappers: Them, the outermost first; there is one at least.
        step: The step.
        shown: Its inputs as they may be shown.
        spec: What its name stands for.
        place: Where it runs.
        emit: Receives what it reports.
        take_prints: Has what this process prints meanwhile be reported.
    """

    def call(inputs: dict[str, Any]) -> Any:
        return place.call(spec, inputs, emit)

    proceed: Proceed = call
    for wrapper in reversed(wrappers):
        inside = _inside if wrapper.plugin else _just_inside
        proceed = inside(wrapper, StepCall(step, shown, place, emit, proceed))
    if not any(wrapper.plugin for wrapper in wrappers):
        return proceed

    def wrapped(inputs: dict[str, Any]) -> Any:
        with take_prints(emit):
            return proceed(inputs)

    return wrapped


def no_outputs(returned: Any) -> str:
    """Say that what a step returned is no mapping."""
    name = type(returned).__name__
    article = "an" if name[0] in "aeiou" else "a"
    return f"it returned {article} {name}, which is no mapping: it has no outputs"


def _just_inside(wrapper: StepWrapper, call: StepCall) -> Proceed:
    """Put what is stepengine's own around a call: it stands for the step, failures and all."""
    return lambda inputs: wrapper.wrap(call, inputs)


def _inside(wrapper: StepWrapper, call: StepCall) -> Proceed:
    """Put a plugin's wrapper around a call: what it raises itself is told as its failure, and not as the step's."""

    def run(inputs: dict[str, Any]) -> dict[str, Any]:
        passed: list[BaseException] = []

        def proceed(given: dict[str, Any]) -> Any:
            try:
                returned = call.proceed(given)
            except BaseException as error:
                passed.append(error)
                raise
            if returned is not None and not isinstance(returned, dict):
                call.emit("warning", {"message": no_outputs(returned)})
            return returned if isinstance(returned, dict) else {}

        try:
            outputs = wrapper.wrap(call._replace(proceed=proceed), inputs)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) or any(error is each for each in passed):
                raise
            raise _failure(wrapper, error) from error
        if not isinstance(outputs, Mapping):
            message = f"{_who(wrapper)} gives a {type(outputs).__name__} for the outputs of the step"
            raise StepError(message, hint="it must return a mapping, such as what `call.proceed(inputs)` gives")
        return dict(outputs)

    return run


def _who(wrapper: StepWrapper) -> str:
    return f"the plugin {wrapper.plugin} ({wrapper.name})"


def _failure(wrapper: StepWrapper, error: BaseException) -> StepError:
    if isinstance(error, StepEngineError):
        output = getattr(error, "output", "")
        return StepError(f"{_who(wrapper)}: {error.message}", hint=error.hint, output=output)
    return StepError(f"{_who(wrapper)} failed: {tell_exception(error)}", hint="fix, update or uninstall it")

"""What is known of a step before it runs: its inputs, outputs and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.catalogue.step_options import StepOptions
from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

REQUIRED: Any = type("REQUIRED", (), {"__repr__": lambda _self: "REQUIRED"})()
"""The default of an input that has none."""


def is_own(distribution: str) -> bool:
    """Whether a distribution, as `name version`, is stepengine itself: its modules are no third party's code."""
    return distribution.partition(" ")[0] == "stepengine"


class Input(Record):
    """One input of a step.

    Attributes:
        name: As it is written in the file.
        annotation: Its type as the function's author wrote it; empty where there is none.
        default: Its value where the file gives none; `REQUIRED` where it must.
    """

    name: str
    annotation: str
    default: Any


class StepSpec(Record):
    """A step that was found by its name.

    Attributes:
        name: The name that it was looked up by.
        target: Where its function is, as `module:attribute`.
        inputs: Its inputs in order; None where its signature cannot be read.
        accepts_any: Whether it takes inputs beyond these (`**kwargs`).
        context: The name of the argument that wants the run's context; empty where there is none.
        options: What its author says of it.
        distribution: The distribution that it comes from, as `name version`; empty for a module of the project.
        summary: The first line of its documentation.
        successor: The name that replaces the one that it was looked up by, where that is an old one; else empty.
        result: Where the class is that its outputs were read from, as `module:attribute`; empty where there is none.
        packages: The directory of packages that it was read from, where that is an isolated environment's; else empty.
    """

    name: str
    target: str
    inputs: tuple[Input, ...] | None
    accepts_any: bool
    context: str
    options: StepOptions
    distribution: str
    summary: str = ""
    successor: str = ""
    result: str = ""
    packages: str = ""

    @property
    def is_built_in(self) -> bool:
        """Whether it comes with stepengine."""
        return is_own(self.distribution)

    @property
    def is_carried(self) -> bool:
        """Whether it goes into the container of a pull rehearsal; else the image must have it."""
        return self.is_built_in or (bool(self.distribution) and self.options.libraries is not None)

    @property
    def is_deprecated(self) -> bool:
        """Whether the name that it was looked up by is an old one."""
        return self.name in self.options.deprecated


def unreadable_spec(
    name: str, target: str, options: StepOptions | None = None, distribution: str = "", summary: str = ""
) -> StepSpec:
    """Give the specification of a callable whose signature only calling it can tell."""
    return StepSpec(
        name,
        target,
        inputs=None,
        accepts_any=True,
        context="",
        options=options or StepOptions(),
        distribution=distribution,
        summary=summary,
    )


def spec_of(function: Callable[..., Any], name: str, target: str, distribution: str = "") -> StepSpec:
    """Read what a callable says of itself.

    Args:
        function: Any callable. A plain function's code object is read directly: `inspect` would cost more than all
            else that happens before a short run's first step.
        name: The step name.
        target: `module:attribute`.
        distribution: `name version`.
    """
    options = getattr(function, "__step__", None) or StepOptions()
    summary = (getattr(function, "__doc__", None) or "").strip().split("\n", 1)[0]
    result = ""
    if options.outputs is None and (returned := _return_annotation(function)):
        from stepengine.catalogue.outputs import outputs_of  # a file of built-in steps does not need it

        outputs, result = outputs_of(function, returned)
        options = options._replace(outputs=outputs)
    read = (
        _read_function(function)
        if type(function) is _FUNCTION and not hasattr(function, "__wrapped__")
        else _inspect(function)
    )
    if read is None:
        return unreadable_spec(name, target, options, distribution, summary)._replace(result=result)
    arguments, accepts_any = read
    return build_spec(
        name,
        target,
        arguments,
        accepts_any=accepts_any,
        is_context=_is_context_of(function),
        options=options,
        distribution=distribution,
        summary=summary,
    )._replace(result=result)


def _return_annotation(function: Any) -> Any:
    """Give what a function says that it returns; nothing where that says nothing of the outputs' names."""
    returned = (getattr(function, "__annotations__", None) or {}).get("return")
    if returned.__class__ is str:
        return "" if "[" in returned else returned.strip("\"' ")
    return returned if isinstance(returned, type) else ""


_FUNCTION = type(spec_of)


def build_spec(
    name: str,
    target: str,
    arguments: Iterable[Input],
    *,
    accepts_any: bool,
    is_context: Callable[[str], bool],
    options: StepOptions,
    distribution: str,
    summary: str,
) -> StepSpec:
    """Put a specification together.

    Args:
        name: The step name.
        target: `module:attribute`.
        arguments: The function's, the one for its context among them.
        accepts_any: Whether it takes others.
        is_context: Tells whether an annotation, as it is written, is that of the run's context.
        options: What its author says of it.
        distribution: `name version`.
        summary: The first line of its documentation.
    """
    context = ""
    inputs = []
    for argument in arguments:
        if argument.annotation and is_context(argument.annotation):
            context = argument.name
        else:
            inputs.append(argument)
    return StepSpec(name, target, tuple(inputs), accepts_any, context, options, distribution, summary)


def annotated_name(annotation: str) -> str:
    """Give the name that an annotation is of: without quotes, and without what makes it optional."""
    text = annotation.strip().strip("\"'").strip()
    if text.startswith(("Optional[", "typing.Optional[")) and text.endswith("]"):
        text = text.partition("[")[2][:-1]
    names = [part.strip() for part in text.split("|") if part.strip() != "None"]
    return names[0].strip("\"'") if len(names) == 1 else ""


def _is_context_of(function: Any) -> Callable[[str], bool]:
    """Tell contexts by what the function's module calls so; a name that only type checkers know is believed."""
    known = getattr(getattr(function, "__wrapped__", function), "__globals__", {})

    def is_context(annotation: str) -> bool:
        head, *rest = annotated_name(annotation).split(".")
        if head not in known:
            return [head, *rest][-1] == "Context"
        found = known[head]
        for part in rest:
            found = getattr(found, part, None)
        return (getattr(found, "__module__", ""), getattr(found, "__name__", "")) == _CONTEXT

    return is_context


_CONTEXT = ("stepengine.running.context", "Context")


def _read_function(function: Any) -> tuple[list[Input], bool]:
    code = function.__code__
    positional = code.co_argcount
    names = code.co_varnames[: positional + code.co_kwonlyargcount]
    annotations = function.__annotations__
    defaults: dict[str, Any] = dict(function.__kwdefaults__ or {})
    values = function.__defaults__ or ()
    defaults.update(zip(names[positional - len(values) : positional], values, strict=True))
    inputs = [Input(each, _annotation(annotations.get(each)), defaults.get(each, REQUIRED)) for each in names]
    return inputs[code.co_posonlyargcount :], bool(code.co_flags & 0x08)


def _annotation(annotation: Any) -> str:
    if annotation is None or annotation.__class__ is str:
        return annotation or ""
    if annotation.__class__ is type:
        return str(annotation.__name__)
    return str(annotation).replace("typing.", "").replace("collections.abc.", "")


def _inspect(function: Callable[..., Any]) -> tuple[list[Input], bool] | None:
    import inspect

    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    inputs = [
        Input(
            each.name,
            "" if each.annotation is each.empty else _annotation(each.annotation),
            REQUIRED if each.default is each.empty else each.default,
        )
        for each in parameters
        if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
    ]
    return inputs, any(each.kind is each.VAR_KEYWORD for each in parameters)

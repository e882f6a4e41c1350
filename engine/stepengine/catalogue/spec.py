"""What is known of a step before it runs: its inputs, outputs and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.catalogue.step_options import StepOptions
from stepengine.records import Record

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Iterable, Iterator

REQUIRED: Any = type("REQUIRED", (), {"__repr__": lambda _self: "REQUIRED"})()
"""The default of an input that has none."""


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
    """

    name: str
    target: str
    inputs: tuple[Input, ...] | None
    accepts_any: bool
    context: str
    options: StepOptions
    distribution: str
    summary: str = ""

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
    read = (
        _read_function(function)
        if type(function) is _FUNCTION and not hasattr(function, "__wrapped__")
        else _inspect(function)
    )
    if read is None:
        return unreadable_spec(name, target, options, distribution, summary)
    arguments, accepts_any = read
    return _build(name, target, arguments, accepts_any, options, distribution, summary)


_FUNCTION = type(spec_of)


def _build(
    name: str,
    target: str,
    arguments: Iterable[Input],
    accepts_any: bool,  # noqa: FBT001 - private
    options: StepOptions,
    distribution: str,
    summary: str,
) -> StepSpec:
    context = ""
    inputs = []
    for argument in arguments:
        if argument.annotation.rpartition(".")[2] == "Context":
            context = argument.name
        else:
            inputs.append(argument)
    return StepSpec(name, target, tuple(inputs), accepts_any, context, options, distribution, summary)


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


def spec_from_source(source: bytes, attribute: str, name: str, target: str) -> StepSpec | None:
    """Read a function's signature from a module's source, without running the module.

    Args:
        source: The module.
        attribute: The function's name.
        name: The step name.
        target: `module:attribute`.

    Returns:
        Its specification; one without inputs where only running the module tells what the name is bound to (an import,
        a call, a second definition); None where the module does not bind it at all.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it is no Python, or too deeply nested to be read.
    """
    import ast
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the author's escapes: for whoever runs the module
        statements = list(_module_statements(ast.parse(source).body))
    head, dot, _ = attribute.partition(".")
    bound = [node for node in statements if head in _names_bound(node)]
    if not bound:
        return None if not any(_binds_anything(node) for node in statements) else unreadable_spec(name, target)
    function = bound[0]
    if dot or len(bound) > 1 or not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return unreadable_spec(name, target)
    summary = (ast.get_docstring(function) or "").split("\n", 1)[0]
    if _changes_signature(function):
        return unreadable_spec(name, target, summary=summary)
    accepts_any = function.args.kwarg is not None
    return _build(name, target, _read_ast(function.args), accepts_any, StepOptions(), "", summary)


def _module_statements(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Give the statements that run when a module is imported, those of its branches and loops included."""
    import ast

    for node in body:
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            for part in ("body", "orelse", "finalbody", "handlers", "cases"):
                yield from _module_statements(getattr(node, part, ()))


def _names_bound(node: ast.AST) -> set[str]:
    import ast

    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    if isinstance(node, (ast.If, ast.Try, ast.While, ast.match_case, ast.ExceptHandler)):
        return set()  # what is in them comes by itself
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}


def _binds_anything(node: ast.AST) -> bool:
    """Whether a statement may bind any name: `from x import *`, or the module's own `__getattr__` (PEP 562)."""
    import ast

    if isinstance(node, ast.ImportFrom):
        return any(alias.name == "*" for alias in node.names)
    return isinstance(node, ast.FunctionDef) and node.name == "__getattr__"


def _changes_signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a decorator that is not ours stands before the function: it may take other arguments."""
    import ast

    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        written = ast.unparse(called).rpartition(".")[2]
        if written not in ("step", "flow", "task", "cache", "lru_cache"):
            return True
    return False


def _read_ast(arguments: ast.arguments) -> list[Input]:
    import ast

    def default(node: ast.expr | None) -> Any:
        if node is None:
            return REQUIRED
        try:
            return ast.literal_eval(node)
        except ValueError:
            return None  # an expression: there is a default, and its value does not matter

    positional = [*arguments.posonlyargs, *arguments.args]
    missing: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    pairs = [*zip(positional, [*missing, *arguments.defaults], strict=True)][len(arguments.posonlyargs) :]
    pairs += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return [
        Input(each.arg, ast.unparse(each.annotation) if each.annotation else "", default(value))
        for each, value in pairs
    ]

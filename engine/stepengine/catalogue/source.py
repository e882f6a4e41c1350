"""A step's signature, read from its module's source: nothing of the module runs."""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING, Any

from stepengine.catalogue.spec import REQUIRED, Input, StepSpec, annotated_name, build_spec, unreadable_spec
from stepengine.catalogue.step_options import PHASES, TOUCHES, StepOptions
from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from stepengine.catalogue.modules import Module

    Function = ast.FunctionDef | ast.AsyncFunctionDef

_PUBLIC = "stepengine.plugin"
_UNKNOWN: Any = object()

MAX_IMPORTS = 8
"""How many modules a name is followed through."""


class Reading(Record):
    """What a module's source tells of a step.

    Attributes:
        spec: Its specification.
        is_complete: Whether importing the module would tell no more.
        imported_from: The module and the attribute that the name is imported from, where it is.
        result_from: The module and the attribute of the class that it says it returns, where that is imported and may
            tell the outputs.
    """

    spec: StepSpec
    is_complete: bool
    imported_from: tuple[str, str] | None = None
    result_from: tuple[str, str] | None = None


def read_step(module: Module, attribute: str, name: str, target: str, distribution: str = "") -> Reading | None:
    """Read a function's signature from a module's source.

    Args:
        module: It.
        attribute: The function's name in it.
        name: The step name.
        target: `module:attribute`, as the step is loaded.
        distribution: `name version`.

    Returns:
        What is known. The specification is one without inputs where only running the module tells what the name is
        bound to (a call, a second definition). None where the module does not bind it at all.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it is no Python, or too deeply nested to be read.
    """
    statements = parse_statements(module.source)
    head, dot, _ = attribute.partition(".")
    bound = [node for node in statements if head in names_bound(node)]
    unreadable = Reading(unreadable_spec(name, target, distribution=distribution), is_complete=False)
    if not bound:
        return unreadable if any(_binds_anything(node) for node in statements) else None
    first = bound[0]
    if dot or len(bound) > 1:
        return unreadable
    if isinstance(first, ast.ImportFrom):
        return unreadable._replace(imported_from=origin(first, head, module))
    if not isinstance(first, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return unreadable
    reading = _read_function(first, _imported(statements), name, target, distribution)
    if first.returns is None or reading.spec.options.outputs is not None:
        return reading
    from stepengine.catalogue.source_outputs import read_result

    return read_result(reading, first.returns, statements, module)


def parse_statements(source: bytes) -> list[ast.AST]:
    """Give the statements that run when a module is imported; see `read_step` for what it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the author's escapes: for whoever runs the module
        return list(_module_statements(ast.parse(source).body))


def follow_step(
    find_module: Callable[[str], tuple[str, bool] | None],
    name: str,
    module: str,
    attribute: str,
    target: str,
    distribution: str,
) -> Reading | None:
    """Read a step where its name is imported from.

    Args:
        find_module: Gives a module's source file, and whether it is a package; None where that cannot be told.
        name: The step name.
        module: Where to begin.
        attribute: The function's name there.
        target: `module:attribute`, as the step is loaded.
        distribution: `name version`.

    Returns:
        As `read_step`.

    Raises:
        LookupError: that cannot be told without running anything.
    """
    from stepengine.catalogue.modules import Module

    for _ in range(MAX_IMPORTS):
        found = find_module(module)
        if found is None:
            raise LookupError(module)
        try:
            with open(found[0], "rb") as file:
                reading = read_step(Module(module, file.read(), found[1]), attribute, name, target, distribution)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OSError) as error:
            raise LookupError(module) from error
        if reading is None or reading.imported_from is None:
            return reading
        module, attribute = reading.imported_from
    raise LookupError(module)


def _read_function(node: Function, imported: dict[str, str], name: str, target: str, distribution: str) -> Reading:
    summary = (ast.get_docstring(node) or "").split("\n", 1)[0]
    options, is_complete = _options(node, imported)
    if _changes_signature(node):
        return Reading(unreadable_spec(name, target, options, distribution, summary), is_complete=False)
    spec = build_spec(
        name,
        target,
        _read_arguments(node.args),
        accepts_any=node.args.kwarg is not None,
        is_context=_is_context_in(imported),
        options=options,
        distribution=distribution,
        summary=summary,
    )
    return Reading(spec, is_complete)


def _module_statements(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Give the statements that run when a module is imported, those of its branches and loops included."""
    for node in body:
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            for part in ("body", "orelse", "finalbody", "handlers", "cases"):
                yield from _module_statements(getattr(node, part, ()))


def names_bound(node: ast.AST) -> set[str]:
    """Give the names that a statement of a module binds in it."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    if isinstance(node, (ast.If, ast.Try, ast.While, ast.match_case, ast.ExceptHandler)):
        return set()  # what is in them comes by itself
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}


def _binds_anything(node: ast.AST) -> bool:
    """Whether a statement may bind any name: `from x import *`, or the module's own `__getattr__` (PEP 562)."""
    if isinstance(node, ast.ImportFrom):
        return any(alias.name == "*" for alias in node.names)
    return isinstance(node, ast.FunctionDef) and node.name == "__getattr__"


def origin(node: ast.ImportFrom, bound: str, module: Module) -> tuple[str, str] | None:
    """Give the module and the attribute behind an imported name; None where the import leads out of its package."""
    original = next(alias.name for alias in node.names if (alias.asname or alias.name) == bound)
    if not node.level:
        return node.module or "", original
    package = module.name.split(".") if module.is_package else module.name.split(".")[:-1]
    kept = package[: len(package) - (node.level - 1)]
    if node.level - 1 >= len(package):
        return None
    return ".".join([*kept, *filter(None, [node.module])]), original


def _imported(statements: Iterable[ast.AST]) -> dict[str, str]:
    """Give what the module's names are, in full, where they are bound by imports; empty for those bound otherwise.

    Imports for type checkers alone count: an annotation may name what they bind.
    """
    names: dict[str, str] = {}
    for node in statements:
        if isinstance(node, ast.ImportFrom):
            prefix = "." * node.level + (node.module or "")
            names.update({alias.asname or alias.name: f"{prefix}.{alias.name}" for alias in node.names})
        elif isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        else:
            names.update(dict.fromkeys(names_bound(node), ""))
    return names


def _full_name(written: str, imported: dict[str, str]) -> str:
    head, dot, rest = written.partition(".")
    return imported.get(head, head) + dot + rest


def _is_context_in(imported: dict[str, str]) -> Callable[[str], bool]:
    def is_context(annotation: str) -> bool:
        written = annotated_name(annotation)
        full = _full_name(written, imported)
        return full == f"{_PUBLIC}.Context" or (written == "Context" and "Context" not in imported)

    return is_context


def _options(node: Function, imported: dict[str, str]) -> tuple[StepOptions, bool]:
    """Read what `@step(...)` says of a function, and whether that is all that it says."""
    for decorator in node.decorator_list:
        if not isinstance(decorator, ast.Call) or not _is_mark(decorator, imported):
            continue
        said: dict[str, Any] = {}
        is_complete = True
        for keyword in decorator.keywords:
            value = _literal(keyword.value)
            if keyword.arg is not None and _is_option(keyword.arg, value):
                said[keyword.arg] = tuple(value) if isinstance(value, (list, tuple)) else value
            else:
                is_complete = False
        return StepOptions(**said), is_complete
    return StepOptions(), True


def find_marked(source: bytes) -> list[str]:
    """Give the names of a module's functions that `@step(...)` marks.

    Args:
        source: The module's text, encoded.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it is no Python, or too deeply nested to be read.
    """
    if _PUBLIC.encode() not in source:
        return []
    statements = parse_statements(source)
    imported = _imported(statements)
    functions = (node for node in statements if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))
    return [node.name for node in functions if any(_is_mark(each, imported) for each in node.decorator_list)]


def _is_mark(decorator: ast.expr, imported: dict[str, str]) -> bool:
    """Whether a decorator is `@step(...)`."""
    return isinstance(decorator, ast.Call) and _full_name(ast.unparse(decorator.func), imported) == f"{_PUBLIC}.step"


def _is_option(name: str, value: Any) -> bool:
    """Whether `step` takes a value; where only running the module tells it, or what `step` says of it, it is none."""
    if name in ("outputs", "deprecated", "libraries", "touches"):
        is_list = isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value)
        if name == "touches" and is_list:
            return all(each in TOUCHES for each in value)
        return is_list or (name != "deprecated" and value is None)
    if name == "phase":
        return value in PHASES
    return name in StepOptions._fields and (value is None or (name == "provides" and isinstance(value, str)))


def _changes_signature(node: Function) -> bool:
    """Whether a decorator that is not ours stands before the function: it may take other arguments."""
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        written = ast.unparse(called).rpartition(".")[2]
        if written not in ("step", "flow", "task", "cache", "lru_cache"):
            return True
    return False


def _read_arguments(arguments: ast.arguments) -> list[Input]:
    positional = [*arguments.posonlyargs, *arguments.args]
    missing: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    pairs = [*zip(positional, [*missing, *arguments.defaults], strict=True)][len(arguments.posonlyargs) :]
    pairs += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return [
        Input(each.arg, ast.unparse(each.annotation) if each.annotation else "", _default(value))
        for each, value in pairs
    ]


def _default(node: ast.expr | None) -> Any:
    if node is None:
        return REQUIRED
    value = _literal(node)
    return None if value is _UNKNOWN else value  # an expression: there is a default, and its value does not matter


def _literal(node: ast.expr) -> Any:
    """Give a literal's value; `_UNKNOWN` where only running the module tells it, or that it has none (`{{}}`)."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return _UNKNOWN

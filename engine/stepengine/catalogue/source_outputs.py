"""The outputs that a function's return annotation names, read from sources: nothing of the modules runs."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from stepengine.catalogue.modules import Module
from stepengine.catalogue.outputs import OPTIONAL
from stepengine.catalogue.source import MAX_IMPORTS, Reading, names_bound, origin, parse_statements

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stepengine.catalogue.spec import StepSpec

_NO_FIELD = ("ClassVar", "InitVar", "KW_ONLY")


def read_result(reading: Reading, returned: ast.expr, statements: Sequence[ast.AST], module: Module) -> Reading:
    """Add the outputs that a function's return annotation tells.

    Args:
        reading: What is known of the function.
        returned: Its return annotation.
        statements: The statements of its module.
        module: Its module.

    Returns:
        The reading with its outputs, where the annotation names a dataclass of the module, or a TypedDict of it all of
        whose keys are required; with `result_from` where it names what is imported.
    """
    if isinstance(returned, ast.Constant) and isinstance(returned.value, str):
        name = returned.value.strip()
    else:
        name = ast.unparse(returned)
    head, dot, rest = name.partition(".")
    binding = [node for node in statements if head in names_bound(node)]
    if len(binding) != 1 or not all(part.isidentifier() for part in name.split(".")):
        return reading
    bound = binding[0]
    if isinstance(bound, ast.ImportFrom):
        found = origin(bound, head, module)
        if found is None:
            return reading
        module_name, attribute = found
        if not dot:
            return reading._replace(result_from=found)
        return reading._replace(result_from=(f"{module_name}.{attribute}", rest)) if "." not in rest else reading
    if isinstance(bound, ast.Import):
        return reading._replace(result_from=_through_module(bound, name))
    outputs = None if dot else _fields(statements, name)
    place = reading.spec.target.rpartition(":")[0] if module.name == "__script__" else module.name
    return reading if outputs is None else reading._replace(spec=_with_outputs(reading.spec, outputs, place, name))


def follow_result(reading: Reading, find_module: Callable[[str], tuple[str, bool] | None]) -> StepSpec:
    """Give a step's specification with the outputs that a class of another module tells.

    Args:
        reading: Has `result_from`.
        find_module: Gives a module's source file, and whether it is a package; None where that cannot be told.
    """
    place = reading.result_from
    for _ in range(MAX_IMPORTS):
        if place is None:
            break
        module, attribute = place
        found = find_module(module)
        if found is None:
            break
        try:
            with open(found[0], "rb") as file:
                statements = parse_statements(file.read())
        except (SyntaxError, ValueError, RecursionError, MemoryError, OSError):
            break
        bound = [node for node in statements if attribute in names_bound(node)]
        if len(bound) == 1 and isinstance(bound[0], ast.ImportFrom):
            place = origin(bound[0], attribute, Module(module, b"", found[1]))
            continue
        outputs = _fields(statements, attribute)
        return reading.spec if outputs is None else _with_outputs(reading.spec, outputs, module, attribute)
    return reading.spec


def _with_outputs(spec: StepSpec, outputs: tuple[str, ...], module: str, attribute: str) -> StepSpec:
    return spec._replace(options=spec.options._replace(outputs=outputs), result=f"{module}:{attribute}")


def _through_module(node: ast.Import, name: str) -> tuple[str, str] | None:
    """Give the module and the class of `package.module.Class`, where `import` binds its beginning."""
    module, dot, attribute = name.rpartition(".")
    if not dot:
        return None
    for alias in node.names:
        if alias.asname and (module == alias.asname or module.startswith(f"{alias.asname}.")):
            return alias.name + module[len(alias.asname) :], attribute
        if alias.name == module:
            return module, attribute
    return None


def _fields(statements: Sequence[ast.AST], name: str) -> tuple[str, ...] | None:
    """Give the fields of a class of a module; None where it is no dataclass and no TypedDict, or may lack some."""
    kind, names = _read_class(statements, name, set())
    return tuple(dict.fromkeys(names)) if kind in ("dataclass", "TypedDict") else None


def _read_class(statements: Sequence[ast.AST], name: str, seen: set[str]) -> tuple[str, list[str]]:
    """Give what a class is ("dataclass", "TypedDict", "plain", or "" where it cannot be told), and its fields."""
    bound = [node for node in statements if name in names_bound(node)]
    if len(bound) != 1 or not isinstance(bound[0], ast.ClassDef) or name in seen:
        return "", []
    node = bound[0]
    is_dataclass = any(_last(each) == "dataclass" for each in node.decorator_list)
    kind, names = "dataclass" if is_dataclass else "plain", []
    for base in node.bases:
        written = _last(base)
        if written in ("object", "Generic", "Protocol"):
            continue
        if written == "TypedDict":
            kind = "TypedDict"
            continue
        below, inherited = _read_class(statements, written, {*seen, name})
        if not below:
            return "", []
        kind = below if below == "TypedDict" or (below == "dataclass" and is_dataclass) else kind
        names += inherited if below == kind else []
    if kind == "TypedDict" and any(each.arg == "total" for each in node.keywords):
        return "", []
    own = _annotated(node)
    if kind == "TypedDict" and any(OPTIONAL in annotation for annotation in own.values()):
        return "", []
    return kind, names + [field for field, text in own.items() if _name_of(text) not in _NO_FIELD]


def _annotated(node: ast.ClassDef) -> dict[str, str]:
    """Give the annotated names of a class's body, each with its annotation, without the module that it comes from."""
    return {
        statement.target.id: ast.unparse(statement.annotation).strip("'\"").removeprefix("typing.")
        for statement in node.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    }


def _name_of(annotation: str) -> str:
    """Give the last part of what an annotation names: `ClassVar` of `t.ClassVar[int]`."""
    return annotation.partition("[")[0].rpartition(".")[2]


def _last(node: ast.expr) -> str:
    """Give the last part of a dotted name, of what is called or subscripted."""
    while isinstance(node, (ast.Call, ast.Subscript)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return ast.unparse(node).rpartition(".")[2]

"""A deployment's fields once its pipeline has run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.errors import TemplateError
from stepengine.model import SECTIONS
from stepengine.records import Record
from stepengine.templating import MISSING

if TYPE_CHECKING:
    from stepengine.model import Deployment
    from stepengine.templating import RenderError, Scope


class FieldProblem(Record):
    """A field that stays as it is written.

    Attributes:
        path: The keys and indices that lead to it.
        error: Why.
        is_failure: Whether it can never have a value; else another machine, or the server, may know it.
        is_of_run: Whether the run should have given it; the plan told of all else.
    """

    path: tuple[Any, ...]
    error: TemplateError
    is_failure: bool
    is_of_run: bool = True


def resolve_deployment(deployment: Deployment, scope: Scope) -> tuple[dict[str, Any], list[FieldProblem]]:
    """Give a deployment's fields, what comes from secrets shown as `***`, sections left out.

    Args:
        deployment: The deployment.
        scope: The pipeline's outputs and sources.

    Returns:
        The fields, and what is to be told of those that have no value.
    """
    fields = {name: node.value for name, _, node in deployment.node.items() if name not in SECTIONS}
    problems: list[FieldProblem] = []
    kept = scope.with_policy("keep", bare_environment=True)
    for path, template in deployment.templated:
        try:
            shown = template.render(kept).shown
        except TemplateError as error:
            problems.append(FieldProblem(path, error, is_failure=True))
            continue
        problems += [
            FieldProblem(path, missed, is_failure=False, is_of_run=_is_of_run(missed)) for missed in kept.missed
        ]
        kept.missed.clear()
        if shown is not MISSING:
            _put(fields, path, shown)
    return fields, problems


def _is_of_run(missed: RenderError) -> bool:
    return missed.reference is None or missed.reference.kind == "output"


def _put(value: Any, path: tuple[Any, ...], new: Any) -> None:
    for part in path[:-1]:
        value = value[part]
    value[path[-1]] = new

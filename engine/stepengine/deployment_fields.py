"""A deployment's fields once its pipeline has run."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from stepengine.model import SECTIONS
from stepengine.templating import MISSING, Scope

if TYPE_CHECKING:
    from stepengine.model import Deployment


def resolve_deployment(deployment: Deployment, scope: Scope) -> dict[str, Any]:
    """Give a deployment's fields, what comes from secrets shown as `***`, sections left out.

    What has no value here stays as it is written: another machine, or the server, may know it.

    Args:
        deployment: It.
        scope: The pipeline's outputs and sources.
    """
    fields = {name: node.value for name, _, node in deployment.node.items() if name not in SECTIONS}
    if not deployment.templated:
        return fields
    fields = deepcopy(fields)  # an anchor's value may stand in several places
    kept = Scope(
        scope.outputs,
        ids=scope.ids,
        environment=scope.environment,
        source=scope.source,
        secrets=scope.secrets,
        missing="keep",
        bare_environment=True,
    )
    for path, template in deployment.templated:
        shown = template.render(kept).shown
        if shown is not MISSING:
            _put(fields, path, shown)
    return fields


def _put(value: Any, path: tuple[Any, ...], new: Any) -> None:
    for part in path[:-1]:
        value = value[part]
    value[path[-1]] = new

"""A plan as the document that `plan --format json` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.diagnostics.diagnostic import WARNING, Diagnostic
from stepengine.secrecy.secrets import HIDDEN

if TYPE_CHECKING:
    from stepengine.planning.plan import Plan, StepPlan


def missing_diagnostics(plan: Plan) -> list[Diagnostic]:
    """Give the environments that are missing as warnings: they can be made before the run, which needs them."""
    return [
        Diagnostic(WARNING, "unmet-requirement", each.message, each.line, each.column, each.hint)
        for each in plan.missing()
    ]


def plan_as_json(plan: Plan) -> dict[str, Any]:
    """Give the document that `plan --format json` prints; `docs/command-line.md` describes it."""
    return {
        "file": plan.file.source.name,
        "sections": list(plan.sections),
        "pipelines": [
            {
                "deployments": [deployment.name for deployment in pipeline.pipeline.deployments],
                "steps": [_step_json(step) for step in pipeline.steps],
            }
            for pipeline in plan.pipelines
        ],
        "diagnostics": [found._asdict() for found in (*plan.diagnostics, *missing_diagnostics(plan))],
    }


def _step_json(plan: StepPlan) -> dict[str, Any]:
    step = plan.step
    return {
        "section": step.section,
        "id": step.id or None,
        "name": step.name,
        "line": step.line,
        "provider": step.spec.distribution or "this project" if step.spec is not None else None,
        "inputs": [
            {
                "name": each.name,
                "state": each.state,
                "value": HIDDEN if each.state == "secret" and not isinstance(each.value, str) else each.value,
                "after": list(each.after),
            }
            for each in plan.inputs
        ],
        "requires": [
            {
                "requirement": state.requirement,
                "satisfied_by": state.satisfied_by or None,
                "problem": state.problem or None,
            }
            for state in (plan.decision.states if plan.decision is not None else ())
        ],
        "environment": _environment_json(plan),
    }


def _environment_json(plan: StepPlan) -> dict[str, Any] | None:
    """Give the environment of its own that a step runs in; None where it runs with what is there."""
    decision = plan.decision
    if decision is None or decision.requirements is None or not plan.is_isolated:
        return None
    made = decision.environment
    return {
        "requirements": list(decision.requirements.requirements),
        "state": "missing" if made is None else "made",
        "key": None if made is None else made.key,
        "locked": decision.locked,
        "packages": None if made is None else list(made.packages),
    }

"""`stepengine plan`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from stepengine.cli.masks import mask, process_secrets
from stepengine.cli.project import find_file, open_project, plan_project, take_secrets
from stepengine.cli.validate import show_diagnostics
from stepengine.diagnostic_text import render_diagnostic
from stepengine.errors import UsageError
from stepengine.plan import plan_as_json
from stepengine.terminal import Style, style_for

if TYPE_CHECKING:
    import argparse

    from stepengine.plan import InputPlan, PipelinePlan, Plan, StepPlan


def plan(options: argparse.Namespace) -> int:
    """Show what would run.

    Returns:
        0; 2 where the file has errors, or a reference has no value here.
    """
    secrets = process_secrets()
    take_secrets(options.secret, secrets)
    project = open_project(find_file(options.file), options.set, prefect_compat=options.prefect_compat)
    show_diagnostics(project.file, errors_only=project.file.is_valid)
    if not project.file.is_valid:
        return UsageError.exit_code
    planned = plan_project(project, options, secrets)
    style = style_for(sys.stderr, os.environ)
    for found in planned.diagnostics:
        sys.stderr.write(mask(render_diagnostic(found, project.file.source, style)) + "\n")
    if options.format == "json":
        import json

        document = secrets.mask_data(plan_as_json(planned))
        sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")
    else:
        sys.stdout.write(mask(render_plan(planned, style_for(sys.stdout, os.environ))))
    return UsageError.exit_code if any(found.severity == "error" for found in planned.diagnostics) else 0


def render_plan(plan: Plan, style: Style) -> str:
    """Give a plan's text for people; secrets in exact values are for the caller to mask."""
    parts = [
        _render_pipeline(each, number, len(plan.pipelines), style) for number, each in enumerate(plan.pipelines, 1)
    ]
    return "\n".join(parts)


def _render_pipeline(plan: PipelinePlan, number: int, total: int, style: Style) -> str:
    names = ", ".join(deployment.name for deployment in plan.pipeline.deployments)
    lines = [style.bold(f"pipeline {number} of {total}") + (f": {names}" if names else "")]
    if not plan.steps:
        lines.append("  no steps")
    section = ""
    for step in plan.steps:
        if step.step.section != section:
            section = step.step.section
            lines.append(f"  {section}")
        lines += _render_step(step, style)
    return "\n".join(lines) + "\n"


def _render_step(plan: StepPlan, style: Style) -> list[str]:
    step = plan.step
    name = step.name if step.id else ""
    who = step.spec.distribution or "this project" if step.spec is not None else "not known here"
    lines = [f"    {style.bold(step.label)}  {style.dim(' '.join(filter(None, [name, f'line {step.line}', who])))}"]
    for state in plan.requirements:
        met = (
            style.green("met by") + f" {state.satisfied_by}"
            if state.satisfied_by
            else f"{style.red('not met')}: {state.problem}"
        )
        lines.append(f"      requires {state.requirement}: {met}")
    width = max((len(each.name) for each in plan.inputs), default=0)
    lines += [f"      {each.name:<{width}}  {_render_input(each, style)}" for each in plan.inputs]
    return lines


def _render_input(plan: InputPlan, style: Style) -> str:
    value = _shown(plan.value)
    if plan.state == "after":
        return f"{value}  {style.dim('known after ' + ', '.join(plan.after))}"
    if plan.state == "secret":
        return f"{value}  {style.dim('secret')}"
    if plan.state == "missing":
        return f"{value}  {style.red('has no value here')}"
    return value


def _shown(value: Any) -> str:
    if isinstance(value, str):
        first, newline, rest = value.rstrip("\n").partition("\n")
        return f"{first} … ({rest.count(newline) + 2} lines)" if newline else first
    import json

    return json.dumps(value, default=str, ensure_ascii=False)

"""`stepengine plan`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from stepengine.cli.masks import process_secrets
from stepengine.cli.output import as_diagnostic, failed_plan, own_stdout, write_document
from stepengine.cli.project import (
    FILE_NAME,
    find_file,
    open_chosen,
    plan_project,
    provisioning_of,
    take_secrets,
    world_of,
)
from stepengine.cli.validate import show_diagnostics
from stepengine.diagnostics.diagnostic import one_line
from stepengine.errors import StepEngineError, UsageError
from stepengine.planning.plan_document import missing_diagnostics, plan_as_json
from stepengine.terminal import Style, style_for

if TYPE_CHECKING:
    import argparse
    from typing import TextIO

    from stepengine.planning.plan import InputPlan, PipelinePlan, Plan, StepPlan


_NAMES = 5
"""How many deployments' names head a pipeline."""


def plan(options: argparse.Namespace) -> int:
    """Show what would run.

    Returns:
        0; 2 where the file has errors, or a reference has no value here.
    """
    output = own_stdout() if options.format == "json" else None
    try:
        return _plan(options, output)
    except StepEngineError as error:
        if output is not None:
            write_document(output, failed_plan(options.file or FILE_NAME, [as_diagnostic(error)]))
        raise


def _plan(options: argparse.Namespace, output: TextIO | None) -> int:
    secrets = process_secrets()
    take_secrets(options.secret, secrets)
    path = find_file(options.file)
    project = open_chosen(path, options, provisioning_of(path, options))
    file = project.file
    show_diagnostics(file.diagnostics, file.source, errors_only=file.is_valid)
    if not file.is_valid:
        if output is not None:
            write_document(output, failed_plan(file.source.name, [found._asdict() for found in file.diagnostics]))
        return UsageError.exit_code
    planned = plan_project(project, options, world_of(project, options, secrets))
    show_diagnostics((*planned.diagnostics, *missing_diagnostics(planned)), file.source)
    if output is not None:
        write_document(output, plan_as_json(planned))
    else:
        sys.stdout.write(render_plan(planned, style_for(sys.stdout, os.environ)))
    return UsageError.exit_code if any(found.severity == "error" for found in planned.diagnostics) else 0


def render_plan(plan: Plan, style: Style) -> str:
    """Give a plan's text for people; secrets in exact values are for the stream to mask."""
    parts = [
        _render_pipeline(each, number, len(plan.pipelines), style) for number, each in enumerate(plan.pipelines, 1)
    ]
    return "\n".join(parts)


def _render_pipeline(plan: PipelinePlan, number: int, total: int, style: Style) -> str:
    deployments = [one_line(deployment.name) for deployment in plan.pipeline.deployments]
    more = f" and {len(deployments) - _NAMES} more" if len(deployments) > _NAMES else ""
    names = ", ".join(deployments[:_NAMES]) + more
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
    name = one_line(step.name) if step.id else ""
    who = step.spec.distribution or "this project" if step.spec is not None else "not known here"
    lines = [f"    {style.bold(step.label)}  {style.dim(' '.join(filter(None, [name, f'line {step.line}', who])))}"]
    for state in plan.decision.states if plan.decision is not None else ():
        met = (
            style.green("met by") + f" {state.satisfied_by}"
            if state.satisfied_by
            else f"{style.red('not met')}: {state.problem}"
        )
        lines.append(f"      requires {state.requirement}: {met}")
    lines += _render_environment(plan, style)
    width = max((len(each.name) for each in plan.inputs), default=0)
    lines += [f"      {each.name:<{width}}  {_render_input(each, style)}" for each in plan.inputs]
    return lines


def _render_environment(plan: StepPlan, style: Style) -> list[str]:
    decision = plan.decision
    if decision is None or not plan.is_isolated:
        return []
    how = "locked" if decision.locked else "not locked"
    if decision.problem:
        return [f"      {style.red('cannot run')}: {decision.problem}"]
    if decision.environment is None:
        return [
            f"      runs in an environment of its own, {how}, {style.yellow('not made yet')}: run --install makes it"
        ]
    return [f"      runs in an environment of its own, {how}  {style.dim(decision.environment.key)}"]


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

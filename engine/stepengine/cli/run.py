"""`stepengine run`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from stepengine.cli.masks import mask, process_secrets
from stepengine.cli.project import find_file, open_project, plan_project, take_secrets
from stepengine.errors import Interrupted, RequirementError, StepError, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import TextIO

    from stepengine.cli.project import Project
    from stepengine.plan import Plan

EXIT_CODES = {"succeeded": 0, "failed": StepError.exit_code, "interrupted": Interrupted.exit_code}


def run(options: argparse.Namespace) -> int:
    """Run a file's steps.

    Returns:
        0, or 1 where a step failed, 2 where the file is wrong, 130 after an interruption.

    Raises:
        RequirementError: a requirement is not met.
    """
    secrets = process_secrets()
    take_secrets(options.secret, secrets)
    project = open_project(find_file(options.file), options.set, prefect_compat=options.prefect_compat)
    _show(project, options)
    if not project.file.is_valid:
        return UsageError.exit_code
    plan = plan_project(project, options, secrets)
    if _show_plan_problems(project, plan, quiet=options.quiet):
        return UsageError.exit_code
    _refuse_unmet(plan)
    if options.verbose:
        _show_plan(plan)
    listener = _listener(project, options)
    from stepengine.runner import World, run_plan

    world = World(
        directory=project.directory,
        environ=os.environ,
        load=project.registry.load,
        resolve=project.hooks.resolve,
        secrets=secrets,
        pull_in=options.pull_in,
        prefect_compat=options.prefect_compat,
    )
    result = run_plan(plan, world, listener)
    return EXIT_CODES[result.status]


def _show(project: Project, options: argparse.Namespace) -> None:
    if project.file.diagnostics and not (options.quiet and project.file.is_valid):
        from stepengine.cli.validate import show_diagnostics

        show_diagnostics(project.file, errors_only=options.quiet)


def _show_plan_problems(project: Project, plan: Plan, *, quiet: bool) -> bool:
    """Write what the plan lacks to standard error; whether it cannot run so."""
    failed = any(found.severity == "error" for found in plan.diagnostics)
    if plan.diagnostics:
        from stepengine.diagnostic_text import render_diagnostic
        from stepengine.terminal import style_for

        style = style_for(sys.stderr, os.environ)
        for found in plan.diagnostics:
            if found.severity == "error" or not quiet:
                sys.stderr.write(mask(render_diagnostic(found, project.file.source, style)) + "\n")
    return failed


def _show_plan(plan: Plan) -> None:
    from stepengine.cli.plan import render_plan
    from stepengine.terminal import style_for

    sys.stderr.write(mask(render_plan(plan, style_for(sys.stderr, os.environ))) + "\n")


def _refuse_unmet(plan: Plan) -> None:
    unmet = plan.unmet()
    if not unmet:
        return
    malformed = next((state for state in unmet if state.is_malformed), None)
    if malformed is not None:
        raise RequirementError(malformed.problem, hint="for example: prefect-docker>=0.3.1 (PEP 508)")
    from shlex import join

    wanted = [state.requirement for state in unmet]
    told = "; ".join(f"{state.requirement}: {state.problem}" for state in unmet)
    raise RequirementError(
        f"a requirement is not met: {told}", hint=join([sys.executable, "-m", "pip", "install", *wanted])
    )


def _listener(project: Project, options: argparse.Namespace) -> Callable[[Any], None]:
    """Give what takes the run's events: text on standard error, and another format on standard output."""
    from stepengine_plugins.reporters import TextReporter

    text = TextReporter(_duplicate(sys.stderr), quiet=options.quiet)
    if options.format == "text":
        return text
    output = _own_stdout()
    started = project.hooks.reporter(options.format).start(output)

    def both(event: Any) -> None:
        text(event)
        started(event)
        output.flush()

    return both


def _duplicate(stream: TextIO) -> TextIO:
    """Give a way of our own to where a stream goes: the stream's itself is captured while a step runs."""
    return os.fdopen(os.dup(stream.fileno()), "w", encoding=stream.encoding, errors="backslashreplace", newline="\n")


def _own_stdout() -> TextIO:
    """Keep standard output for the document: what is printed past a step's context goes to standard error."""
    output = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", newline="\n")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return output

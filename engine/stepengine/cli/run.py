"""`stepengine run`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from stepengine.cli.masks import process_secrets
from stepengine.cli.output import (
    failed_run,
    interrupted_run,
    is_output_error,
    own_stderr,
    own_stdout,
    refused_run,
    write_document,
)
from stepengine.cli.project import (
    find_file,
    open_chosen,
    plan_project,
    provisioning_of,
    take_secrets,
    warn_on_stderr,
    world_of,
)
from stepengine.cli.provisioning import make_missing
from stepengine.errors import INTERRUPTED, RequirementError, StepEngineError, StepError, UsageError, tell_exception

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable
    from typing import TextIO

    from stepengine.cli.project import Project
    from stepengine.cli.provisioning import Provisioning
    from stepengine.diagnostics.diagnostic import Diagnostic
    from stepengine.entry_points import EntryPoint
    from stepengine.events import Listener
    from stepengine.planning.plan import Plan
    from stepengine.world import World

EXIT_CODES = {"succeeded": 0, "failed": StepError.exit_code, "interrupted": INTERRUPTED}


def run(options: argparse.Namespace) -> int:
    """Run a file's steps.

    Returns:
        0, or 1 where a step failed, 2 where the file is wrong, 130 after an interruption.

    Raises:
        RequirementError: a requirement is not met.
    """
    document: TextIO | None = None
    try:
        output = None if options.format == "text" else own_stdout()
        document = output if options.format == "json" else None
        prepared = prepare(options, lambda name, found: _refuse(document, name, found))
        if isinstance(prepared, int):
            return prepared
        plan, project, world = prepared
        listener = _listener(project, options, output)
    except StepEngineError as error:
        if document is not None:
            write_document(document, failed_run(error.message, error.where, error.hint))
        raise
    except KeyboardInterrupt:
        if document is not None:
            write_document(document, interrupted_run())
        raise
    return _execute(plan, world, listener)


def prepare(
    options: argparse.Namespace,
    refuse: Callable[[str, Iterable[Diagnostic]], int],
    more: Iterable[EntryPoint] = (),
    provisioning: Provisioning | None = None,
) -> tuple[Plan, Project, World] | int:
    """Check all that can be checked before the first step.

    Args:
        options: What the command line says.
        refuse: Told of a file that does not pass and of its problems; gives the exit code.
        more: Entry points beside those of the installed distributions.
        provisioning: What meets the steps' requirements; as the command line has it where it is None.

    Returns:
        What is to run, or the exit code where the file does not pass.

    Raises:
        StepEngineError: nothing can run.
    """
    take_secrets(options.secret, process_secrets())
    path = find_file(options.file)
    provisioning = provisioning or provisioning_of(path, options)
    project = open_chosen(path, options, provisioning, more)
    if options.format not in ("text", "json"):
        project.hooks.check_reporter(options.format)
    planned = _plan(project, options)
    if planned is not None and not planned[0].has_errors and make_missing(planned[0], provisioning, options):
        project = open_chosen(path, options, provisioning, more)  # what has come tells more than was known
        planned = _plan(project, options)
    file = project.file
    _show(project, options)
    if planned is None:
        return refuse(file.source.name, file.diagnostics)
    plan, world = planned
    if _show_plan_problems(project, plan, quiet=options.quiet):
        return refuse(file.source.name, plan.diagnostics)
    _import_steps(plan, project)
    world = world._replace(wrappers=project.hooks.wrappers())
    if options.verbose:
        _show_plan(plan)
    return plan, project, world


def _plan(project: Project, options: argparse.Namespace) -> tuple[Plan, World] | None:
    """Plan the run of a file; None where the file is wrong."""
    if not project.file.is_valid:
        return None
    world = world_of(project, options, process_secrets())
    return plan_project(project, options, world), world


def _execute(plan: Plan, world: World, listener: Listener) -> int:
    from stepengine.running.runner import run_plan

    result = run_plan(plan, world, listener)
    return EXIT_CODES[result.status]


def _refuse(document: TextIO | None, name: str, diagnostics: Iterable[Diagnostic]) -> int:
    if document is not None:
        write_document(document, refused_run(name, list(diagnostics)))
    return UsageError.exit_code


def _show(project: Project, options: argparse.Namespace) -> None:
    if project.file.diagnostics and not (options.quiet and project.file.is_valid):
        from stepengine.cli.validate import show_diagnostics

        show_diagnostics(project.file.diagnostics, project.file.source, errors_only=options.quiet)


def _show_plan_problems(project: Project, plan: Plan, *, quiet: bool) -> bool:
    """Write what the plan lacks to standard error; whether it cannot run so."""
    if plan.diagnostics:
        from stepengine.cli.validate import show_diagnostics

        show_diagnostics(plan.diagnostics, project.file.source, errors_only=quiet)
    return any(found.severity == "error" for found in plan.diagnostics)


def _show_plan(plan: Plan) -> None:
    from stepengine.cli.plan import render_plan
    from stepengine.terminal import style_for

    sys.stderr.write(render_plan(plan, style_for(sys.stderr, os.environ)) + "\n")


def _import_steps(plan: Plan, project: Project) -> None:
    """Import what installed packages give to build and push: validation only read it, and a build must not be in vain.

    The project's own modules wait for their turn: a step before them may install what they import.

    Raises:
        RequirementError: one cannot be imported.
    """
    told: set[str] = set()
    for pipeline in plan.pipelines:
        for step in (planned.step for planned in pipeline.steps if not planned.is_isolated):
            spec = step.spec
            if spec is None or step.section == "pull" or spec.target in told:
                continue
            if spec.is_built_in or not spec.distribution:
                continue
            told.add(spec.target)
            try:
                project.registry.load(spec)
            except StepEngineError as error:
                where = f"{project.file.source.name}:{step.line}:{step.column}"
                raise RequirementError(error.message, where=where, hint=error.hint) from error


def _listener(project: Project, options: argparse.Namespace, output: TextIO | None) -> Listener:
    """Give what takes the run's events: text on standard error, and another format on standard output."""
    # Not by its hook: loading hook plugins costs 16 ms, and this is what every run needs.
    from stepengine_plugins.reporters import TextReporter

    stderr = own_stderr()
    text: Listener = TextReporter(stderr, quiet=options.quiet)
    listeners = project.hooks.listeners()
    if listeners:
        from stepengine.cli.listening import Audience

        text = Audience(text, stderr, listeners)
    if output is None:
        return text
    started: Listener | None = project.hooks.start(options.format, output)

    def both(event: Any) -> None:
        nonlocal started
        text(event)
        if started is None:
            return
        try:
            started(event)
            output.flush()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            started = None
            if options.format == "json":
                raise  # without its document a run must not look like a success
            if isinstance(error, OSError) and (isinstance(error, BrokenPipeError) or is_output_error(error)):
                raise
            # The steps matter more than the telling: a reporter that fails does not end the run.
            warn_on_stderr(f"the format {options.format} tells no more: {tell_exception(error)}")

    return both

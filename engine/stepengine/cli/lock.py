"""`stepengine lock`."""

from __future__ import annotations

import os
import sys
from time import perf_counter
from typing import TYPE_CHECKING

from stepengine.cli.project import find_file, open_project
from stepengine.cli.provisioning import Provisioning, installer_failures
from stepengine.cli.validate import show_diagnostics
from stepengine.diagnostics.diagnostic import one_line, tell_count
from stepengine.environments.index_settings import credentials_in
from stepengine.environments.lock_file import FILE_NAME, LockedSet, render_lock, write_lock
from stepengine.errors import RequirementError, StepError, UsageError

if TYPE_CHECKING:
    import argparse

    from stepengine.cli.project import Project
    from stepengine.environments.provision import Provision
    from stepengine.environments.requirement_set import RequirementSet


def lock(options: argparse.Namespace) -> int:
    """Write the lock of a file: what its steps require, exactly.

    Returns:
        0; 1 where `--check` finds the lock to be another than the file's; 2 where the file is wrong.

    Raises:
        RequirementError: nothing meets a requirement.
        UsageError: the lock cannot be written.
    """
    path = find_file(options.file)
    provisioning = Provisioning(os.path.dirname(os.path.abspath(path)), locked=True, offline=options.offline)
    project = open_project(path, provisioning=provisioning, upstream=options.upstream)
    show_diagnostics(project.file.diagnostics, project.file.source, errors_only=project.file.is_valid)
    if not project.file.is_valid:
        return UsageError.exit_code
    wanted = _wanted(project)
    lock_path = os.path.join(os.path.dirname(path), FILE_NAME)
    existing = provisioning.provision.lock
    known = {} if existing is None else existing.sets
    if options.check:
        return _check(lock_path, set(known), set(wanted))
    if not wanted and not known:
        sys.stderr.write("no step requires more than stepengine has: there is nothing to lock\n")
        return 0
    keeps = existing is not None and not options.upgrade and provisioning.provision.fits(existing)
    sets = []
    for each, where in wanted.items():
        kept = known.get(each) if keeps else None
        sets.append(kept or _resolve(each, where, provisioning.provision, options))
    this = f">={sys.version_info[0]}.{sys.version_info[1]}"
    python = existing.python if existing is not None and keeps and any(each in known for each in wanted) else this
    write_lock(lock_path, render_lock(python, sets))
    sys.stderr.write(f"wrote {lock_path}\n")
    return 0


def _wanted(project: Project) -> dict[RequirementSet, str]:
    """Give the sets of requirements that no built-in step meets, each with the place where it is asked for first.

    What is installed here does not count: a lock is the same on every machine.
    """
    wanted: dict[RequirementSet, str] = {}
    for pipeline in project.file.pipelines:
        for step in pipeline.all_steps():
            requirements = project.provisioning.decide(step.requires, step.spec).requirements if step.requires else None
            if requirements is not None:
                wanted.setdefault(requirements, f"{project.file.source.name}:{step.line}:{step.column}")
    return wanted


def _check(path: str, known: set[RequirementSet], wanted: set[RequirementSet]) -> int:
    missing, extra = sorted(map(str, wanted - known)), sorted(map(str, known - wanted))
    for each in missing:
        sys.stderr.write(f"{path} has no lock for {one_line(each)}\n")
    for each in extra:
        sys.stderr.write(f"{path} has a lock for {one_line(each)}, which no step requires\n")
    if missing or extra:
        sys.stderr.write("  help: stepengine lock\n")
        return StepError.exit_code
    return 0


def _resolve(wanted: RequirementSet, where: str, provision: Provision, options: argparse.Namespace) -> LockedSet:
    if any(credentials_in(str(wanted), {})):
        message = "a requirement's address holds credentials: they would be in the lock"
        raise RequirementError(message, where=where, hint="write https://${NAME}@host/…, and set the variable NAME")
    started = perf_counter()

    def tell(line: str) -> None:
        if options.verbose:
            sys.stderr.write(f"  | {line}\n")

    what = one_line(str(wanted))
    with installer_failures(f"{what} cannot be locked", where, told=options.verbose):
        packages = provision.installer(tell).resolve(wanted.requirements)
    sys.stderr.write(f"locked {what}: {tell_count(packages, 'package')} in {perf_counter() - started:.1f} s\n")
    return LockedSet(wanted, packages)

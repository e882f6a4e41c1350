"""The environments that a command's steps require: decided upon when first asked for, made with the user's consent."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING

from stepengine.cli.masks import process_secrets
from stepengine.diagnostics.diagnostic import one_line, tell_count
from stepengine.errors import RequirementError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from stepengine.catalogue.spec import StepSpec
    from stepengine.environments.provision import Decision, Provision
    from stepengine.planning.plan import MissingEnvironment, Plan

_SETTING = "STEPENGINE_INSTALL"
_TRUE = ("1", "true", "yes", "on")


class Provisioning:
    """A command's `Provision`, made when a step first requires something: a file that requires nothing pays nothing.

    Args:
        directory: The file's.
        locked: `--locked`.
        offline: `--offline`.
    """

    def __init__(self, directory: str, *, locked: bool = False, offline: bool = False) -> None:
        self._directory = directory
        self._locked = locked
        self._offline = offline
        self._provision: Provision | None = None

    @property
    def provision(self) -> Provision:
        """It."""
        if self._provision is None:
            from stepengine.environments.provision import Provision

            self._provision = Provision(
                self._directory, os.environ, process_secrets().add, locked=self._locked, offline=self._offline
            )
        return self._provision

    def decide(self, requires: Sequence[str], spec: StepSpec | None) -> Decision:
        """Decide what meets a step's requirements; see `Provision.decide`."""
        return self.provision.decide(requires, spec)


def make_missing(plan: Plan, provisioning: Provisioning, options: argparse.Namespace) -> bool:
    """Make the environments that a plan lacks; whether it lacked any.

    Raises:
        RequirementError: they cannot be made, or the user does not want them.
    """
    missing = plan.missing()
    if not missing:
        return False
    for each in missing:
        if each.decision.problem:
            raise RequirementError(each.message, where=_where(plan, each), hint=each.hint)
    if not _is_allowed(options):
        _ask(plan, missing, provisioning, options)
    for each in missing:
        _make(plan, each, provisioning.provision, options)
    return True


def _where(plan: Plan, missing: MissingEnvironment) -> str:
    return f"{plan.file.source.name}:{missing.line}:{missing.column}"


def _is_allowed(options: argparse.Namespace) -> bool:
    return options.install or os.environ.get(_SETTING, "").lower() in _TRUE


def _ask(
    plan: Plan, missing: Iterable[MissingEnvironment], provisioning: Provisioning, options: argparse.Namespace
) -> None:
    """Ask the user on a terminal; elsewhere, and where the answer is no, end with what to do.

    Raises:
        RequirementError: they are not to be made.
    """
    first, *others = missing
    told = "; ".join(each.message for each in (first, *others))
    if options.offline:
        hint = "run it once without --offline, or add --install to make it of what the installer has in its cache"
        raise RequirementError(f"--offline: {told}", where=_where(plan, first), hint=hint)
    if is_asked():
        needed = [f"  {one_line(f'{each.step.label} requires {each.requirements}')}\n" for each in (first, *others)]
        where = provisioning.provision.store.directory
        sys.stderr.write(
            f"These are not here:\n{''.join(needed)}"
            f"stepengine can install them apart from this machine's packages, in {where}.\nInstall? [y/N] "
        )
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() in ("y", "yes"):
            return
    from shlex import join

    command = join(["stepengine", *options.arguments, "--install"])
    raise RequirementError(f"a requirement is not met: {told}", where=_where(plan, first), hint=command)


def is_asked() -> bool:
    """Whether somebody is there to answer."""
    try:
        return sys.stdin.isatty() and sys.stderr.isatty()
    except (AttributeError, ValueError):
        return False


@contextmanager
def installer_failures(what: str, where: str, *, told: bool) -> Iterator[None]:
    """Say of what the failure of an installer is, and where that stands in the file.

    Args:
        what: What cannot be done.
        where: `file:line:column`.
        told: Whether what the installer printed has been shown.

    Raises:
        RequirementError: the installer failed.
    """
    try:
        yield
    except RequirementError as error:
        output = getattr(error, "output", "")
        if output and not told:
            sys.stderr.write("".join(f"  | {line}\n" for line in output.splitlines()))
        hint = error.hint or "correct the requirement, or where packages are looked for"
        raise RequirementError(f"{what}: {error.message}", where=where, hint=hint) from error


def _make(plan: Plan, missing: MissingEnvironment, provision: Provision, options: argparse.Namespace) -> None:
    started = perf_counter()
    what = one_line(str(missing.requirements))

    def say(text: str) -> None:
        if not options.quiet:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()

    def tell(line: str) -> None:
        if options.verbose:
            say(f"  | {line}")

    say(f"installing {what}")
    with installer_failures(f"{what} cannot be installed", _where(plan, missing), told=options.verbose):
        made = provision.make(
            missing.requirements, tell, lambda: say("  another run installs the same: waiting for it")
        )
    say(f"installed {what}: {tell_count(made.packages, 'package')} in {perf_counter() - started:.1f} s")

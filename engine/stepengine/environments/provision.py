"""What meets the requirements of a step: what is here, or an environment of its own."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from stepengine.catalogue.requirements import RequirementState, check_requirements
from stepengine.environments.index_settings import credentials_in, read_index_settings, without_credentials
from stepengine.environments.installing import InstallerProcess
from stepengine.environments.lock_file import FILE_NAME, read_lock
from stepengine.environments.requirement_set import RequirementSet, environment_key, requirement_set
from stepengine.environments.store import Store, cache_directory
from stepengine.errors import RequirementError
from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from stepengine.catalogue.spec import StepSpec
    from stepengine.environments.file_lock import FileLock
    from stepengine.environments.index_settings import IndexSettings
    from stepengine.environments.installing import Installer
    from stepengine.environments.lock_file import Lock, LockedPackage
    from stepengine.environments.store import Environment


_ENGINE = "stepengine"
_PYTHON = ".".join(map(str, sys.version_info[:3]))


class Decision(Record):
    """What meets the requirements of a step.

    Attributes:
        states: Each requirement, with what meets it here.
        requirements: What an environment of its own is needed for; None where the step runs with what is here.
        environment: That environment; None where it is not made yet.
        locked: Whether a lock says what is in it.
        problem: Why it cannot be made, in one line; empty where it can.
        remedy: What to do about that, in one line.
    """

    states: tuple[RequirementState, ...]
    requirements: RequirementSet | None = None
    environment: Environment | None = None
    locked: bool = False
    problem: str = ""
    remedy: str = ""


class Provision:
    """Decides what meets requirements, and makes the environments that it takes.

    Args:
        directory: The file's, where its lock is.
        environ: The environment of the run.
        add_secret: Has a value masked.
        locked: Whether only what a lock has may be used, whatever is installed here.
        offline: Whether nothing may be fetched.

    Raises:
        UsageError: there is a lock that cannot be read.
    """

    def __init__(
        self,
        directory: str,
        environ: Mapping[str, str],
        add_secret: Callable[[str], None],
        *,
        locked: bool,
        offline: bool,
    ) -> None:
        self.store = Store(cache_directory(environ))
        self._lock_path = os.path.join(directory, FILE_NAME)
        self._environ = environ
        self._add_secret = add_secret
        self._only_locked = locked
        self._offline = offline
        self._decisions: dict[tuple[tuple[str, ...], str | None], Decision] = {}
        self._settings: IndexSettings | None = None
        self._lock: Lock | None = None
        self._lock_read = False

    def decide(self, requires: Sequence[str], spec: StepSpec | None) -> Decision:
        """Decide what meets the requirements of a step; nothing is made.

        Args:
            requires: Them, as they are written.
            spec: What its name stands for here; None where that is nothing.
        """
        provides = spec.options.provides if spec is not None else None
        key = (tuple(requires), provides)
        if key not in self._decisions:
            self._decisions[key] = self._decide(requires, provides)
        return self._decisions[key]

    def _decide(self, requires: Sequence[str], provides: str | None) -> Decision:
        for secret in (found for text in requires for found in credentials_in(text, self._environ)):
            self._add_secret(secret)  # before anything is told of them
        states = tuple(check_requirements(requires, provides, only_provided=self._only_locked))
        if all(state.satisfied_by for state in states):
            return Decision(states)
        wanted = requirement_set(requires)
        own = [state for state in states if not state.satisfied_by and state.problem.startswith(f"{_ENGINE} ")]
        if own:  # the engine that runs goes into every environment: another one cannot be had there
            problem = f"{own[0].requirement} cannot be met: {own[0].problem}"
            return Decision(states, wanted, problem=problem, remedy="install the version that is required")
        packages, reason = self._locked_packages(wanted)
        if packages is None and self._only_locked:
            return Decision(states, wanted, problem=reason, remedy="write the lock anew: stepengine lock")
        environment = self.store.find(self._key(wanted, packages))
        return Decision(states, wanted, environment, packages is not None)

    def _key(self, wanted: RequirementSet, packages: tuple[LockedPackage, ...] | None) -> str:
        return environment_key(wanted, self._index_settings(), packages)

    def _index_settings(self) -> IndexSettings:
        if self._settings is None:
            self._settings = read_index_settings(self._environ, sys.executable)
        return self._settings

    def _locked_packages(self, wanted: RequirementSet) -> tuple[tuple[LockedPackage, ...] | None, str]:
        """Give the packages of a lock, or None and why there are none that may be used."""
        lock = self.lock
        if lock is None:
            return None, f"--locked: there is no {FILE_NAME} beside the file"
        locked = lock.sets.get(wanted)
        if locked is None:
            return None, f"--locked: {FILE_NAME} has no lock for {wanted}"
        if not self.fits(lock):
            return None, f"{FILE_NAME} is for Python {lock.python}, and this is {_PYTHON}"
        return locked.packages, ""

    def fits(self, lock: Lock) -> bool:
        """Whether a lock is for this version of Python."""
        from packaging.specifiers import SpecifierSet

        return SpecifierSet(lock.python).contains(_PYTHON, prereleases=True)

    @property
    def lock(self) -> Lock | None:
        """The lock beside the file."""
        if not self._lock_read:
            self._lock = read_lock(self._lock_path)
            self._lock_read = True
        return self._lock

    def make(self, wanted: RequirementSet, tell: Callable[[str], None], on_wait: Callable[[], None]) -> Environment:
        """Make the environment of a set of requirements.

        Args:
            wanted: It; `decide` found no environment for it, and no problem.
            tell: Receives what the installer prints, line by line.
            on_wait: Called where another run makes it already.

        Raises:
            RequirementError: it cannot be made.
        """
        packages, _ = self._locked_packages(wanted)
        installer = self.installer(tell)
        lines = wanted.requirements if packages is None else [package.line for package in packages]

        def fill(directory: str, keep: Sequence[int]) -> None:
            installer.make(directory, lines, hashed=packages is not None, keep=keep)

        facts = {
            "requirements": [without_credentials(each) for each in wanted.requirements],
            "locked": packages is not None,
            "python": sys.version.partition(" ")[0],
        }
        try:
            made = self.store.make(self._key(wanted, packages), fill, facts, on_wait)
        finally:
            self._decisions.clear()
        return made

    def installer(self, tell: Callable[[str], None]) -> Installer:
        """Give who installs: uv where it is, pip elsewhere.

        Args:
            tell: Receives what it prints, line by line.
        """
        from stepengine.environments.pip_installer import PipInstaller
        from stepengine.environments.uv_installer import UvInstaller, find_uv

        settings = self._index_settings()
        process = InstallerProcess(self._environ, settings, self._add_secret, tell)
        uv = find_uv(self._environ)
        if uv is not None:
            return UvInstaller(uv, process, settings, offline=self._offline)
        return PipInstaller(process, offline=self._offline)

    def use(self, environment: Environment) -> FileLock:
        """Keep an environment from being removed until the lock is released.

        Raises:
            RequirementError: it has gone meanwhile.
        """
        try:
            lock = self.store.use(environment)
        except OSError as error:
            message = f"the environment in {environment.directory} cannot be used: {error.strerror}"
            raise RequirementError(message) from error
        if self.store.find(environment.key) is None:
            lock.release()
            message = f"the environment for {', '.join(environment.requirements)} has been removed meanwhile"
            raise RequirementError(message, hint="run again")
        return lock

"""Steps in an isolated environment: in a child process that stays for the pipeline's further steps of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from stepengine.environments.layout import activated, deactivated, interpreter_of
from stepengine.errors import StepError
from stepengine.workers.child import ChildTransport
from stepengine.workers.worker_place import WorkerPlace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stepengine.catalogue.spec import StepSpec
    from stepengine.environments.file_lock import FileLock
    from stepengine.environments.store import Environment
    from stepengine.running.places import Emit, Place

# The engine is found by its name alone: of the packages beside it nothing else is seen.
_START = """\
import sys
from importlib.machinery import PathFinder
class Engine:
    home = sys.argv.pop()
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return PathFinder.find_spec(name, [cls.home]) if name == "stepengine" else None
sys.meta_path.insert(0, Engine)
sys.path.append(sys.argv.pop())
from stepengine.workers.worker import main
main()
"""

_ENGINE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class ActivatedPlace:
    """The place of the pipeline's other steps, where programs find those of an environment first.

    Built-in steps run so: they need nothing of what they require besides, but the programs that they start may.

    Args:
        environment: The environment.
        lock: What keeps it; released at the end.
        base: Where the pipeline's other steps run.
    """

    def __init__(self, environment: Environment, lock: FileLock, base: Place) -> None:
        self.description = f"with the programs of an environment for {', '.join(environment.requirements)}"
        self._home = environment.directory
        self._lock = lock
        self._base = base

    @property
    def directory(self) -> str:
        """The working directory that the next step starts in."""
        return self._base.directory

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment variables, as the last step left them."""
        return self._base.environ

    def enter(self, directory: str, environ: Mapping[str, str]) -> None:
        """Have the next step start elsewhere; see `Place.enter`."""
        self._base.enter(directory, environ)

    def call(self, spec: StepSpec, inputs: dict[str, Any], emit: Emit) -> Any:
        """Run a step; see `Place.call`."""
        before = dict(self._base.environ)
        self._base.enter(self._base.directory, activated(self._home, before))
        try:
            return self._base.call(spec, inputs, emit)
        finally:
            self._base.enter(self._base.directory, deactivated(self._home, dict(self._base.environ), before))

    def close(self) -> None:
        """Let the environment go."""
        self._lock.release()


class IsolatedPlace:
    """An isolated environment, where steps go on from where those before them left off, and theirs from there.

    Args:
        environment: It.
        lock: What keeps it; released at the end.
        base: Where the pipeline's other steps run.
        modules: The file's directory: modules in it may be steps.
        scripts: What the paths of scripts are relative to; None for the working directory.
        project: The values at the file's top level.
        block: Finds a block's data by `(type slug, name)`.

    Raises:
        StepError: its process cannot be started.
    """

    def __init__(
        self,
        environment: Environment,
        lock: FileLock,
        base: Place,
        *,
        modules: str,
        scripts: str | None,
        project: Mapping[str, Any],
        block: Callable[[str, str], Any],
    ) -> None:
        self._environment = environment
        self._lock = lock
        self._base = base
        self.description = f"in an environment for {', '.join(environment.requirements)}"
        command = [interpreter_of(environment.directory), "-c", _START, modules, _ENGINE]
        before = dict(base.environ)
        try:
            transport = ChildTransport(command, base.directory, activated(environment.directory, before))
        except OSError as error:
            hint = f"remove it, and have it made anew: stepengine env prune {environment.key}"
            message = f"the environment for {', '.join(environment.requirements)} is damaged: {error.strerror}"
            raise StepError(message, hint=hint) from error
        self._worker = WorkerPlace(
            transport, self.description, project=project, block=block, directory=base.directory, scripts=scripts
        )

    @property
    def directory(self) -> str:
        """The working directory that the next step starts in."""
        return self._base.directory

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment variables, as the last step left them."""
        return self._base.environ

    def enter(self, directory: str, environ: Mapping[str, str]) -> None:
        """Have the next step start elsewhere; see `Place.enter`."""
        self._base.enter(directory, environ)

    def call(self, spec: StepSpec, inputs: dict[str, Any], emit: Emit) -> Any:
        """Run a step; see `Place.call`."""
        home, before = self._environment.directory, dict(self._base.environ)
        self._worker.enter(self._base.directory, activated(home, before))
        result = self._worker.call(spec, inputs, emit)
        after = deactivated(home, dict(self._worker.environ), before)
        if after != before or self._worker.directory != self._base.directory:
            self._base.enter(self._worker.directory, after)
        return result

    def close(self) -> None:
        """End its process."""
        try:
            self._worker.close()
        finally:
            self._lock.release()

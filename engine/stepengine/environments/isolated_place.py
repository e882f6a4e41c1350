"""Steps in an isolated environment: in a child process that stays for the pipeline's further steps of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from stepengine.environments.damage import damage_hint, how_to_renew
from stepengine.environments.layout import activated, deactivated, interpreter_of, packages_of
from stepengine.errors import StepError
from stepengine.workers.child import ChildTransport
from stepengine.workers.worker_place import WorkerPlace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stepengine.catalogue.spec import StepSpec
    from stepengine.environments.store import Environment
    from stepengine.running.places import Emit, Place

# The engine is found by its name alone: of the packages beside it nothing else is seen.
_START = """\
import sys
sys.path[:] = filter(None, sys.path)
from importlib.machinery import PathFinder
class Engine:
    home = sys.argv.pop()
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return PathFinder.find_spec(name, [cls.home]) if name == "stepengine" else None
sys.meta_path.insert(0, Engine)
sys.path.extend(sys.argv[1:])
from stepengine.workers.worker import main
main()
"""

_ENGINE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class _OnBase:
    """A place whose steps go on from where those of another left off, and those from there."""

    def __init__(self, base: Place) -> None:
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


class ActivatedPlace(_OnBase):
    """The place of the pipeline's other steps, where programs find those of an environment first.

    Built-in steps run so: they need nothing of what they require besides, but the programs that they start may.

    Args:
        environment: The environment.
        base: Where the pipeline's other steps run.
    """

    def __init__(self, environment: Environment, base: Place) -> None:
        super().__init__(base)
        self.description = f"with the programs of an environment for {', '.join(environment.requirements)}"
        self._home = environment.directory

    def call(self, spec: StepSpec, inputs: dict[str, Any], emit: Emit) -> Any:
        """Run a step; see `Place.call`."""
        before = dict(self._base.environ)
        self._base.enter(self._base.directory, activated(self._home, before))
        try:
            return self._base.call(spec, inputs, emit)
        finally:
            self._base.enter(self._base.directory, deactivated(self._home, dict(self._base.environ), before))


class IsolatedWorker:
    """A child process in an isolated environment.

    Args:
        environment: It.
        base: Where it starts, and with which variables.
        modules: The file's directory: modules in it may be steps.
        project: The values at the file's top level.
        block: Finds a block's data by `(type slug, name)`.

    Raises:
        StepError: it cannot be started.
    """

    def __init__(
        self,
        environment: Environment,
        base: Place,
        *,
        modules: str,
        project: Mapping[str, Any],
        block: Callable[[str, str], Any],
    ) -> None:
        self.home = environment.directory
        self.description = f"in an environment for {', '.join(environment.requirements)}"
        self._key = environment.key
        environ = activated(self.home, dict(base.environ))
        # What is imported here is read again by every run: steps still find the variables as they are.
        environ.pop("PYTHONDONTWRITEBYTECODE", None)
        # Modules of the project may be there; the environment's own packages go before them.
        more = [os.path.abspath(path) for path in environ.pop("PYTHONPATH", "").split(os.pathsep) if path]
        command = [interpreter_of(self.home), "-c", _START, modules, *more, _ENGINE]
        try:
            transport = ChildTransport(command, base.directory, environ)
        except OSError as error:
            if error.filename != interpreter_of(self.home) and os.path.exists(interpreter_of(self.home)):
                where = f"{error.filename}: " if error.filename else ""
                raise StepError(f"the step's process cannot be started: {where}{error.strerror}") from error
            message = f"the environment for {', '.join(environment.requirements)} is damaged: {error.strerror}"
            raise StepError(message, hint=how_to_renew(self._key)) from error
        try:
            self.place = WorkerPlace(
                transport,
                self.description,
                project=project,
                block=block,
                directory=base.directory,
                missing_hint="add the distribution that has it to the step's `requires`",
            )
        except StepError as error:
            error.hint = error.hint or f"the environment may be damaged: {how_to_renew(self._key)}"
            raise

    def blame_damage(self, error: StepError) -> None:
        """Have a step's error tell of it where the environment is not as it was made."""
        error.hint = damage_hint(packages_of(self.home), self._key) or error.hint

    def close(self) -> None:
        """End it."""
        self.place.close()


class IsolatedPlace(_OnBase):
    """A worker in an isolated environment.

    Args:
        worker: It.
        base: Where the others run.
        scripts: What the paths of scripts are relative to; None for the working directory.
    """

    def __init__(self, worker: IsolatedWorker, base: Place, scripts: str | None) -> None:
        super().__init__(base)
        self.description = worker.description
        self._worker = worker
        self._scripts = scripts

    def call(self, spec: StepSpec, inputs: dict[str, Any], emit: Emit) -> Any:
        """Run a step; see `Place.call`."""
        home, place, before = self._worker.home, self._worker.place, dict(self._base.environ)
        if self._scripts is not None and spec.target.rpartition(":")[0].endswith(".py"):
            spec = spec._replace(target=os.path.join(self._scripts, spec.target))
        place.enter(self._base.directory, activated(home, before))
        try:
            result = place.call(spec, inputs, emit)
        except StepError as error:
            self._worker.blame_damage(error)
            raise
        after = deactivated(home, dict(place.environ), before)
        if after != before or place.directory != self._base.directory:
            self._base.enter(place.directory, after)
        return result

"""Which steps of a pipeline run in an isolated environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.catalogue.modules import split_name
from stepengine.catalogue.spec import unreadable_spec
from stepengine.errors import RequirementError, StepEngineError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stepengine.catalogue.spec import StepSpec
    from stepengine.environments.file_lock import FileLock
    from stepengine.environments.isolated_place import IsolatedWorker
    from stepengine.environments.store import Environment
    from stepengine.model import Step
    from stepengine.running.places import Place
    from stepengine.world import World


class Isolation:
    """The isolated environments of a pipeline's steps, each started when its first step runs.

    Args:
        world: What the run may use.
        project: The values at the file's top level.
    """

    def __init__(self, world: World, project: Mapping[str, Any]) -> None:
        self._world = world
        self._project = project
        self._workers: dict[str, IsolatedWorker] = {}
        self._locks: dict[str, FileLock] = {}

    def place_of(self, step: Step, base: Place) -> Place:
        """Give where a step runs: in the environment that its requirements need, or with the others.

        Args:
            step: It; it requires something.
            base: Where the others run.

        Raises:
            StepEngineError: the environment cannot be used.
        """
        decision = self._world.decide(step)
        if decision.requirements is None:
            return base
        environment = decision.environment
        if environment is None:
            raise RequirementError(f"the environment for {decision.requirements} is not there", hint="run again")
        from stepengine.environments.isolated_place import ActivatedPlace, IsolatedPlace

        if step.spec is not None and step.spec.is_built_in:
            return ActivatedPlace(self._held(environment), base)
        scripts = None if step.section == "pull" else self._world.directory
        return IsolatedPlace(self._worker(environment, base), base, scripts)

    def _held(self, environment: Environment) -> Environment:
        """Keep an environment from being removed while the pipeline runs."""
        if environment.key not in self._locks:
            self._locks[environment.key] = self._world.use(environment)
        return environment

    def _worker(self, environment: Environment, base: Place) -> IsolatedWorker:
        if environment.key not in self._workers:
            from stepengine.environments.isolated_place import IsolatedWorker

            self._workers[environment.key] = IsolatedWorker(
                self._held(environment),
                base,
                modules=self._world.directory,
                project=self._project,
                block=self._world.block,
            )
        return self._workers[environment.key]

    def close(self) -> None:
        """End all their processes, and let the environments go."""
        while self._workers:
            _, worker = self._workers.popitem()
            worker.close()
        while self._locks:
            _, lock = self._locks.popitem()
            lock.release()


def spec_elsewhere(step: Step) -> StepSpec:
    """Take a name that is not known here as the dotted path of a function that is, where the step runs."""
    module, attribute = split_name(step.name)
    if not module or (step.section != "pull" and not step.requires):
        raise StepEngineError(f"there is no step {step.name} here", hint="see what `stepengine validate` says of it")
    return unreadable_spec(step.name, f"{module}:{attribute}")

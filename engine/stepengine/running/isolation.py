"""Which steps of a pipeline run in an isolated environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stepengine.environments.file_lock import FileLock
    from stepengine.environments.isolated_place import ActivatedPlace, IsolatedPlace
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
        self._places: dict[tuple[str, int, bool], ActivatedPlace | IsolatedPlace] = {}

    def place_of(self, step: Step, base: Place) -> Place:
        """Give where a step runs: in the environment that its requirements need, or with the others.

        Args:
            step: It.
            base: Where the others run.

        Raises:
            StepEngineError: the environment cannot be used.
        """
        environment = self._world.decide(step).environment if step.requires else None
        if environment is None:
            return base
        from stepengine.environments.isolated_place import ActivatedPlace

        is_built_in = step.spec is not None and step.spec.is_built_in
        key = (environment.key, id(base), is_built_in)
        if key not in self._places:
            lock = self._world.use(environment)
            try:
                self._places[key] = (
                    ActivatedPlace(environment, lock, base)
                    if is_built_in
                    else self._isolate(environment, lock, base, step)
                )
            except BaseException:
                lock.release()
                raise
        return self._places[key]

    def _isolate(self, environment: Environment, lock: FileLock, base: Place, step: Step) -> IsolatedPlace:
        from stepengine.environments.isolated_place import IsolatedPlace

        return IsolatedPlace(
            environment,
            lock,
            base,
            modules=self._world.directory,
            scripts=None if step.section == "pull" else self._world.directory,
            project=self._project,
            block=self._world.block,
        )

    def close(self) -> None:
        """End all their processes."""
        while self._places:
            _, place = self._places.popitem()
            place.close()

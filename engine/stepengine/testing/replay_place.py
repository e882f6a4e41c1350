"""The place of replayed pull steps: no container and no child process, unless something is to run after all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stepengine.catalogue.spec import StepSpec
    from stepengine.result import PullPlace
    from stepengine.running.places import Emit, OpenedPlace


class ReplayPlace:
    """Remembers where its steps are; opened for real by the first call that is to run.

    Args:
        description: Where it was, in words.
        directory: Where its steps start.
        environ: The environment that they start with.
        open_place: Opens the real place.
    """

    def __init__(
        self,
        description: str,
        directory: str,
        environ: Mapping[str, str],
        open_place: Callable[[], tuple[OpenedPlace, PullPlace]],
    ) -> None:
        self.description = description
        self._directory = directory
        self._environ: Mapping[str, str] = dict(environ)
        self._start = directory
        self._changes: dict[str, str | None] = {}
        self._open_place = open_place
        self._real: OpenedPlace | None = None

    @property
    def directory(self) -> str:
        """The working directory that the next step starts in."""
        return self._directory if self._real is None else self._real.directory

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment variables there, as the last step left them."""
        return self._environ if self._real is None else self._real.environ

    def enter(self, directory: str, environ: Mapping[str, str]) -> None:
        """Have the next step start elsewhere; see `Place.enter`."""
        if self._real is not None:
            self._real.enter(directory, environ)
            return
        self._changes |= changed_variables(self._environ, environ)
        self._directory, self._environ = directory, dict(environ)

    def call(self, spec: StepSpec, inputs: dict[str, Any], emit: Emit) -> Any:
        """Run a step for real; see `Place.call`."""
        if self._real is None:
            real, _ = self._open_place()
            if self._directory != self._start or self._changes:
                real.enter(self._directory_in(real), with_changes(real.environ, self._changes))
            self._real = real
        return self._real.call(spec, inputs, emit)

    def _directory_in(self, real: OpenedPlace) -> str:
        """Give the directory of the next step in the real place: below its start where it is below this one's."""
        relative = os.path.relpath(self._directory, self._start)
        if relative.split(os.sep)[0] == os.pardir:
            return self._directory
        return os.path.normpath(os.path.join(real.directory, relative))

    def close(self) -> None:
        """Close the real place, where there is one."""
        if self._real is not None:
            self._real.close()


def changed_variables(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str | None]:
    """Give the variables that differ: their new values, and None for those that are gone."""
    changed: dict[str, str | None] = {name: value for name, value in after.items() if before.get(name) != value}
    return changed | {name: None for name in before if name not in after}


def with_changes(environ: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """Give an environment with changes made."""
    merged = {**environ, **changes}
    return {name: value for name, value in merged.items() if value is not None}

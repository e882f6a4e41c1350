"""One run with a cassette: what is put around its steps, and where its pull steps are."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from stepengine.errors import StepError, TemplateError, tell_exception
from stepengine.events import Notice, StepFinished, StepOutput
from stepengine.model import last_part
from stepengine.result import PullPlace
from stepengine.running.wrapping import StepWrapper
from stepengine.testing.cassette_file import Call, CassetteError, PullSite
from stepengine.testing.matching import keepable
from stepengine.testing.replay_place import ReplayPlace, changed_variables, with_changes

if TYPE_CHECKING:
    from collections.abc import Callable

    from stepengine.errors import StepEngineError
    from stepengine.events import Event, Listener
    from stepengine.model import Pipeline
    from stepengine.planning.plan import Plan
    from stepengine.running.places import Emit, OpenedPlace
    from stepengine.running.wrapping import StepCall
    from stepengine.templating import Scope
    from stepengine.testing.cassette import Cassette
    from stepengine.world import World

_PULL = "pull"
"""What the fresh directory of pull steps in a child process is written as."""


class _Seen:
    """What a call that is being recorded has told so far."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.printed: list[tuple[str, str]] = []
        self.warnings: list[str] = []
        self.is_over = False


class Session:
    """One run.

    Args:
        cassette: What it is replayed from, or recorded to.
    """

    def __init__(self, cassette: Cassette) -> None:
        self._cassette = cassette
        self._problem = ""
        self._seen: list[_Seen] = []  # the calls of the step that is running; a retry makes several of one
        self._world: World

    def join(self, world: World) -> tuple[World, Listener]:
        """Put the cassette around the steps of a run, inside of what plugins put around them."""
        self._world = world
        wrapper = StepWrapper("the cassette", self._wrap)
        # A step on its own has its pull steps in this process already.
        open_place = world.open_pull_place or self._open_pull_place
        return world._replace(wrappers=(*world.wrappers, wrapper), open_pull_place=open_place), self._listen

    def check(self) -> None:
        """Tell of a call that the cassette does not have: it must not pass for the failure that a test expects.

        Raises:
            CassetteError: there was one.
        """
        __tracebackhide__ = True
        if self._problem:
            raise CassetteError(self._problem)

    def _wrap(self, call: StepCall, inputs: dict[str, Any]) -> Any:
        if not self._cassette.live.isdisjoint((call.step.name, last_part(call.step.name))):
            return call.proceed(inputs)
        shown = self._keepable(call.shown)
        recorded = self._cassette.find(call.step.name, shown)
        if recorded is not None:
            return _replay(recorded, call)
        if not self._cassette.is_recording:
            self._problem = self._problem or self._cassette.explain(call.step.name, shown)
            raise StepError(f"the cassette {self._cassette.path.name} does not have this call")
        return self._record(Call(call.step.name, shown), call, inputs)

    def _keepable(self, value: Any) -> Any:
        return keepable(value, self._world.secrets, self._cassette.texts)

    def _record(self, kept: Call, call: StepCall, inputs: dict[str, Any]) -> Any:
        directory, environ = call.place.directory, dict(call.place.environ)
        seen = _Seen(kept)
        self._seen.append(seen)
        try:
            outputs = call.proceed(inputs)
            self._world.secrets.add_environment(call.place.environ)
            self._world.secrets.add_urls(outputs)
        except KeyboardInterrupt:
            self._cassette.spoil()
            raise
        except BaseException as error:
            seen.call = seen.call._replace(failure=self._keepable(_failure(error)))
            raise
        else:
            seen.call = seen.call._replace(outputs=self._keepable(outputs))
            return outputs
        finally:
            seen.is_over = True
            moved = "" if call.place.directory == directory else self._keepable(call.place.directory)
            changes = self._keepable(changed_variables(environ, call.place.environ))
            seen.call = seen.call._replace(directory=moved, environ=changes)

    def _listen(self, event: Event) -> None:
        if not self._seen:
            return
        if isinstance(event, StepOutput):
            self._seen[-1].printed.append((event.stream, self._cassette.texts.write(event.line)))
        elif isinstance(event, Notice) and event.step is not None and not self._seen[-1].is_over:
            self._seen[-1].warnings.append(self._cassette.texts.write(event.message))
        elif isinstance(event, StepFinished):
            for seen in self._seen:
                told = seen.call._replace(printed=tuple(seen.printed), warnings=tuple(seen.warnings))
                self._cassette.add(told, self._world.secrets)
            self._seen.clear()

    def _open_pull_place(
        self, pipeline: Pipeline, scope: Scope, world: World, plan: Plan, note: Callable[[str], None]
    ) -> tuple[OpenedPlace, PullPlace]:
        from stepengine.pulling.pull import open_pull_place

        def open_real() -> tuple[OpenedPlace, PullPlace]:
            place, told = open_pull_place(pipeline, scope, world, plan, note)
            if told.kind == "here":
                self._cassette.portable(_PULL, place.directory)
            return place, told

        site = self._cassette.next_site()
        if site is None and self._cassette.is_recording:
            place, told = open_real()
            self._cassette.add_site(PullSite(told.kind, told.image, self._cassette.texts.write(place.directory)))
            return place, told
        return self._replay_place(site or PullSite("here", None, f"<{_PULL}>"), open_real)

    def _replay_place(
        self, site: PullSite, open_real: Callable[[], tuple[OpenedPlace, PullPlace]]
    ) -> tuple[OpenedPlace, PullPlace]:
        texts = self._cassette.texts
        self._cassette.portable(_PULL, os.path.join(self._world.directory, "pull"))
        directory = texts.read(site.directory)

        description = f"in a container of {site.image}" if site.kind == "image" else "in a child process"
        place = ReplayPlace(f"{description}, replayed", directory, self._world.environ, open_real)
        kind: Any = site.kind
        return place, PullPlace(kind, site.image, directory)


def _replay(recorded: Call, call: StepCall) -> Any:
    """Do what a recorded call did, but for its work."""
    _tell(recorded, call.emit)
    if recorded.directory or recorded.environ:
        environ = call.place.environ
        if recorded.environ:
            environ = with_changes(environ, recorded.environ)
        call.place.enter(recorded.directory or call.place.directory, environ)
    if recorded.failure is not None:
        raise _error(recorded.failure)
    return recorded.outputs


def _tell(recorded: Call, emit: Emit) -> None:
    for stream, line in recorded.printed:
        emit("output", {"stream": stream, "line": line})
    for message in recorded.warnings:
        emit("warning", {"message": message})


def _failure(error: BaseException) -> dict[str, str]:
    if not isinstance(error, (StepError, TemplateError)):
        return {"message": tell_exception(error)}
    told = {"message": error.message, "hint": error.hint, "output": getattr(error, "output", "")}
    kept = {name: text for name, text in told.items() if text}
    return kept if isinstance(error, StepError) else {**kept, "type": "TemplateError"}


def _error(failure: dict[str, str]) -> StepEngineError:
    message, hint = failure.get("message", ""), failure.get("hint", "")
    if failure.get("type") == "TemplateError":
        return TemplateError(message, hint=hint)
    return StepError(message, hint=hint, output=failure.get("output", ""))

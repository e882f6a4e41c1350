"""The hooks that a plugin may implement: functions of these names in the module that its entry point names.

A plugin registers its module under the entry-point group `stepengine`:

    [project.entry-points.stepengine]
    vault = "my_package.vault"

A run imports the module only where it needs one of its hooks, which the module's text tells: it has the hook's name.
Built-in plugins come first, and where one of them has the answer no other is imported. Else every implementation of a
hook is called, and what they return is put together; none can hide another's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stepengine.events import Listener
    from stepengine.hooks.types import Builder, Recipe, ReferenceSource, Reporter
    from stepengine.running.wrapping import StepWrapper

hookspec = pluggy.HookspecMarker("stepengine")


@hookspec
def stepengine_sources(environ: Mapping[str, str], directory: str) -> Iterable[ReferenceSource]:  # type: ignore[empty-body]
    """Give sources for references: to blocks and variables, or into a namespace of the plugin's own.

    Called once, when a block or a variable is resolved that the built-in sources have no value for, or when a dotted
    reference begins with what is neither a step's id nor an output. Of several sources of a namespace the first that
    has a value counts.

    Args:
        environ: The environment of the run.
        directory: The directory of the file.

    Returns:
        The sources.

    Example:
        >>> from stepengine.plugin import ReferenceSource
        >>> def stepengine_sources(environ, directory):
        ...     secrets = {("kv", "db"): {"password": "opensesame"}}
        ...     names = lambda: list(secrets)
        ...     yield ReferenceSource("vault", "an example", secrets.__getitem__, names, depth=2)
        >>> vault = next(stepengine_sources({}, "."))
        >>> vault.lookup(("kv", "db"))["password"]  # what {{ vault.kv.db.password }} gives
        'opensesame'
    """


@hookspec
def stepengine_reporters() -> Iterable[Reporter]:  # type: ignore[empty-body]
    """Give ways to tell of a run, selected by `--format NAME`.

    Called once, when a name is given that is not built in; the plugin's module is not imported before. Secrets in the
    events are masked already.

    Returns:
        The reporters.

    Example:
        >>> import sys
        >>> from stepengine.plugin import Reporter
        >>> def stepengine_reporters():
        ...     yield Reporter("types", lambda stream: lambda event: print(type(event).__name__, file=stream))
        >>> report = next(stepengine_reporters()).start(sys.stdout)
        >>> report(42)
        int
    """


@hookspec
def stepengine_listeners() -> Iterable[Listener]:  # type: ignore[empty-body]
    """Give what hears of every run, whatever its format: to send metrics, or a message.

    Called once for each run, when all is checked and before the first step. A listener is called for every event, one
    after the other, while the run waits. Secrets in the events are masked already. What it prints goes to standard
    error. One that raises is told of, and hears no more; the run goes on.

    Returns:
        The listeners: callables that take an event.

    Example:
        >>> from stepengine.plugin import StepFinished, StepInfo, StepResult
        >>> seconds = {}
        >>> def listen(event):
        ...     if isinstance(event, StepFinished):
        ...         seconds[event.step.label] = event.result.duration_s
        >>> def stepengine_listeners():
        ...     yield listen
        >>> step = StepInfo("build", "image", "build_docker_image", "image", line=2, column=3)
        >>> for hear in stepengine_listeners():
        ...     hear(StepFinished(step, StepResult("build", "image", step.name, "succeeded", 1.5, {})))
        >>> seconds
        {'image': 1.5}
    """


@hookspec
def stepengine_step_wrappers() -> Iterable[StepWrapper]:  # type: ignore[empty-body]
    """Give what is put around each step that runs, wherever it runs.

    Called once for each run, when all is checked and before the first step. The first wrapper of the first plugin is
    the outermost.

    Returns:
        The wrappers.

    Example:
        >>> from stepengine.plugin import StepCall, StepInfo, StepWrapper
        >>> def twice(call, inputs):
        ...     try:
        ...         return call.proceed(inputs)
        ...     except ConnectionError:
        ...         return call.proceed(inputs)
        >>> def stepengine_step_wrappers():
        ...     yield StepWrapper("one more try", twice)
        >>> answers = iter([ConnectionError("reset"), {"image": "app:1"}])
        >>> def proceed(inputs):
        ...     answer = next(answers)
        ...     if isinstance(answer, Exception):
        ...         raise answer
        ...     return answer
        >>> step = StepInfo("build", "image", "build_docker_image", "image", line=2, column=3)
        >>> call = StepCall(step, shown={}, place=None, emit=print, proceed=proceed)
        >>> next(stepengine_step_wrappers()).wrap(call, {"image_name": "app"})
        {'image': 'app:1'}
    """


@hookspec
def stepengine_builders() -> Iterable[Builder]:  # type: ignore[empty-body]
    """Give ways to build an image, selected by the input `build_backend` of `build_docker_image`.

    Called once, when a file names one that is not built in.

    Returns:
        The builders.

    Example:
        >>> from stepengine.plugin import Builder, BuildRequest, Context
        >>> def build(request, context):
        ...     context.write(f"building {request.references[0]} with {request.arguments}")
        ...     return "sha256:" + 64 * "0"
        >>> def stepengine_builders():
        ...     yield Builder("example", build)
        >>> request = BuildRequest(
        ...     references=("app:1",),
        ...     directory="/app",
        ...     dockerfile="",
        ...     text="FROM scratch",
        ...     arguments={},
        ...     labels={},
        ...     target=None,
        ...     platforms=(),
        ...     no_cache=False,
        ...     pull=True,
        ...     network=None,
        ...     options={},
        ... )
        >>> context = Context("/app", emit=lambda kind, data: print(data["line"]))
        >>> next(stepengine_builders()).build(request, context)[:10]
        building app:1 with {}
        'sha256:000'
    """


@hookspec
def stepengine_recipes() -> Iterable[Recipe]:  # type: ignore[empty-body]
    """Give recipes for `stepengine init`, selected by `--recipe NAME`.

    Called once, when a recipe is named that is not built in, or when recipes are listed.

    Returns:
        The recipes.

    Example:
        >>> from pathlib import Path
        >>> from stepengine.plugin import Recipe
        >>> def stepengine_recipes():
        ...     yield Recipe("nightly", str(Path("/opt/my-package") / "nightly"))
        >>> next(stepengine_recipes()).name
        'nightly'
    """

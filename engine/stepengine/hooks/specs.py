"""The hooks that a plugin may implement: functions of these names in the module that its entry point names.

A plugin registers its module under the entry-point group `stepengine`:

    [project.entry-points.stepengine]
    vault = "my_package.vault"

Built-in plugins come first, and where one of them has the answer no other is imported. Else every implementation of a
hook is called, and what they return is put together; none can hide another's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stepengine.hooks.types import ReferenceSource, Reporter

hookspec = pluggy.HookspecMarker("stepengine")


@hookspec
def stepengine_sources(environ: Mapping[str, str], directory: str) -> Iterable[ReferenceSource]:  # type: ignore[empty-body]
    """Give sources for references to blocks and variables.

    Called once, when a reference to one is resolved that the built-in sources have no value for; the plugin's module is
    not imported before. Of several sources of a namespace the first that has a value counts.

    Args:
        environ: The environment of the run.
        directory: The directory of the file.

    Returns:
        The sources; their values are secrets where they are blocks.

    Example:
        >>> from stepengine.plugin import ReferenceSource
        >>> def stepengine_sources(environ, directory):
        ...     answers = {("answer",): 42}
        ...     yield ReferenceSource("prefect.variables", "an example", answers.__getitem__, lambda: list(answers))
        >>> next(stepengine_sources({}, ".")).lookup(("answer",))
        42
    """


@hookspec
def stepengine_reporters() -> Iterable[Reporter]:  # type: ignore[empty-body]
    """Give ways to tell of a run, selected by `--format NAME`.

    Called once, when a name is given that is not built in; the plugin's module is not imported before. Events are those
    of `stepengine.events`; secrets in them are masked already.

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

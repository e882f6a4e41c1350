"""The hooks of a run: each asked through a method with types, when it is first needed.

Nothing else calls `hook.…`. Built-in plugins are asked first; those of third parties are imported only where these have
no answer, and where their text has the hook's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.catalogue.spec import is_own
from stepengine.entry_points import HOOKS
from stepengine.errors import StepEngineError, StepError, UsageError, tell_exception

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TextIO

    from stepengine.entry_points import EntryPoint
    from stepengine.events import Listener
    from stepengine.hooks.plugins import Plugins
    from stepengine.hooks.sources import Sources
    from stepengine.hooks.types import Builder, BuildRequest, Recipe, Reporter
    from stepengine.running.context import Context
    from stepengine.running.wrapping import StepWrapper
    from stepengine.templating.scope import Namespace

_UNINSTALL = "uninstall one of them"


class Hooks:
    """The hook plugins of a run.

    Args:
        entry_points: Those of all distributions.
        environ: The environment of the run.
        directory: The directory of the file.
        warn: Receives one line for each plugin that is left out.
    """

    def __init__(
        self,
        entry_points: Iterable[EntryPoint],
        environ: Mapping[str, str],
        directory: str,
        warn: Callable[[str], None],
    ) -> None:
        self._entries = [entry for entry in entry_points if entry.group == HOOKS]
        self._has_others = any(not is_own(entry.distribution) for entry in self._entries)
        self._environ = environ
        self._directory = directory
        self._warn = warn
        self._found_plugins: Plugins | None = None
        self._found_sources: Sources | None = None
        self._found_builders: list[tuple[str, Builder]] | None = None

    @property
    def _plugins(self) -> Plugins:
        if self._found_plugins is None:
            from stepengine.hooks.plugins import Plugins  # most files need none

            self._found_plugins = Plugins(self._entries, self._warn)
        return self._found_plugins

    @property
    def _sources(self) -> Sources:
        if self._found_sources is None:
            from stepengine.hooks.sources import Sources

            self._found_sources = Sources(self._plugins, self._environ, self._directory)
        return self._found_sources

    def resolve(self, namespace: str, path: tuple[Any, ...]) -> Any:
        """Give the value of a reference to a block or a variable; it is looked up once.

        Args:
            namespace: "prefect.blocks" or "prefect.variables".
            path: `(type slug, name)` or `(name,)`.

        Returns:
            The value; of a mapping or a list a copy, so that what a step changes in it is not what others get.

        Raises:
            TemplateError: no source has it, or one cannot tell.
        """
        return self._sources.resolve(namespace, path)

    def namespaces(self) -> list[str]:
        """Give the namespaces that third parties' sources add."""
        return self._sources.namespaces() if self._has_others else []

    def namespace(self, name: str) -> Namespace | None:
        """Give what finds a value by its path in a namespace that third parties' sources add; None for another name.

        What it gives are the value and whether it is a secret; it raises TemplateError where there is none.
        """
        return self._sources.namespace(name) if self._has_others else None

    def wrappers(self) -> tuple[StepWrapper, ...]:
        """Give what third parties put around each step, its plugin filled in."""
        if not self._has_others:
            return ()
        from stepengine.running.wrapping import StepWrapper

        found = self._plugins.collect("stepengine_step_wrappers", StepWrapper)
        return tuple(wrapper._replace(plugin=who) for who, wrapper in found)

    def listeners(self) -> list[tuple[str, Listener]]:
        """Give what hears of every run, each with its plugin."""
        return self._plugins.collect("stepengine_listeners", callable) if self._has_others else []

    def builders(self) -> list[str]:
        """Give the names of the builders that third parties add."""
        return list(dict.fromkeys(builder.name for _, builder in self._all_builders()))

    def builder(self, name: str) -> Builder:
        """Give a third party's builder, whose failures tell of its plugin.

        Raises:
            StepError: there is none of the name, or several.
        """
        found = [(who, builder) for who, builder in self._all_builders() if builder.name == name]
        if not found:
            from stepengine.diagnostics.diagnostic import did_you_mean

            raise StepError(f"there is no builder {name!r}", hint=did_you_mean(name, self.builders()))
        if len(found) > 1:
            providers = " and ".join(who for who, _ in found)
            raise StepError(f"the builder {name} has several providers: {providers}", hint=_UNINSTALL)
        return _guarded(*found[0])

    def recipes(self) -> list[tuple[str, Recipe]]:
        """Give the recipes that third parties add, each with its plugin."""
        from stepengine.hooks.types import Recipe

        return self._plugins.collect("stepengine_recipes", Recipe) if self._has_others else []

    def recipe(self, name: str) -> tuple[str, Recipe] | None:
        """Give a third party's recipe with its plugin; None where there is none of the name.

        Raises:
            UsageError: there are several.
        """
        found = [(who, recipe) for who, recipe in self.recipes() if recipe.name == name]
        if len(found) > 1:
            providers = " and ".join(who for who, _ in found)
            raise UsageError(f"the recipe {name} has several providers: {providers}", hint=_UNINSTALL)
        return found[0] if found else None

    def _all_builders(self) -> list[tuple[str, Builder]]:
        from stepengine.hooks.types import Builder

        if self._found_builders is None:
            self._found_builders = self._plugins.collect("stepengine_builders", Builder)
        return self._found_builders

    def check_reporter(self, name: str) -> None:
        """Check that there is one reporter of a name.

        Raises:
            UsageError: there is none, or several.
        """
        self._reporter(name)

    def start(self, name: str, stream: TextIO) -> Listener:
        """Start the reporter of a name on a stream, and give what takes the events.

        Raises:
            UsageError: there is none, or it cannot start.
        """
        plugin, reporter = self._reporter(name)
        try:
            listener = reporter.start(stream)
        except (StepEngineError, KeyboardInterrupt):
            raise
        except BaseException as error:
            message = f"the format {name} cannot start (the plugin {plugin}): {tell_exception(error)}"
            raise UsageError(message, hint="fix or update it, or choose another format") from error
        if not callable(listener):
            message = f"the format {name} cannot start (the plugin {plugin}): it gives nothing that takes events"
            raise UsageError(message, hint="fix or update it, or choose another format")
        return listener

    def _reporter(self, name: str) -> tuple[str, Reporter]:
        from stepengine.hooks.types import Reporter

        known: dict[str, list[tuple[str, Reporter]]] = {}
        for collect in (self._plugins.collect_own, self._plugins.collect):
            for plugin, reporter in collect("stepengine_reporters", Reporter):
                known.setdefault(reporter.name, []).append((plugin, reporter))
            if name in known:
                break
        if name not in known:
            from stepengine.diagnostics.diagnostic import did_you_mean

            hint = did_you_mean(name, known, f"there are: {', '.join(known)}")
            raise UsageError(f"there is no format {name!r}", hint=hint)
        if len(known[name]) > 1:
            who = " and ".join(plugin for plugin, _ in known[name])
            raise UsageError(f"the format {name} has several providers: {who}", hint=_UNINSTALL)
        return known[name][0]


def _guarded(who: str, builder: Builder) -> Builder:
    """Have a builder fail as a step does, with its plugin's name."""

    def build(request: BuildRequest, context: Context) -> str:
        said = f"the builder {builder.name} (the plugin {who})"
        try:
            image = builder.build(request, context)
        except (StepEngineError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise StepError(f"{said} failed: {tell_exception(error)}", hint="fix or update it") from error
        kind = type(image).__name__
        if kind != "str" or not image:
            raise StepError(f"{said} gives no image (a {kind})", hint="it must give the id or the digest")
        return image

    return builder._replace(build=build)

"""Hook plugins: loaded when a hook is first needed, and called through methods with types.

Nothing else calls `hook.…`. Built-in plugins are asked first; those of third parties are imported only where these have
no answer. A plugin that cannot be loaded is reported with its distribution and left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.catalogue.spec import is_own
from stepengine.entry_points import HOOKS, EntryPoint
from stepengine.errors import StepEngineError, TemplateError, UsageError, tell_exception

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Literal, TextIO

    from stepengine.events import Listener
    from stepengine.hooks.types import ReferenceSource, Reporter

PREFIX = "stepengine_"


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
        found = sorted((entry for entry in entry_points if entry.group == HOOKS), key=_rank)
        own = [entry for entry in found if is_own(entry.distribution)]
        self._stages = (own, found[len(own) :])
        self._environ = environ
        self._directory = directory
        self._warn = warn
        self._manager: Any = None
        self._plugins: dict[int, list[Any]] = {}  # of each stage that is loaded, in the order in which they are asked
        self._sources: dict[int, list[ReferenceSource]] = {}  # of each stage that was asked
        self._values: dict[tuple[str, tuple[Any, ...]], Any] = {}

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
        key = (namespace, path)
        if key not in self._values:
            self._values[key] = self._look_up(namespace, path)
        value = self._values[key]
        if isinstance(value, (dict, list)):
            from copy import deepcopy

            return deepcopy(value)
        return value

    def _look_up(self, namespace: str, path: tuple[Any, ...]) -> Any:
        asked = []
        for source in self._all_sources():
            if source.namespace != namespace:
                continue
            asked.append(source)
            try:
                return source.lookup(path)
            except LookupError:
                continue
            except (StepEngineError, KeyboardInterrupt):
                raise
            except BaseException as error:
                message = f"{source.description} cannot give {'/'.join(map(str, path))}: {tell_exception(error)}"
                raise TemplateError(message) from error
        raise _unresolved(namespace, path, asked)

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
        for stage in range(len(self._stages)):
            for plugin, reporter in self._collect(stage, "stepengine_reporters", Reporter):
                known.setdefault(reporter.name, []).append((plugin, reporter))
            if name in known:
                break
        if name not in known:
            from stepengine.diagnostics.diagnostic import did_you_mean

            hint = did_you_mean(name, known, f"there are: {', '.join(known)}")
            raise UsageError(f"there is no format {name!r}", hint=hint)
        if len(known[name]) > 1:
            who = " and ".join(plugin for plugin, _ in known[name])
            raise UsageError(f"the format {name} has several providers: {who}", hint="uninstall one of them")
        return known[name][0]

    def _all_sources(self) -> Iterator[ReferenceSource]:
        from stepengine.hooks.types import ReferenceSource

        given = {"environ": self._environ, "directory": self._directory}
        for stage in range(len(self._stages)):
            if stage not in self._sources:
                found = self._collect(stage, "stepengine_sources", ReferenceSource, **given)
                self._sources[stage] = [source for _, source in found]
            yield from self._sources[stage]

    def _collect(self, stage: int, hook: str, kind: type, **arguments: Any) -> list[tuple[str, Any]]:
        """Give the records of a kind that a stage's plugins give, each with its plugin's name."""
        if self._manager is None:
            self._manager = _new_manager()
        if stage not in self._plugins:
            self._plugins[stage] = self._load(self._stages[stage])
        plugins = self._manager.get_plugins()
        records: list[tuple[str, Any]] = []
        for plugin in self._plugins[stage]:
            # One plugin at a time, so that a failure has a name and the others' answers stay.
            name = self._manager.get_name(plugin)
            caller = self._manager.subset_hook_caller(hook, plugins - {plugin})
            try:
                given = [record for answer in caller(**arguments) for record in answer]
            except (StepEngineError, KeyboardInterrupt):
                raise
            except BaseException as error:  # noqa: BLE001 - a third party's code may raise anything
                self._warn(f"the plugin {name} is left out: {tell_exception(error)}")
                continue
            for record in given:
                if isinstance(record, kind):
                    records.append((name, record))
                else:
                    what = f"{hook} gives a {type(record).__name__}, not a {kind.__name__}"
                    self._warn(f"something of the plugin {name} is left out: {what}")
        return records

    def _load(self, entries: Iterable[EntryPoint]) -> list[Any]:
        """Import plugins and give those that count."""
        import importlib

        plugins = []
        for entry in entries:
            try:
                module = importlib.import_module(entry.target.partition(":")[0])
                self._manager.register(module, name=f"{entry.name} of {entry.distribution}")
                plugins.append(module)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - a third party's module may raise anything
                self._warn(f"the plugin {entry.name} of {entry.distribution} is left out: {tell_exception(error)}")
        dropped = self._drop_unknown()
        return [plugin for plugin in plugins if plugin not in dropped]

    def _drop_unknown(self) -> list[Any]:
        """Leave out what implements a hook that does not exist, and give it."""
        dropped = []
        for name, caller in _hooks_of(self._manager):
            if caller.has_spec():
                continue
            for implementation in list(caller.get_hookimpls()):
                self._warn(f"the plugin {implementation.plugin_name} is left out: there is no hook {name}")
                if self._manager.get_name(implementation.plugin) is not None:
                    self._manager.unregister(implementation.plugin)
                    dropped.append(implementation.plugin)
        return dropped


def _new_manager() -> Any:
    import pluggy

    from stepengine.hooks import specs

    class Manager(pluggy.PluginManager):
        """Takes functions by their names: no marker, so that a plugin need not import pluggy."""

        def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
            if name.startswith(PREFIX) and callable(getattr(plugin, name)):
                return super().parse_hookimpl_opts(plugin, name) or {}
            return None

    manager = Manager("stepengine")
    manager.add_hookspecs(specs)
    return manager


def _hooks_of(manager: Any) -> list[tuple[str, Any]]:
    return [(name, caller) for name, caller in vars(manager.hook).items() if name.startswith(PREFIX)]


def _rank(entry: EntryPoint) -> tuple[bool, bool]:
    """Put built-in plugins first, and of them the environment: of several answers the first counts."""
    return not is_own(entry.distribution), entry.name != "environment"


def _unresolved(namespace: str, path: tuple[Any, ...], sources: list[ReferenceSource]) -> TemplateError:
    from stepengine.diagnostics.diagnostic import suggest
    from stepengine.templating.scope import how_to_give

    what: Literal["block", "variable"] = "block" if namespace == "prefect.blocks" else "variable"
    wanted = "/".join(map(str, path))
    known = [known for source in sources for known in _names_of(source)]
    near = suggest(wanted, known)
    looked = " and ".join(source.description for source in sources)
    ways = how_to_give(what, path)
    ways = f"looked in {looked}; {ways}" if looked else ways
    hint = f"did you mean {near!r}?" if near else ways
    return TemplateError(f"there is no {what} {wanted}", hint=hint)


def _names_of(source: ReferenceSource) -> list[str]:
    """Give what a source has, for a suggestion; nothing where it cannot tell, which is no reason to fail."""
    try:
        return ["/".join(map(str, names)) for names in source.names()]
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - a third party's code may raise anything
        return []

"""Finding hook plugins, importing them, and asking them for records.

A plugin that cannot be used is reported with its distribution and left out; nothing that it does ends a run.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from stepengine.catalogue.spec import is_own
from stepengine.errors import StepEngineError, tell_exception

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from stepengine.entry_points import EntryPoint
    from stepengine.hooks.declared import Declared

PREFIX = "stepengine_"

SLOW_SECONDS = 0.5
"""Importing a plugin may take so long before it is told of: ten times what stepengine needs to start."""

_PATIENCE_SECONDS = 5.0


class Plugins:
    """The hook plugins that are installed.

    Args:
        entry_points: The hook plugins' of all distributions.
        warn: Receives one line for each plugin that is left out, or slow.
    """

    def __init__(self, entry_points: Iterable[EntryPoint], warn: Callable[[str], None]) -> None:
        found = sorted(entry_points, key=_rank)
        self._own = [entry for entry in found if is_own(entry.distribution)]
        self._others = found[len(self._own) :]
        self._tell = warn
        self._told: set[str] = set()
        self._manager: Any = None
        self._loaded: dict[EntryPoint, Any] = {}  # None: it is left out
        self._declared: dict[str, Declared] = {}

    def warn(self, message: str) -> None:
        """Tell of something, once."""
        if message not in self._told:
            self._told.add(message)
            self._tell(message)

    def collect_own(self, hook: str, kind: Any, **arguments: Any) -> list[tuple[str, Any]]:
        """Give the records that built-in plugins give; see `collect`."""
        return self._ask(self._own, hook, kind, arguments)

    def collect(self, hook: str, kind: Any, **arguments: Any) -> list[tuple[str, Any]]:
        """Give the records that third parties' plugins give; none is imported whose text lacks the hook's name.

        Args:
            hook: Its name.
            kind: The type of its records; `callable` where they are any callables.
            arguments: What the hook takes.

        Returns:
            Each with its plugin, as `name of distribution version`.
        """
        candidates = self._candidates(hook) if self._others else []
        return self._ask(candidates, hook, kind, arguments) if candidates else []

    def _candidates(self, hook: str) -> list[EntryPoint]:
        """Give the plugins that may have a hook, without importing any."""
        candidates = []
        for entry in self._others:
            if not self._declares(entry, hook):
                continue
            twins = [each for each in self._others if each.name == entry.name and each != entry]
            same = next(each for each in self._others if each.target == entry.target)
            unknown = self._declared[entry.target].unknown()
            if twins:
                who = " and ".join(each.distribution for each in self._others if each.name == entry.name)
                self.warn(
                    f"the plugin {entry.name} is left out: it has several providers: {who}; uninstall one of them"
                )
            elif same != entry:
                self.warn(f"the plugin {_who(entry)} is left out: its module is the plugin {_who(same)} already")
            elif unknown:
                self._tell_unknown(_who(entry), unknown[0])
            else:
                candidates.append(entry)
        return candidates

    def _declares(self, entry: EntryPoint, hook: str) -> bool:
        """Whether a plugin may have a hook; of one that hooks an unknown name nobody knows what was meant."""
        if entry.target not in self._declared:
            from stepengine.hooks.declared import Declared

            self._declared[entry.target] = Declared(entry.target)
        declared = self._declared[entry.target]
        return declared.may_have(hook) or bool(declared.unknown())

    def _tell_unknown(self, who: str, name: str) -> None:
        from stepengine.diagnostics.diagnostic import suggest
        from stepengine.hooks.declared import HOOK_NAMES

        near = suggest(name, HOOK_NAMES)
        meant = f"; did you mean {near}?" if near else ""
        self.warn(f"the plugin {who} is left out: there is no hook {name}{meant}")

    def _ask(
        self, entries: Iterable[EntryPoint], hook: str, kind: Any, arguments: dict[str, Any]
    ) -> list[tuple[str, Any]]:
        if self._manager is None:
            self._manager = _new_manager()
        records: list[tuple[str, Any]] = []
        for entry in entries:
            plugin = self._load(entry)
            if plugin is None:
                continue
            # One plugin at a time, so that a failure has a name and the others' answers stay.
            caller = self._manager.subset_hook_caller(hook, self._manager.get_plugins() - {plugin})
            try:
                given = [record for answer in caller(**arguments) for record in answer]
            except (StepEngineError, KeyboardInterrupt):
                raise
            except BaseException as error:  # noqa: BLE001 - a third party's code may raise anything
                self.warn(f"the plugin {_who(entry)} is left out: {tell_exception(error)}")
                continue
            records += self._checked(_who(entry), given, hook, kind)
        return records

    def _checked(self, who: str, given: list[Any], hook: str, kind: Any) -> list[tuple[str, Any]]:
        """Give what is of a kind, and tell of the rest."""
        is_kind = kind if kind is callable else lambda record: isinstance(record, kind)
        for record in given:
            if not is_kind(record):
                wanted = "callable" if kind is callable else f"a {kind.__name__}"
                what = f"{hook} gives a {type(record).__name__}, which is not {wanted}"
                self.warn(f"something of the plugin {who} is left out: {what}")
        return [(who, record) for record in given if is_kind(record)]

    def _load(self, entry: EntryPoint) -> Any:
        """Import a plugin, once; None where it is left out."""
        if entry not in self._loaded:
            self._loaded[entry] = None
            try:
                self._loaded[entry] = self._import(entry)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - a third party's module may raise anything
                self.warn(f"the plugin {_who(entry)} is left out: {tell_exception(error)}")
        return self._loaded[entry]

    def _import(self, entry: EntryPoint) -> Any:
        from stepengine.catalogue.modules import load_target

        module_name = entry.target.partition(":")[0]
        if is_own(entry.distribution):
            module = load_target(module_name, "", None)
        else:
            with self._watched(_who(entry)):
                module = load_target(module_name, "", None)
        self._manager.register(module, name=_who(entry))
        for name, caller in _hooks_of(self._manager):  # those that only importing shows
            if not caller.has_spec() and any(each.plugin is module for each in caller.get_hookimpls()):
                self._tell_unknown(_who(entry), name)
                self._manager.unregister(module)
                return None
        return module

    @contextmanager
    def _watched(self, who: str) -> Iterator[None]:
        """Tell of a plugin that takes long to import, and while it does of one that may never end."""
        from threading import Timer
        from time import perf_counter

        message = f"the plugin {who} is still being imported after {_PATIENCE_SECONDS:.0f} s; Ctrl-C ends the run"
        timer = Timer(_PATIENCE_SECONDS, self.warn, [message])
        timer.daemon = True
        timer.start()
        started = perf_counter()
        try:
            yield
        finally:
            timer.cancel()
            seconds = perf_counter() - started
            if seconds > SLOW_SECONDS:
                self.warn(f"the plugin {who} takes {seconds:.1f} s to import")


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


def _who(entry: EntryPoint) -> str:
    return f"{entry.name} of {entry.distribution}"


def _rank(entry: EntryPoint) -> tuple[bool, bool]:
    """Put built-in plugins first, and of them the environment: of several answers the first counts."""
    return not is_own(entry.distribution), entry.name != "environment"

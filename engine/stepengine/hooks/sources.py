"""Where references find their values: built-in sources first, then those of third parties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.errors import StepEngineError, TemplateError, tell_exception
from stepengine.patterns import lazy_pattern
from stepengine.templating.model import BLOCKS, VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Literal

    from stepengine.hooks.plugins import Plugins
    from stepengine.hooks.types import ReferenceSource
    from stepengine.templating.model import Path
    from stepengine.templating.scope import Namespace

_HOOK = "stepengine_sources"
_NAMESPACE = lazy_pattern(r"[^\W\d]\w*(?:-+\w+)*\Z")
_PREFECT = "prefect"


class Sources:
    """The sources of a run; each value is looked up once.

    Args:
        plugins: Where they come from.
        environ: The environment of the run.
        directory: The directory of the file.
    """

    def __init__(self, plugins: Plugins, environ: Mapping[str, str], directory: str) -> None:
        self._plugins = plugins
        self._given = {"environ": environ, "directory": directory}
        self._own: list[ReferenceSource] | None = None
        self._others: list[ReferenceSource] | None = None
        self._values: dict[tuple[str, Path], Any] = {}
        self._found: dict[tuple[int, Path], Any] = {}

    def resolve(self, namespace: str, path: Path) -> Any:
        """Give a block or a variable; see `Hooks.resolve`."""
        key = (namespace, path)
        if key not in self._values:
            self._values[key] = self._look_up(namespace, path)
        return _copied(self._values[key])

    def namespaces(self) -> list[str]:
        """Give the namespaces that third parties add."""
        found = dict.fromkeys(source.namespace for source in self._third_parties())
        return [namespace for namespace in found if namespace not in (BLOCKS, VARIABLES)]

    def namespace(self, name: str) -> Namespace | None:
        """Give what finds a value in a namespace that third parties add; see `Hooks.namespace`."""
        if name == _PREFECT:
            return None
        sources = [source for source in self._third_parties() if source.namespace == name]
        if not sources:
            return None
        return lambda path: self._value_in(name, sources, path)

    def _look_up(self, namespace: str, path: Path) -> Any:
        asked = []
        for source in self._all():
            if source.namespace != namespace:
                continue
            asked.append(source)
            try:
                return _ask(source, path)
            except LookupError:
                continue
        raise _unresolved(namespace, path, asked)

    def _value_in(self, namespace: str, sources: list[ReferenceSource], path: Path) -> tuple[Any, bool]:
        """Give a value, and whether it is a secret: of the first source that has what the path begins with."""
        from stepengine.templating.scope import MISSING, follow

        for source in sources:
            wanted = path if source.depth is None else path[: source.depth]
            if source.depth is not None and len(wanted) < source.depth:
                continue
            key = (id(source), wanted)
            try:
                if key not in self._found:
                    self._found[key] = _ask(source, wanted)
            except LookupError:
                continue
            whole = self._found[key]
            value = follow(whole, path[len(wanted) :])
            if value is MISSING:
                raise _no_part(namespace, wanted, path[len(wanted) :], whole)
            return _copied(value), source.secret
        raise _nothing_in(namespace, path, sources)

    def _all(self) -> Iterator[ReferenceSource]:
        from stepengine.hooks.types import ReferenceSource

        if self._own is None:
            self._own = [source for _, source in self._plugins.collect_own(_HOOK, ReferenceSource, **self._given)]
        yield from self._own
        yield from self._third_parties()

    def _third_parties(self) -> list[ReferenceSource]:
        from stepengine.hooks.types import ReferenceSource

        if self._others is None:
            found = self._plugins.collect(_HOOK, ReferenceSource, **self._given)
            self._others = [source for who, source in found if self._is_sound(who, source)]
        return self._others

    def _is_sound(self, who: str, source: ReferenceSource) -> bool:
        namespace = source.namespace
        if namespace in (BLOCKS, VARIABLES):
            return True
        if namespace == _PREFECT or not _NAMESPACE.match(str(namespace)):
            what = f"no reference can name the namespace {namespace!r}"
        elif source.depth is not None and (type(source.depth) is not int or source.depth < 1):
            what = f"the depth of the namespace {namespace} is {source.depth!r}, and not 1 or more"
        else:
            return True
        self._plugins.warn(f"something of the plugin {who} is left out: {what}")
        return False


def _ask(source: ReferenceSource, path: Path) -> Any:
    """Ask a source for a value.

    Raises:
        LookupError: it has none.
        TemplateError: it cannot tell.
    """
    try:
        return source.lookup(path)
    except (LookupError, StepEngineError, KeyboardInterrupt):
        raise
    except BaseException as error:
        message = f"{source.description} cannot give {'/'.join(map(str, path))}: {tell_exception(error)}"
        raise TemplateError(message) from error


def _copied(value: Any) -> Any:
    """Copy what a source gave: what a step changes in it is not what others get."""
    if isinstance(value, (dict, list)):
        from copy import deepcopy

        return deepcopy(value)
    return value


def _unresolved(namespace: str, path: Path, sources: list[ReferenceSource]) -> TemplateError:
    from stepengine.diagnostics.diagnostic import suggest
    from stepengine.templating.scope import how_to_give

    what: Literal["block", "variable"] = "block" if namespace == BLOCKS else "variable"
    wanted = "/".join(map(str, path))
    near = suggest(wanted, _names_of(sources, "/"))
    looked = " and ".join(source.description for source in sources)
    ways = how_to_give(what, path)
    ways = f"looked in {looked}; {ways}" if looked else ways
    hint = f"did you mean {near!r}?" if near else ways
    return TemplateError(f"there is no {what} {wanted}", hint=hint)


def _nothing_in(namespace: str, path: Path, sources: list[ReferenceSource]) -> TemplateError:
    from stepengine.diagnostics.diagnostic import suggest
    from stepengine.templating.scope import dotted

    depths = {source.depth for source in sources}
    shortest = min((depth for depth in depths if depth is not None), default=0)
    if None not in depths and len(path) < shortest:
        hint = f"write {shortest} names after it: {{{{ {namespace}{'.NAME' * shortest} }}}}"
        return TemplateError(f"{namespace}.{dotted(path)} is no value of {namespace}", hint=hint)
    known = _names_of(sources, ".")
    wanted = {dotted(path), *(dotted(path[:depth]) for depth in depths if depth)}
    near = next(filter(None, (suggest(each, known) for each in sorted(wanted))), "")
    looked = " and ".join(source.description for source in sources)
    hint = f"did you mean {namespace}.{near}?" if near else f"looked in {looked}"
    return TemplateError(f"there is no {namespace}.{dotted(path)}", hint=hint)


def _no_part(namespace: str, name: Path, rest: Path, value: Any) -> TemplateError:
    from stepengine.diagnostics.diagnostic import did_you_mean
    from stepengine.templating.scope import dotted

    hint = did_you_mean(str(rest[0]), [str(key) for key in value]) if isinstance(value, dict) else ""
    return TemplateError(f"{namespace}.{dotted(name)} has no {dotted(rest)}", hint=hint)


def _names_of(sources: Iterable[ReferenceSource], separator: str) -> list[str]:
    """Give what sources have, for a suggestion; nothing of one that cannot tell, which is no reason to fail."""
    found: list[str] = []
    for source in sources:
        try:
            found += [separator.join(map(str, names)) for names in source.names()]
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001, S112 - a third party's code may raise anything
            continue
    return found

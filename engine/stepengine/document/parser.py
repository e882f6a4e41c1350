"""From YAML text to located nodes, or to one located error.

The events come from libyaml (ruamel.yaml's C parser); where that is missing or stricter than PyYAML, from ruamel.yaml's
own parser. What they mean follows PyYAML's safe loader, which is Prefect's.
"""

from __future__ import annotations

from sys import intern
from typing import TYPE_CHECKING, Any

from stepengine.diagnostics.diagnostic import Diagnostics
from stepengine.document.nodes import Mapping, Node, Scalar, Sequence, Source
from stepengine.document.scalars import resolve_plain, to_bool, to_float, to_int, to_timestamp
from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MAX_DEPTH = 100
"""How deep collections may be nested; real files reach 12."""

MAX_NODES = 5_000_000
"""How many nodes a file may have once its aliases are followed (against 'billion laughs' files)."""

_SHOWN = 40
"""How much of a value a message repeats, in characters."""

_TAG = "tag:yaml.org,2002:"
_MERGE: Any = type("_Merge", (), {})()
"""The value of an unquoted `<<`."""

_STRICTER = (
    "found unexpected ':'",
    "found unknown directive name",
    "found a tab character where an indentation space is expected",
)
"""What libyaml 0.2 says of text that PyYAML reads: a colon inside of a flow scalar (`[/data:/data]`), `%ANY`, a block
scalar whose first line begins with a tab."""


class Document(Record):
    """What a text holds.

    Attributes:
        source: The text.
        root: Its only document's node; None where it is empty or does not parse.
        diagnostics: The problems met so far; `validate` adds to them.
        parsed: Whether the text is YAML.
    """

    source: Source
    root: Node | None
    diagnostics: Diagnostics
    parsed: bool


class _Failure(Exception):  # noqa: N818 - it never leaves this module
    is_stricter = False
    """Whether PyYAML may read what libyaml refused."""

    def __init__(self, code: str, message: str, offset: int, hint: str = "") -> None:
        super().__init__(message)
        self.found = (code, message, offset, hint)


def parse_document(text: str, name: str = "prefect.yaml") -> Document:
    """Read a text.

    Args:
        text: Any text.
        name: The file's name, for messages.

    Returns:
        Its nodes, or a document without any and one error that says where and why.
    """
    return _compose(Source(name, text.removeprefix("\ufeff")), _native_events)


def _compose(source: Source, events: Callable[[str], Callable[[], Any]]) -> Document:
    diagnostics = Diagnostics(source)
    try:
        root = _Composer(source, diagnostics).compose(_located(source, events(source.text)))
    except _Failure as failure:
        if failure.is_stricter and events is _native_events:
            return _compose(source, _python_events)
        diagnostics.error(*failure.found)
        return Document(source, None, diagnostics, parsed=False)
    return Document(source, root, diagnostics, parsed=True)


def _native_events(text: str) -> Callable[[], Any]:
    try:
        from _ruamel_yaml import CParser
    except ImportError:
        return _python_events(text)
    try:
        return CParser(text).get_event  # type: ignore[no-any-return]
    except UnicodeEncodeError as error:
        raise _Failure("yaml-syntax", "the text holds half a surrogate pair", error.start, "remove it") from None


def _python_events(text: str) -> Callable[[], Any]:
    from ruamel.yaml import YAML

    parser = YAML(typ="safe", pure=True)
    parser.version = (1, 1)
    next_event: Callable[[], Any] = iter(parser.parse(text)).__next__
    return next_event


def _located(source: Source, next_event: Callable[[], Any]) -> Iterator[Any]:
    """Give the text's YAML events; raise `_Failure` where it is no YAML."""
    from ruamel.yaml.error import YAMLError
    from ruamel.yaml.reader import ReaderError

    try:
        while (event := next_event()) is not None:
            yield event
    except StopIteration:
        return
    except ReaderError as error:
        from stepengine.document.failures import reader_failure

        raise _Failure(*reader_failure(source)) from error
    except YAMLError as error:
        from stepengine.document.failures import syntax_failure

        failure = _Failure(*syntax_failure(source, error))
        failure.is_stricter = getattr(error, "problem", None) in _STRICTER
        raise failure from error


class _Anchor:
    """What an anchor names, how many nodes that is once aliases are followed, and how deep they are nested."""

    __slots__ = ("height", "node", "weight")

    def __init__(self, node: Node, weight: int, height: int) -> None:
        self.node = node
        self.weight = weight
        self.height = height


class _Frame:
    """A collection that is still open: what it is, its nodes so far, and the node count at its start."""

    __slots__ = ("anchor", "before", "is_mapping", "nodes", "offset")

    def __init__(self, event: Any, before: int, *, is_mapping: bool) -> None:
        self.offset: int = event.start_mark.index
        self.anchor: str | None = event.anchor
        self.nodes: list[Node] = []
        self.is_mapping = is_mapping
        self.before = before


class _Composer:
    """Builds nodes from events, with a stack instead of recursion."""

    def __init__(self, source: Source, diagnostics: Diagnostics) -> None:
        self._source = source
        self._diagnostics = diagnostics
        self._anchors: dict[str, _Anchor] = {}
        self._heights: dict[int, int] = {}
        self._count = 0
        self._documents = 0
        self._specials: dict[int, str] = {}

    def compose(self, events: Iterable[Any]) -> Node | None:
        """Give the root of the first document; more of them are an error."""
        root: Node | None = None
        stack: list[_Frame] = []
        for event in events:
            kind = type(event).__name__
            if kind == "ScalarEvent":
                node: Node = self._scalar(event)
            elif kind == "AliasEvent":
                node = self._alias(event, stack)
            elif kind in ("MappingStartEvent", "SequenceStartEvent"):
                self._check_tag(event, "map" if kind[0] == "M" else "seq")
                if len(stack) >= MAX_DEPTH:
                    raise _too_deep(event.start_mark.index)
                stack.append(_Frame(event, self._count, is_mapping=kind[0] == "M"))
                continue
            elif kind in ("MappingEndEvent", "SequenceEndEvent"):
                node = self._collection(stack.pop())
            else:
                if kind == "DocumentStartEvent":
                    self._start_document(event)
                continue
            if stack:
                stack[-1].nodes.append(node)
            else:
                root = node
        self._check_specials()
        return root

    def _start_document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            message = "the file holds several YAML documents"
            hint = "keep one: remove the line --- and what does not belong here"
            raise _Failure("several-documents", message, event.start_mark.index, hint)

    def _check_specials(self) -> None:
        if self._specials:
            offset = min(self._specials)
            message = f"a single {self._specials[offset]} has a meaning of its own in YAML 1.1, and none here"
            raise _Failure("yaml-syntax", message, offset, "quote it")

    def _collection(self, frame: _Frame) -> Mapping | Sequence:
        node = self._mapping(frame.nodes, frame.offset) if frame.is_mapping else Sequence(frame.nodes, frame.offset)
        self._count += 1
        if frame.anchor:
            self._name(frame.anchor, node, self._count - frame.before, frame.offset)
        return node

    def _name(self, anchor: str, node: Node, weight: int, offset: int) -> None:
        if anchor in self._anchors:
            first, _ = self._source.position(self._anchors[anchor].node.offset)
            message = f"the anchor &{anchor} is defined twice, which Prefect's loader does not read"
            raise _Failure("duplicate-anchor", message, offset, f"rename one of the two (the other is on line {first})")
        self._anchors[anchor] = _Anchor(node, weight, self._height(node))

    def _height(self, node: Node) -> int:
        """Give how deep a node is nested; what is anchored inside of it was counted before."""
        if isinstance(node, Scalar):
            return 0
        height = self._heights.get(id(node))
        if height is None:
            below = node.items if isinstance(node, Sequence) else [value for _, value in node.entries.values()]
            height = 1 + max(map(self._height, below), default=0)
            self._heights[id(node)] = height
        return height

    def _scalar(self, event: Any) -> Scalar:
        self._count += 1
        text: str = event.value
        if event.tag is not None and event.tag != "!":
            offset: int = event.start_mark.index
            node = Scalar(self._tagged(event.tag, text, offset), offset, text)
        elif event.style and event.tag is None:  # quoted or a block scalar: always text
            node = Scalar(text, event.start_mark.index)
        else:
            node = self._plain(text, event.start_mark.index)
        if event.anchor:
            self._name(event.anchor, node, 1, node.offset)
        return node

    def _plain(self, text: str, offset: int) -> Scalar:
        if text in ("<<", "="):  # they mean something as a key alone: `_mapping` takes them out again
            self._specials[offset] = text
            return Scalar(_MERGE if text == "<<" else text, offset, text)
        try:
            value = resolve_plain(text)
        except ValueError as error:
            message = f"{_shortened(text)} cannot be read: {error}"
            raise _Failure("yaml-syntax", message, offset, "quote it to keep it as text") from None
        return Scalar(text, offset) if value is text else Scalar(value, offset, text)

    def _tagged(self, tag: str, text: str, offset: int) -> Any:
        readers: dict[str, Callable[[str], Any]] = {
            "str": str,
            "int": to_int,
            "float": to_float,
            "bool": to_bool,
            "null": lambda _text: None,
            "timestamp": to_timestamp,
        }
        reader = readers.get(tag.removeprefix(_TAG))
        if reader is None or not tag.startswith(_TAG):
            raise _Failure("yaml-tag", f"the tag {tag} is not supported", offset, "write plain YAML values")
        try:
            return reader(text)
        except (ValueError, IndexError):
            message = f"{_shortened(text)} is no {tag.removeprefix(_TAG)}"
            raise _Failure("yaml-tag", message, offset, "remove the tag") from None

    def _check_tag(self, event: Any, expected: str) -> None:
        if event.tag not in (None, "!", _TAG + expected):
            hint = "write plain YAML values"
            raise _Failure("yaml-tag", f"the tag {event.tag} is not supported here", event.start_mark.index, hint)

    def _alias(self, event: Any, stack: list[_Frame]) -> Node:
        name, offset = event.anchor, event.start_mark.index
        found = self._anchors.get(name)
        if found is None:
            if any(frame.anchor == name for frame in stack):
                hint = "an alias repeats what stands before it; write the values out"
                raise _Failure("recursive-alias", f"*{name} stands inside of what &{name} names", offset, hint)
            from stepengine.diagnostics.diagnostic import did_you_mean

            hint = did_you_mean(name, self._anchors, "define it with & before it is used")
            raise _Failure("undefined-alias", f"no anchor &{name} before this", offset, hint)
        self._count += found.weight
        if self._count > MAX_NODES:
            message = f"its aliases stand for more than {MAX_NODES:,} values"
            raise _Failure("yaml-limit", message, offset, "write fewer aliases of aliases")
        if len(stack) + found.height > MAX_DEPTH:
            raise _too_deep(offset)
        return found.node

    def _mapping(self, nodes: list[Node], offset: int) -> Mapping:
        entries: dict[Any, tuple[Scalar, Node]] = {}
        merged: dict[Any, tuple[Scalar, Node]] = {}
        pairs = iter(nodes)
        for key, value in zip(pairs, pairs, strict=True):
            if not isinstance(key, Scalar):
                raise self._bad_key(key)
            name = key.value
            if self._specials:
                self._specials.pop(key.offset, None)
            if name is _MERGE:
                _add_missing(merged, self._merged(value))
                continue
            if name.__class__ is str:
                name = key.value = intern(name)
            if name in entries:
                first, _ = self._source.position(entries[name][0].offset)
                self._diagnostics.warning(
                    "duplicate-key",
                    f"the key {key.text!r} stands twice; only this one counts",
                    key.offset,
                    f"remove one of the two (the other is on line {first})",
                )
            entries[name] = (key, value)
        if merged:
            entries = {**merged, **entries}
        return Mapping(entries, offset)

    def _merged(self, value: Node) -> dict[Any, tuple[Scalar, Node]]:
        """Give the entries of what follows `<<`; of several mappings, the first that has a key wins (PyYAML 6.0.4)."""
        if isinstance(value, Mapping):
            return value.entries
        if isinstance(value, Sequence) and all(isinstance(item, Mapping) for item in value.items):
            entries: dict[Any, tuple[Scalar, Node]] = {}
            for item in value.items:
                _add_missing(entries, self._merged(item))
            return entries
        hint = "give it an alias (*name) or a list of them"
        raise _Failure("yaml-syntax", "only mappings can be merged with <<", value.offset, hint)

    def _bad_key(self, key: Node) -> _Failure:
        if self._source.text[max(key.offset - 1, 0) : key.offset + 1] == "{{":
            from stepengine.document.failures import unquoted_placeholder

            return _Failure(*unquoted_placeholder(self._source, key.offset - 1))
        return _Failure("yaml-syntax", "a list or a mapping cannot be a key", key.offset, "use a text as the key")


def _add_missing(entries: dict[Any, tuple[Scalar, Node]], more: dict[Any, tuple[Scalar, Node]]) -> None:
    for name, entry in more.items():
        entries.setdefault(name, entry)


def _too_deep(offset: int) -> _Failure:
    return _Failure("yaml-limit", f"nested deeper than {MAX_DEPTH} levels", offset, "write it flatter")


def _shortened(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")

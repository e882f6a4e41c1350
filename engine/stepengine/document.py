"""From YAML text to located nodes, or to one located error.

The events come from libyaml (ruamel.yaml's C parser); where that is missing, from ruamel.yaml's own parser. What they
mean follows PyYAML's safe loader, which is Prefect's.
"""

from __future__ import annotations

import re
from sys import intern
from typing import TYPE_CHECKING, Any, NamedTuple

from stepengine.diagnostics import Diagnostics
from stepengine.nodes import Mapping, Node, Scalar, Sequence, Source
from stepengine.patterns import lazy_pattern
from stepengine.scalars import resolve_plain, to_float, to_int, to_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_DEPTH = 100
"""How deep collections may be nested; real files reach 12."""

MAX_NODES = 5_000_000
"""How many nodes a file may have once its aliases are followed (against 'billion laughs' files)."""

_TAG = "tag:yaml.org,2002:"
_UNQUOTED = lazy_pattern(r":\s+(\{\{[^}\n]*\}\}[^\n#]*)|-\s+(\{\{[^}\n]*\}\}[^\n#]*)")


class Document(NamedTuple):
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
    source = Source(name, text.removeprefix("\ufeff"))
    diagnostics = Diagnostics(source)
    try:
        root = _Composer(source, diagnostics).compose()
    except _Failure as failure:
        diagnostics.error(*failure.found)
        return Document(source, None, diagnostics, parsed=False)
    return Document(source, root, diagnostics, parsed=True)


def _events(source: Source) -> Iterator[Any]:
    """Give the text's YAML events; raise `_Failure` where it is no YAML."""
    from ruamel.yaml.error import YAMLError
    from ruamel.yaml.reader import ReaderError

    try:
        try:
            from _ruamel_yaml import CParser

            get_event: Callable[[], Any] = CParser(source.text).get_event
        except ImportError:
            from ruamel.yaml import YAML

            get_event = iter(YAML(typ="safe", pure=True).parse(source.text)).__next__
        while (event := get_event()) is not None:
            yield event
    except StopIteration:
        return
    except UnicodeEncodeError as error:
        raise _Failure("yaml-syntax", "the text holds half a surrogate pair", error.start) from None
    except ReaderError as error:
        raise _reader_failure(source) from error
    except YAMLError as error:
        raise _syntax_failure(source, error) from error


def _reader_failure(source: Source) -> _Failure:
    bad = re.search(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", source.text)
    offset = bad.start() if bad else 0
    character = f"U+{ord(bad.group()):04X}" if bad else "a character"
    return _Failure("yaml-syntax", f"{character} may not stand in a YAML file", offset, "remove it")


def _syntax_failure(source: Source, error: Any) -> _Failure:
    problem = getattr(error, "problem", None) or str(error)
    context = getattr(error, "context", None)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if context and "quoted scalar" in context:
        mark = error.context_mark  # where the quote opens helps more than where the file ends
    offset = min(mark.index, len(source.text)) if mark is not None else 0
    line, _ = source.position(offset)
    for number in (line, line - 1):
        text = source.line(number)
        if unquoted := _UNQUOTED.search(text):
            start = unquoted.start(1) if unquoted.group(1) else unquoted.start(2)
            value = text[start:].strip()
            return _Failure(
                "unquoted-placeholder",
                "a value that begins with {{ must be quoted",
                offset - source.position(offset)[1] + 1 + start if number == line else offset,
                f'write "{value}"',
            )
    character = source.text[offset : offset + 1]
    message = f"{problem}, {context}" if context else str(problem)
    if "\t" in source.line(line)[: len(source.line(line)) - len(source.line(line).lstrip())] or character == "\t":
        return _Failure("yaml-syntax", "a tab is used for indentation", offset, "indent with spaces")
    if character == "%" or source.text[offset - 1 : offset + 1] in ("{%", "{#"):
        return _Failure(
            "yaml-syntax",
            "a Jinja block stands outside of a value",
            max(offset - 1, 0),
            "prefect.yaml is read as YAML before anything is filled in: only {{ … }} inside of quoted values works",
        )
    return _Failure("yaml-syntax", message, offset, _syntax_hint(str(problem), context))


def _syntax_hint(problem: str, context: str | None) -> str:
    if "mapping values are not allowed" in problem:
        return "check the indentation of this line, or quote the value if it holds ': '"
    if "did not find expected" in problem and context and "block" in context:
        return "check the indentation: entries of one list or mapping start in one column"
    if "could not find expected ':'" in problem:
        return "a line that is neither 'key: value' nor '- item' stands here"
    if context and "quoted scalar" in context:
        return "close the quotes"
    return ""


class _Composer:
    """Builds nodes from events, with a stack instead of recursion."""

    def __init__(self, source: Source, diagnostics: Diagnostics) -> None:
        self._source = source
        self._diagnostics = diagnostics
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._count = 0

    def compose(self) -> Node | None:
        """Give the root of the first document; more of them are an error."""
        root: Node | None = None
        documents = 0
        # One frame a collection: (offset, anchor, nodes so far, is a mapping, node count at its start)
        stack: list[tuple[int, str | None, list[Node], bool, int]] = []
        for event in _events(self._source):
            kind = type(event).__name__
            if kind == "ScalarEvent":
                node: Node = self._scalar(event)
                if event.anchor:
                    self._anchors[event.anchor] = (node, 1)
            elif kind == "AliasEvent":
                node = self._alias(event)
            elif kind in ("MappingStartEvent", "SequenceStartEvent"):
                self._check_tag(event, "map" if kind[0] == "M" else "seq")
                if len(stack) >= MAX_DEPTH:
                    raise _Failure("yaml-limit", f"nested deeper than {MAX_DEPTH} levels", event.start_mark.index)
                stack.append((event.start_mark.index, event.anchor, [], kind[0] == "M", self._count))
                continue
            elif kind in ("MappingEndEvent", "SequenceEndEvent"):
                offset, anchor, nodes, is_mapping, before = stack.pop()
                node = self._mapping(nodes, offset) if is_mapping else Sequence(nodes, offset)
                self._count += 1
                if anchor:
                    self._anchors[anchor] = (node, self._count - before)
            else:
                if kind == "DocumentStartEvent":
                    documents += 1
                    if documents > 1:
                        raise _several_documents(event.start_mark.index)
                continue
            if stack:
                stack[-1][2].append(node)
            else:
                root = node
        return root

    def _scalar(self, event: Any) -> Scalar:
        self._count += 1
        text: str = event.value
        offset: int = event.start_mark.index
        if event.tag is not None and event.tag != "!":
            return Scalar(self._tagged(event.tag, text, offset), offset, text)
        if event.style or event.tag == "!":  # quoted or a block scalar: always text
            return Scalar(text, offset)
        try:
            value = resolve_plain(text)
        except ValueError as error:
            raise _Failure(
                "yaml-syntax", f"{text!r} is no date: {error}", offset, "quote it to keep it as text"
            ) from None
        return Scalar(text, offset) if value is text else Scalar(value, offset, text)

    def _tagged(self, tag: str, text: str, offset: int) -> Any:
        readers: dict[str, Callable[[str], Any]] = {
            "str": str,
            "int": to_int,
            "float": to_float,
            "bool": resolve_plain,
            "null": lambda _text: None,
            "timestamp": to_timestamp,
        }
        reader = readers.get(tag.removeprefix(_TAG))
        if reader is None or not tag.startswith(_TAG):
            raise _Failure("yaml-tag", f"the tag {tag} is not supported", offset, "write plain YAML values")
        try:
            return reader(text)
        except (ValueError, IndexError):
            raise _Failure("yaml-tag", f"{text!r} is no {tag.removeprefix(_TAG)}", offset, "remove the tag") from None

    def _check_tag(self, event: Any, expected: str) -> None:
        if event.tag not in (None, "!", _TAG + expected):
            hint = "write plain YAML values"
            raise _Failure("yaml-tag", f"the tag {event.tag} is not supported here", event.start_mark.index, hint)

    def _alias(self, event: Any) -> Node:
        found = self._anchors.get(event.anchor)
        if found is None:
            from stepengine.diagnostics import did_you_mean

            hint = did_you_mean(event.anchor, self._anchors, "define it with & before it is used")
            raise _Failure("undefined-alias", f"no anchor &{event.anchor} before this", event.start_mark.index, hint)
        node, weight = found
        self._count += weight
        if self._count > MAX_NODES:
            message = f"its aliases stand for more than {MAX_NODES:,} values"
            raise _Failure("yaml-limit", message, event.start_mark.index)
        return node

    def _mapping(self, nodes: list[Node], offset: int) -> Mapping:
        entries: dict[Any, tuple[Scalar, Node]] = {}
        merged: dict[Any, tuple[Scalar, Node]] = {}
        pairs = iter(nodes)
        for key, value in zip(pairs, pairs, strict=True):
            if not isinstance(key, Scalar):
                raise self._bad_key(key)
            name = key.value
            if name == "<<" and key.text == "<<" and self._is_plain(key):
                merged = {**self._merged(value), **merged}
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

    def _is_plain(self, key: Scalar) -> bool:
        return self._source.text[key.offset : key.offset + 1] not in ("'", '"')

    def _merged(self, value: Node) -> dict[Any, tuple[Scalar, Node]]:
        """Give the entries of what follows `<<`; of a list, the first mapping that has a key wins."""
        if isinstance(value, Mapping):
            return value.entries
        if isinstance(value, Sequence) and all(isinstance(item, Mapping) for item in value.items):
            entries: dict[Any, tuple[Scalar, Node]] = {}
            for item in reversed(value.items):
                entries.update(self._merged(item))
            return entries
        hint = "give it an alias (*name) or a list of them"
        raise _Failure("yaml-syntax", "only mappings can be merged with <<", value.offset, hint)

    def _bad_key(self, key: Node) -> _Failure:
        text = self._source.text
        if text[max(key.offset - 1, 0) : key.offset + 1] == "{{":
            end = text.find("}}", key.offset)
            value = text[key.offset - 1 : end + 2] if end >= 0 else "{{ … }}"
            hint = f'write "{" ".join(value.split())}"'
            return _Failure("unquoted-placeholder", "a value that begins with {{ must be quoted", key.offset - 1, hint)
        return _Failure("yaml-syntax", "a list or a mapping cannot be a key", key.offset, "use a text as the key")


def _several_documents(offset: int) -> _Failure:
    message = "the file holds several YAML documents"
    return _Failure("several-documents", message, offset, "keep one: remove the line --- and what does not belong here")

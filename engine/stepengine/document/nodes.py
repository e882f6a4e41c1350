"""YAML nodes that know where they stand."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class Source:
    """A file's text and the way from an offset to a line and a column.

    Args:
        name: The file's name as the user gave it.
        text: Its text, without a byte order mark.
    """

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self._starts: list[int] | None = None

    def position(self, offset: int) -> tuple[int, int]:
        """Give the line and the column of a character, both counted from 1."""
        starts = self._line_starts()
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    def line(self, number: int) -> str:
        """Give one line's text without its end; empty past the last line."""
        starts = self._line_starts()
        if not 0 < number <= len(starts):
            return ""
        end = starts[number] if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].rstrip("\r\n")

    def start(self, number: int) -> int:
        """Give the offset of a line's first character."""
        return self._line_starts()[number - 1]

    def _line_starts(self) -> list[int]:
        if self._starts is None:
            text, starts = self.text, [0]
            if text.count("\r") != text.count("\r\n"):  # a lone carriage return ends a line, too
                text = text.replace("\r\n", " \n").replace("\r", "\n")
            find = text.find
            at = find("\n")
            while at >= 0:
                starts.append(at + 1)
                at = find("\n", at + 1)
            self._starts = starts
        return self._starts


class Scalar:
    """A scalar: its resolved value, and the offset of its first character.

    `text` is what stands in the file where the value is not that text itself (`1.10` for 1.1), else None.
    """

    __slots__ = ("_text", "offset", "value")

    def __init__(self, value: Any, offset: int, text: str | None = None) -> None:
        self.value = value
        self.offset = offset
        self._text = text

    @property
    def text(self) -> str:
        """The scalar as it is written, quotes and escapes resolved."""
        return self._text if self._text is not None else str(self.value)


class Sequence:
    """A list of nodes."""

    __slots__ = ("items", "offset")

    def __init__(self, items: list[Node], offset: int) -> None:
        self.items = items
        self.offset = offset

    @property
    def value(self) -> list[Any]:
        """The nodes' values."""
        return [item.value for item in self.items]


class Mapping:
    """A mapping, merge keys applied; of a key that stands twice the last one counts, as in Prefect."""

    __slots__ = ("entries", "offset")

    def __init__(self, entries: dict[Any, tuple[Scalar, Node]], offset: int) -> None:
        self.entries = entries
        self.offset = offset

    @property
    def value(self) -> dict[Any, Any]:
        """The nodes' values."""
        return {key: node.value for key, (_, node) in self.entries.items()}

    def get(self, key: str) -> Node | None:
        """Give the node under a key."""
        entry = self.entries.get(key)
        return None if entry is None else entry[1]

    def key(self, key: str) -> Scalar:
        """Give the key's own node."""
        return self.entries[key][0]

    def items(self) -> Iterator[tuple[Any, Scalar, Node]]:
        """Give each key's value, its node and the value's node."""
        for value, (key, node) in self.entries.items():
            yield value, key, node


Node = Scalar | Sequence | Mapping


def find_node(node: Node, path: tuple[Any, ...]) -> Node | None:
    """Follow keys to a node; None where they do not lead to one."""
    for part in path:
        found = node.get(part) if isinstance(node, Mapping) else None
        if found is None:
            return None
        node = found
    return node


def node_at(node: Node, path: tuple[Any, ...]) -> Node:
    """Follow keys and indices as far as they lead."""
    for part in path:
        if isinstance(node, Mapping) and part in node.entries:
            node = node.entries[part][1]
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
        else:
            break
    return node


def offset_of_text(source: Source, node: Node, path: tuple[Any, ...], text: str) -> int:
    """Find where a part of a scalar stands, a placeholder for example.

    Args:
        source: The file.
        node: Where the value begins.
        path: The keys and indices that lead from there to the scalar.
        text: The part; of one that is folded or escaped in the file, the first word is found.

    Returns:
        The offset of its first character; that of the scalar where it is not found.
    """
    scalar = node_at(node, path)
    if isinstance(scalar, Scalar) and text:
        at = source.text.find(text, scalar.offset)
        if at < 0:
            at = source.text.find(text.split(maxsplit=1)[0], scalar.offset)
        if 0 <= at <= scalar.offset + 2 * len(scalar.text) + 200:
            return at
    return scalar.offset

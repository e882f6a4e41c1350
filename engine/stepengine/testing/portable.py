"""Paths of this machine in texts that other machines read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Portable:
    """Writes `<name>` for texts that differ from machine to machine, and reads it back.

    A `<name>` that a text has of its own gets its `<` doubled, so that every text comes back as it was.

    Args:
        texts: By name; a name is letters, digits, `-` and `_`.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts: dict[str, str] = {}
        for name, text in texts.items():
            self.add(name, text)

    def add(self, name: str, text: str) -> None:
        """Write `<name>` for a text from now on.

        Raises:
            ValueError: the name is none, or the text is empty or has `<` or `>`.
        """
        if not re.fullmatch(r"[A-Za-z][\w-]*", name):
            raise ValueError(f"{name!r} is no name: use letters, digits, - and _")
        if not text or "<" in text or ">" in text:
            raise ValueError(f"{text!r} cannot be written as <{name}>: it is empty, or has < or >")
        self._texts[name] = text
        names = "|".join(map(re.escape, self._texts))
        longest_first = sorted(self._texts.values(), key=len, reverse=True)
        # A path is not replaced where it is only the beginning of a longer name.
        texts = "|".join(rf"{re.escape(each)}(?![\w-])" for each in longest_first)
        self._writing = re.compile(rf"(<*)(?:({names})>|({texts}))")
        self._reading = re.compile(rf"(<+)({names})>")
        self._names = {text: name for name, text in reversed(self._texts.items())}

    def write(self, text: str) -> str:
        """Give a text in its portable form."""

        def replace(match: re.Match[str]) -> str:
            opening, name, found = match.groups()
            if found is not None:
                return f"{opening * 2}<{self._names[found]}>"
            return f"{opening * 2}{name}>"

        return self._writing.sub(replace, text) if self._texts else text

    def read(self, text: str) -> str:
        """Give the text of a portable form."""

        def replace(match: re.Match[str]) -> str:
            count, odd = divmod(len(match[1]), 2)
            return "<" * count + (self._texts[match[2]] if odd else f"{match[2]}>")

        return self._reading.sub(replace, text) if self._texts else text


def map_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Give a copy of a JSON document with all of its texts changed, keys as well."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {map_texts(key, change): map_texts(item, change) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [map_texts(item, change) for item in value]
    return value

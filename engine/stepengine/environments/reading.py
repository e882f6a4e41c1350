"""Reading files that somebody else may have written."""

from __future__ import annotations

from typing import Any


def read_or_nothing(path: str) -> str:
    """Give a file's text, undecodable bytes replaced; nothing where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def list_of_texts(value: Any) -> tuple[str, ...]:
    """Take a value of a document for a list of texts.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise TypeError(f"{value!r} is no list of texts")
    return tuple(value)

"""Ignore files, read as git reads a .gitignore (https://git-scm.com/docs/gitignore)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stepengine_steps._glob import ANYTHING, DIRECTORIES, STAR, compile_glob

if TYPE_CHECKING:
    from collections.abc import Callable

_ANY_DIRECTORIES = re.compile(r"(?<![^/])\*\*+(?:/|$)")


def read_ignore_file(text: str) -> Callable[[str, bool], bool]:
    """Give a function that tells of a path (with `/`), and of whether it is a directory, whether it is ignored.

    The last pattern that matches decides. A directory that is ignored is so with all that it holds, which the caller
    sees to by not descending into it.
    """
    rules = [rule for line in text.splitlines() if (rule := _rule(line))]

    def is_ignored(path: str, is_directory: bool) -> bool:  # noqa: FBT001 - a predicate of both
        ignored = False
        for matches, negated, directories_only in rules:
            if (is_directory or not directories_only) and matches(path):
                ignored = not negated
        return ignored

    return is_ignored


def _rule(line: str) -> tuple[Callable[[str], object], bool, bool] | None:
    line = _without_trailing_spaces(line)
    if not line or line.startswith("#"):
        return None
    negated = line.startswith("!")
    line = line[1:] if negated else line
    directories_only = line.endswith("/")
    line = line[:-1] if directories_only else line
    parts = _translate(line.removeprefix("/"))
    if not line or parts is None:
        return None
    anchored = "/" in line
    return compile_glob(parts if anchored else [DIRECTORIES, *parts], re.DOTALL), negated, directories_only


def _without_trailing_spaces(line: str) -> str:
    """Take the spaces at the end away, except one that a backslash keeps."""
    kept = line.rstrip(" ")
    backslashes = len(kept) - len(kept.rstrip("\\"))
    return line[: len(kept) + backslashes % 2]


def _translate(pattern: str) -> list[str] | None:
    """Translate a pattern to the parts of a glob; None where it can match nothing."""
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if stars := _ANY_DIRECTORIES.match(pattern, position):
            parts += [DIRECTORIES] if stars[0].endswith("/") else [".", ANYTHING]
            position = stars.end()
            continue
        position += 1
        if character == "*":
            parts.append(STAR)
        elif character == "?":
            parts.append("[^/]")
        elif character == "[":
            bracket = _translate_bracket(pattern, position)
            if bracket is None:
                return None
            translated, position = bracket
            parts.append(translated)
        else:
            if character == "\\":
                character = pattern[position : position + 1]
                position += 1
            if not character:
                return None
            parts.append(re.escape(character))
    return parts


def _translate_bracket(pattern: str, position: int) -> tuple[str, int] | None:
    """Translate the set of characters whose `[` is before `position`; give where it ends, or None where it does not."""
    negated = pattern[position : position + 1] in ("!", "^")
    position += negated
    start = position
    members = ""
    before = ""
    while position < len(pattern):
        character = pattern[position]
        if character == "]" and position > start:
            return f"(?!/)[{'^' if negated else ''}{members}]", position + 1
        is_range = character == "-" and before and pattern[position + 1 : position + 2] not in ("", "]")
        position += bool(is_range)
        if pattern[position] == "\\":
            position += 1
        if position == len(pattern):
            return None
        character = pattern[position]
        if not is_range:
            members += re.escape(character)
        elif before <= character:
            members += f"{re.escape(before)}-{re.escape(character)}"
        before = "" if is_range else character
        position += 1
    return None

"""Ignore files, read as git reads a .gitignore (https://git-scm.com/docs/gitignore)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_TRAILING_SPACES = re.compile(r"(?<!\\) +$")


def read_ignore_file(text: str) -> Callable[[str, bool], bool]:
    """Give a function that tells of a path (with `/`), and of whether it is a directory, whether it is ignored.

    The last pattern that matches decides. A directory that is ignored is so with all that it holds, which the caller
    sees to by not descending into it.
    """
    rules = [rule for line in text.splitlines() if (rule := _rule(line))]

    def is_ignored(path: str, is_directory: bool) -> bool:  # noqa: FBT001 - a predicate of both
        ignored = False
        for pattern, negated, directories_only in rules:
            if (is_directory or not directories_only) and pattern.fullmatch(path):
                ignored = not negated
        return ignored

    return is_ignored


def _rule(line: str) -> tuple[re.Pattern[str], bool, bool] | None:
    line = _TRAILING_SPACES.sub("", line)
    if not line or line.startswith("#"):
        return None
    negated = line.startswith("!")
    line = line[1:] if negated else line
    directories_only = line.endswith("/")
    line = line.rstrip("/") if directories_only else line
    anchored = "/" in line
    expression = _translate(line.removeprefix("/"))
    if not line or expression is None:
        return None
    return re.compile(expression if anchored else f"(?:.*/)?{expression}", re.DOTALL), negated, directories_only


def _translate(pattern: str) -> str | None:
    """Translate a pattern; None where it can match nothing."""
    segments = pattern.split("/")
    parts: list[str] = []
    for index, segment in enumerate(segments):
        last = index == len(segments) - 1
        if segment == "**" and len(segments) > 1:
            parts.append(".+" if last else "(?:.*/)?")
            continue
        translated = _translate_segment(segment)
        if translated is None:
            return None
        parts.append(translated if last else f"{translated}/")
    return "".join(parts)


def _translate_segment(segment: str) -> str | None:
    expression = ""
    position = 0
    while position < len(segment):
        character = segment[position]
        position += 1
        if character == "*":
            expression += "[^/]*"
        elif character == "?":
            expression += "[^/]"
        elif character == "[":
            match = re.compile(r"(?P<not>[!^]?)(?P<set>\]?(?:\\.|[^\]\\])*)\]").match(segment, position)
            if not match:
                return None
            members = re.sub(r"([\[&~|^])", r"\\\1", match["set"]).replace("]", r"\]", match["set"].startswith("]"))
            expression += f"(?!/)[{'^' if match['not'] else ''}{members}]"
            position = match.end()
        elif character == "\\":
            if position == len(segment):
                return None
            expression += re.escape(segment[position])
            position += 1
        else:
            expression += re.escape(character)
    return expression

r"""`.dockerignore`: which files belong to a build context, read as Docker's own clients read it.

The rules are those of the `ignorefile` and `patternmatcher` packages of the Moby project, which BuildKit uses:
`*` and `?` stop at `/`, `**` does not, `!` takes back, the last rule that applies wins, and a rule for a directory
holds for all that is in it.
"""

from __future__ import annotations

import os
import posixpath
import re
from typing import TYPE_CHECKING

from stepengine.plugin import StepError
from stepengine_steps._glob import ANYTHING, DIRECTORIES, STAR, compile_glob

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_GLOB = set("*?[]\\^")


class _PatternError(ValueError):
    pass


def read_patterns(text: str) -> list[str]:
    """Give the patterns of a `.dockerignore`, in order, cleaned.

    A line is a comment only where `#` is its first character; white space around a pattern is no part of it; a leading
    `/` means the same as none.
    """
    patterns = []
    for line in text.removeprefix("\ufeff").split("\n"):
        if line.startswith("#") or not (pattern := line.strip()):
            continue
        exception = pattern.startswith("!")
        if exception:
            pattern = pattern[1:].strip()
        if pattern:
            pattern = _clean(pattern)
            if len(pattern) > 1:
                pattern = pattern.removeprefix("/")
        patterns.append("!" + pattern if exception else pattern)
    return patterns


def ignore_file(directory: str, dockerfile: str) -> str | None:
    """Find the file that says what to leave out: one named after the Dockerfile comes before `.dockerignore`.

    Args:
        directory: The build context.
        dockerfile: The Dockerfile's path; empty where it is not a file.

    Returns:
        Its path; None where there is none.

    Raises:
        StepError: it is no file: reading a named pipe, as the engine would, does not end.
    """
    candidates = [f"{dockerfile}.dockerignore"] if dockerfile else []
    for path in [*candidates, os.path.join(directory, ".dockerignore")]:
        if os.path.isfile(path):
            return path
        if os.path.exists(path):
            what = "directory" if os.path.isdir(path) else "named pipe, or another thing that is no file"
            raise StepError(f"{path} is a {what}", hint="remove or rename it")
    return None


class Rules:
    """The patterns of one `.dockerignore`, ready to be asked about paths.

    Args:
        patterns: As `read_patterns` gives them.
        source: The file that they are from, for messages.

    Raises:
        StepError: a pattern is not well formed.
    """

    def __init__(self, patterns: Sequence[str], source: str = ".dockerignore") -> None:
        self._rules: list[tuple[bool, Callable[[str], object]]] = []
        self._exceptions: list[str] = []
        for pattern in patterns:
            exception = pattern.startswith("!")
            body = pattern[1:] if exception else pattern
            try:
                self._rules.append((exception, _matcher(body)))
            except _PatternError as error:
                raise StepError(f"{source}: {pattern!r} is not a pattern: {error}", hint="correct it") from None
            if exception:
                self._exceptions.append(body)

    def match(self, path: str, parent: Sequence[bool] = ()) -> tuple[bool, list[bool]]:
        """Tell whether a path is left out.

        Args:
            path: Relative to the context, with `/`.
            parent: Which rules applied to the directory that holds it, as this method gave them; empty at the top.

        Returns:
            Whether it is left out, and which rules apply to it.
        """
        excluded = False
        applied = []
        for index, (exception, matches) in enumerate(self._rules):
            applies = bool(parent) and parent[index]
            # A rule that could change nothing is not asked, and so is not inherited either: Docker does the same.
            if not applies and exception == excluded:
                applies = bool(matches(path))
            applied.append(applies)
            if applies:
                excluded = not exception
        return excluded, applied

    def may_return(self, directory: str) -> bool:
        """Tell whether an exception (`!`) could take back anything in a directory that is left out."""
        prefix = directory + "/"
        return any(
            _GLOB & set(rule.removesuffix("/**")) or (rule + "/").startswith(prefix) for rule in self._exceptions
        )


def _clean(pattern: str) -> str:
    """Do what Go's `filepath.Clean` does: unlike Python's, it makes one slash of two leading ones."""
    cleaned = posixpath.normpath(pattern)
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def _matcher(pattern: str) -> Callable[[str], object]:
    if not pattern:
        raise _PatternError("an exception of nothing")
    _check(pattern)
    parts, first, globs = _translate(pattern)
    if globs:
        try:
            return compile_glob(parts)
        except re.error as error:
            raise _PatternError(str(error)) from None
    if first:  # `**` at the start and nothing special after it: Docker compares ends, so `**x` matches `ax` too
        suffix = pattern[2:]
        bare = suffix.removeprefix("/")
        return lambda path: path.endswith(suffix) or (suffix != bare and path == bare)
    if pattern.endswith("**"):
        prefix = pattern[:-2]
        return lambda path: path.startswith(prefix)
    return pattern.__eq__


def _translate(pattern: str) -> tuple[list[str], bool, bool]:
    """Turn a pattern into the parts of a glob.

    Returns:
        The parts; whether the pattern begins with `**`; whether only they can decide.
    """
    parts: list[str] = []
    first = globs = in_class = False
    index = 0
    while index < len(pattern):
        character = pattern[index]
        if in_class:
            index, text = _class_item(pattern, index)
            in_class = text != "]"
            parts.append(text)
            continue
        if pattern.startswith("**", index):
            first = first or index == 0
            begins = index == 0
            index += 3 if pattern.startswith("**/", index) else 2
            if index < len(pattern):
                parts.append(DIRECTORIES)
                globs = globs or not begins
            else:
                globs = globs or (first and not begins)
                parts.append(ANYTHING)
            continue
        globs = globs or character in "*?[]\\"
        if character == "\\":
            index += 1
            parts.append(re.escape(pattern[index]))
        elif character == "[":
            in_class = True
            parts.append("[")
        else:
            parts.append({"*": STAR, "?": "[^/]"}.get(character) or re.escape(character))
        index += 1
    return parts, first, globs


def _class_item(pattern: str, index: int) -> tuple[int, str]:
    character = pattern[index]
    if character == "\\":
        return index + 2, re.escape(pattern[index + 1])
    if character == "^" and pattern[index - 1] == "[":
        return index + 1, "^"
    return index + 1, character if character in "]-" or character.isalnum() else re.escape(character)


def _check(pattern: str) -> None:
    r"""Refuse what Go's `filepath.Match` refuses: an open class, an empty one, a loose `-`, a `\\` before nothing."""
    index = 0
    while index < len(pattern):
        character = pattern[index]
        index += 1
        if character == "\\":
            if index == len(pattern):
                raise _PatternError("a backslash at the end")
            index += 1
        elif character == "[":
            index = _check_class(pattern, index)


def _check_class(pattern: str, index: int) -> int:
    index += pattern.startswith("^", index)
    empty = True
    while empty or not pattern.startswith("]", index):
        index = _check_item(pattern, index)
        if pattern.startswith("-", index):
            index = _check_item(pattern, index + 1)
        empty = False
    return index + 1


def _check_item(pattern: str, index: int) -> int:
    if index >= len(pattern):
        raise _PatternError("a [ without its ]")
    if pattern[index] in "-]":
        raise _PatternError(f"a {pattern[index]} where a character is due")
    index += 2 if pattern[index] == "\\" else 1
    if index >= len(pattern):
        raise _PatternError("a [ without its ]")
    return index

"""Patterns of ignore files, matched in time linear in the path's length.

A regular expression with several wildcards tries all ways to share a path out among them: `*a*a*a*b` and a name of
many `a` take hours. Here the positions that a part of the pattern may end at are kept as a set, each of them once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STAR = "[^/]*"
"""Any characters of one segment."""

DIRECTORIES = "(?:.*/)?"
"""Nothing, or anything that ends with a slash."""

ANYTHING = ".*"
"""Any characters."""

_WILDCARDS = frozenset({STAR, DIRECTORIES, ANYTHING})

# So few wildcards have so few ways that a regular expression, which is many times as fast, finds them soon.
_FEW = 2


def compile_glob(parts: Sequence[str], flags: int = 0) -> Callable[[str], object]:
    """Make a function that tells whether a path matches.

    Args:
        parts: Regular expressions of fixed length, and the wildcards of this module; a set of characters may be spread
            over several.
        flags: Those of `re`.

    Raises:
        re.error: a part is no regular expression.
    """
    expression = re.compile("".join(parts), flags)
    if sum(part in _WILDCARDS for part in parts) <= _FEW and parts.count(DIRECTORIES) < _FEW:
        return expression.fullmatch
    return linear_matcher(parts, flags)


def linear_matcher(parts: Sequence[str], flags: int = 0) -> Callable[[str], bool]:
    """Make the function of `compile_glob` for any number of wildcards."""
    runs: list[tuple[str, re.Pattern[str]]] = []
    fixed: list[str] = []
    for part in parts:
        if part not in _WILDCARDS:
            fixed.append(part)
            continue
        runs.append(("", re.compile("".join(fixed), flags)))
        # What a wildcard of directories may run over; the slashes in it are looked for apart.
        runs.append((part, re.compile(STAR if part == STAR else ANYTHING, flags)))
        fixed = []
    runs.append(("", re.compile("".join(fixed), flags)))

    def matches(path: str) -> bool:
        positions = [0]
        for wildcard, expression in runs:
            if wildcard:
                positions = _ends(wildcard, expression, path, positions)
            else:
                positions = [found.end() for start in positions if (found := expression.match(path, start))]
        return len(path) in positions

    return matches


def _ends(wildcard: str, run: re.Pattern[str], path: str, starts: list[int]) -> list[int]:
    """Give where a wildcard may end that begins at one of some positions; all in order, each once."""
    ends = set(starts)
    covered = -1
    for start in starts:
        if start <= covered:
            continue  # it ends nowhere where one that began earlier does not
        found = run.match(path, start)
        covered = found.end() if found else start
        between = range(start + 1, covered + 1)
        ends.update(end for end in between if wildcard != DIRECTORIES or path[end - 1] == "/")
    return sorted(ends)

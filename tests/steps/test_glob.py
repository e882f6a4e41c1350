"""Patterns of ignore files are matched as a regular expression matches them, but in time that is linear."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepengine_steps._docker.dockerignore import Rules, read_patterns
from stepengine_steps._glob import ANYTHING, DIRECTORIES, STAR, compile_glob, linear_matcher
from stepengine_steps._storage.ignore import read_ignore_file

if TYPE_CHECKING:
    from collections.abc import Callable

PARTS = st.lists(
    st.sampled_from([STAR, DIRECTORIES, ANYTHING, "a", "b", "/", "[^/]", ".", "(?!/)[^a]"])
    | st.just(["[", "^", "a", "]"]),
    max_size=8,
).map(lambda parts: [piece for part in parts for piece in (part if isinstance(part, list) else [part])])


@given(PARTS, st.text(alphabet="ab/\n", max_size=10), st.sampled_from([0, re.DOTALL]))
def test_it_matches_as_the_regular_expression_does(parts: list[str], path: str, flags: int) -> None:
    expected = re.compile("".join(parts), flags).fullmatch(path) is not None
    assert linear_matcher(parts, flags)(path) == expected
    assert bool(compile_glob(parts, flags)(path)) == expected


def ignored_by_storage(pattern: str) -> Callable[[str], object]:
    is_ignored = read_ignore_file(pattern)
    return lambda path: is_ignored(path, False)


def ignored_by_docker(pattern: str) -> Callable[[str], object]:
    rules = Rules(read_patterns(pattern))
    return lambda path: rules.match(path)[0]


@pytest.mark.parametrize("reader", [ignored_by_storage, ignored_by_docker])
@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a" * 40 + "*b", "a" * 250),
        ("**/a/" * 20 + "b", "a/" * 200 + "c"),
        ("**/*a*a*/" * 10 + "b", ("a" * 100 + "/") * 20 + "c"),
        ("a**" * 30 + "b", "a/" * 200 + "a"),
        ("[ab]*?*" * 30 + "c", "ab" * 100),
    ],
)
def test_many_wildcards_take_no_time(reader: Callable[[str], Callable[[str], object]], pattern: str, path: str) -> None:
    begin = time.perf_counter()
    assert not reader(pattern)(path)
    assert time.perf_counter() - begin < 1


@pytest.mark.parametrize(
    ("line", "name"), [("a   ", "a"), ("a\\ ", "a "), ("a\\   ", "a "), ("a\\\\ ", "a\\"), ("a  b ", "a  b")]
)
def test_spaces_at_the_end_are_kept_by_a_backslash_alone(line: str, name: str) -> None:
    assert ignored_by_storage(line)(name)
    assert not ignored_by_storage(line)(name + " ")

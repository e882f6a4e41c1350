"""Entry points of the installed distributions, found without importing any of them.

`importlib.metadata` would do the same in ten times the time, half of it for its own import (42 ms of the 65 that a
short run may take); so the files are read directly. Format:
https://packaging.python.org/en/latest/specifications/entry-points/
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STEPS = "stepengine.steps"
HOOKS = "stepengine"


class EntryPoint(Record):
    """One line of a distribution's entry points.

    Attributes:
        group: "stepengine.steps" or "stepengine".
        name: The step's or the plugin's name.
        target: `module:attribute`, or `module`.
        distribution: Who registers it, as `name version`.
    """

    group: str
    name: str
    target: str
    distribution: str


def find_entry_points(paths: Iterable[str] | None = None) -> list[EntryPoint]:
    """Give the entry points of our two groups.

    Args:
        paths: Where distributions are; `sys.path` where it is None. Of two distributions of one name, the first counts.

    Returns:
        Them, in the order of the paths and then of the distributions' names.
    """
    found: list[EntryPoint] = []
    seen: set[str] = set()
    for path in dict.fromkeys(sys.path if paths is None else paths):
        for directory, name, version in _distributions(path or "."):
            if name in seen:
                continue
            seen.add(name)
            found.extend(_read(directory, f"{name} {version}".rstrip()))
    return found


def _distributions(path: str) -> Iterator[tuple[str, str, str]]:
    try:
        entries = os.listdir(path)
    except (OSError, ValueError):
        return  # a zip file, or a path that does not exist: as Python itself, without a word
    for entry in sorted(entries):
        # pip renames what it is about to remove to `~…`, and may leave it so.
        if entry.endswith((".dist-info", ".egg-info")) and entry[0] != "~":
            name, _, version = entry.rpartition(".")[0].partition("-")
            yield os.path.join(path, entry), _normalized(name), version.partition("-")[0]


def _normalized(name: str) -> str:
    """Give a distribution's name in the form that tells whether two are the same (PEP 503)."""
    return "-".join(filter(None, name.lower().replace("_", "-").replace(".", "-").split("-")))


def _read(directory: str, distribution: str) -> Iterator[EntryPoint]:
    try:
        with open(os.path.join(directory, "entry_points.txt"), "rb") as file:
            data = file.read()
    except OSError:
        return
    if b"stepengine" not in data:
        return
    group = ""
    for raw in data.decode("utf-8", "replace").splitlines():
        line = raw.strip()
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1].strip()
        elif group in (STEPS, HOOKS) and line and line[0] not in "#;" and "=" in line:
            name, target = (part.strip() for part in line.partition("=")[::2])
            target = target.partition("[")[0].strip()
            if name and target:
                yield EntryPoint(group, name.strip("\"'"), target, distribution)

"""Writes a distribution from the files in `template`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from stepengine import __version__
from stepengine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepengine.authoring.names import Names

_TEMPLATE = os.path.join(os.path.dirname(__file__), "template")
_SUFFIX = ".in"
"""Without it, tools would take the files for the engine's own."""

_NAMES = {"gitignore": ".gitignore"}
"""What git would obey in the template."""


def write_distribution(names: Names, directory: str) -> list[str]:
    """Write a distribution: all of its files, or none.

    Args:
        names: What it is called.
        directory: Where it goes; made where it is not there.

    Returns:
        The paths of its files, relative to the directory.

    Raises:
        UsageError: a file is there already, or one cannot be written.
    """
    files = dict(_render(names))
    for name in files:
        path = os.path.join(directory, name)
        if os.path.lexists(path):
            raise UsageError(f"{path} is there already", hint="name another directory: nothing is overwritten")
    made: list[str] = []
    try:
        for name, text in files.items():
            path = os.path.join(directory, name)
            _make_directories(os.path.dirname(path), made)
            with open(path, "x", encoding="utf-8", newline="\n") as file:
                made.append(path)
                file.write(text)
    except BaseException as error:
        _remove(made)
        if isinstance(error, OSError):
            told = f"{error.filename or directory} cannot be written: {error.strerror}"
            raise UsageError(told, hint="name another directory") from error
        raise
    return sorted(files)


def _render(names: Names) -> Iterator[tuple[str, str]]:
    """Give the files: each path, relative to the distribution's directory, and its text."""
    words = {"@name@": names.distribution, "@package@": names.package, "@version@": __version__}

    def fill(text: str) -> str:
        for word, value in words.items():
            text = text.replace(word, value)
        return text

    for parent, _, found in os.walk(_TEMPLATE):
        for file in found:
            if file.endswith(_SUFFIX):
                name = file.removesuffix(_SUFFIX)
                path = os.path.join(os.path.relpath(parent, _TEMPLATE), _NAMES.get(name, name))
                with open(os.path.join(parent, file), encoding="utf-8") as template:
                    yield fill(os.path.normpath(path)), fill(template.read())


def _make_directories(path: str, made: list[str]) -> None:
    """Make a directory and those that it is in, and note each that was not there."""
    if path and not os.path.isdir(path):
        _make_directories(os.path.dirname(path), made)
        os.mkdir(path)
        made.append(path)


def _remove(paths: list[str]) -> None:
    """Take away what was made, the last first; what somebody has put there meanwhile stays."""
    import contextlib

    for path in reversed(paths):
        with contextlib.suppress(OSError):
            if os.path.isdir(path):
                os.rmdir(path)
            else:
                os.unlink(path)

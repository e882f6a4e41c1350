"""What the tests of storage steps share."""

import os
from pathlib import Path

import pytest

from stepengine.plugin import StepError


def tree(directory):
    """Every path below a directory, with a file's text, a link's target or None for a directory."""
    found = {}
    for path in sorted(Path(directory).rglob("*")):
        name = path.relative_to(directory).as_posix()
        found[name] = os.readlink(path) if path.is_symlink() else path.read_text() if path.is_file() else None
    return found


def fail(step, *args, **inputs):
    """The error of a step that must fail."""
    with pytest.raises(StepError) as caught:
        step(*args, **inputs)
    return caught.value


def secrets(events):
    """The values that a step had masked."""
    return {data["value"] for kind, data in events if kind == "secret"}

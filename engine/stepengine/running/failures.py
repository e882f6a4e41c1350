"""What is told of an exception that a step did not mean for people."""

from __future__ import annotations

import os

from stepengine.errors import tell_exception

_FRAMES = 3
_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
"""The engine's modules: how it came to call the step is not what its author needs."""


def describe_exception(error: BaseException) -> tuple[str, str]:
    """Describe an exception.

    Args:
        error: What a step's function raised.

    Returns:
        One line with its type and message, and the last frames of the step's own code: what its author needs.
    """
    try:
        import traceback
    except OSError:  # the step has left no file descriptor
        return tell_exception(error), ""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((_OWN, "<frozen importlib"))
    ]
    return tell_exception(error), "".join(traceback.format_list(frames[-_FRAMES:])).rstrip()

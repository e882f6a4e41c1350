"""What is told of an exception that a step did not mean for people."""

from __future__ import annotations

import os

_FRAMES = 3
_OWN = os.path.dirname(os.path.abspath(__file__)) + os.sep


def tell_exception(error: BaseException) -> str:
    """Tell of an exception in one line: its type and its message; the type alone where it cannot say more."""
    try:
        message = " ".join(str(error).split())
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - the text of a third party's exception is third-party code too
        message = ""
    return f"{type(error).__name__}: {message}".rstrip(": ")


def describe_exception(error: BaseException) -> tuple[str, str]:
    """Describe an exception.

    Args:
        error: What a step's function raised.

    Returns:
        One line with its type and message, and the last frames of the step's own code: what its author needs.
    """
    import traceback

    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((_OWN, "<frozen importlib"))
    ]
    return tell_exception(error), "".join(traceback.format_list(frames[-_FRAMES:])).rstrip()

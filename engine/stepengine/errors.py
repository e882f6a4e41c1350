"""What can go wrong, each with the exit code that it ends the process with."""

from __future__ import annotations

INTERRUPTED = 130
"""The exit code after Ctrl-C or SIGTERM: 128 + SIGINT, as shells have it."""


class StepEngineError(Exception):
    """An error that a user can act on.

    Args:
        message: One line: what is wrong.
        hint: One line: what to do about it; empty where there is nothing to add.
        where: One line: `file:line:column`, or a place in words; empty where there is none.
    """

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "", where: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where


class UsageError(StepEngineError):
    """The command line asks for something that does not exist or does not fit together."""

    code = "usage"
    """What a JSON document calls it among the problems of a file."""


class TemplateError(StepEngineError):
    """A reference or an expression has no value."""


class StepError(StepEngineError):
    """A step failed. Steps raise it; any other exception of a step is shown with its type.

    Args:
        message: One line: what failed.
        hint: One line: the remedy.
        output: The end of what the failing program printed, if the step has it.
    """

    exit_code = 1
    frames = ""
    """Where the step's own code raised an exception in another process, as Python's tracebacks show it."""

    def __init__(self, message: str, *, hint: str = "", where: str = "", output: str = "") -> None:
        super().__init__(message, hint=hint, where=where)
        self.output = output


class RequirementError(StepEngineError):
    """A plugin or a requirement cannot be had."""

    exit_code = 4


def tell_exception(error: BaseException) -> str:
    """Tell of an exception in one line: its type and its message; the type alone where it cannot say more."""
    try:
        message = " ".join(str(error).split())
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - the text of a third party's exception is third-party code too
        message = ""
    return f"{type(error).__name__}: {message}".rstrip(": ")

"""The logger of a step's context."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def make_logger(write: Callable[..., None]) -> logging.Logger:
    """Make a logger that nothing else knows.

    Args:
        write: Takes a line, and `stream` by name; see `Context.write`.
    """
    logger = _StepLogger("step", logging.INFO)
    logger.propagate = False
    logger.addHandler(_LineHandler(write))
    return logger


class _StepLogger(logging.Logger):
    """A logger whose children are its own: the standard library's would be registered, and reach the root logger."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - the standard library's name
        """Whether a level is told of; not remembered, as only a registered logger's answer would be forgotten again."""
        return level >= self.getEffectiveLevel()

    def getChild(self, suffix: str) -> _StepLogger:  # noqa: N802 - the standard library's name
        """Give a logger whose records are this one's."""
        child = _StepLogger(f"{self.name}.{suffix}")
        child.parent = self
        return child


class _LineHandler(logging.Handler):
    """Makes each line of a record one of the step's output."""

    def __init__(self, write: Callable[..., None]) -> None:
        super().__init__()
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001 - arguments that do not fit the message are no reason to lose it
            text = f"{record.msg} {record.args}"
        is_warning = record.levelno >= logging.WARNING
        if is_warning:
            text = f"{record.levelname.lower()}: {text}"
        for line in text.splitlines() or [""]:
            self._write(line, stream="stderr" if is_warning else "stdout")

"""Ctrl-C and the signals that end a process: each is a KeyboardInterrupt, and is remembered."""

from __future__ import annotations

import signal

_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_seen = False


def take_signals() -> None:
    """Have SIGINT, SIGTERM and SIGHUP raise KeyboardInterrupt, but for those that whoever started us has ignored."""
    for number in _SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup means it
            signal.signal(number, _interrupt)


def ignore_signals() -> None:
    """Let nothing more come in between: all is told, and the exit code is known."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def was_interrupted() -> bool:
    """Whether a signal has come: a step may have caught the exception, and the run must not go on all the same."""
    return _seen


def _interrupt(_number: int, _frame: object) -> None:
    global _seen  # noqa: PLW0603 - one process, one set of signals
    _seen = True
    raise KeyboardInterrupt

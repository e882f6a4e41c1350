"""Trying again: what can pass by itself, and how long to wait for it."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, TypeVar

from stepengine.plugin import Context, StepError

if TYPE_CHECKING:
    from collections.abc import Callable

    Result = TypeVar("Result")

DELAYS_SECONDS = (1.0, 2.0, 4.0)
"""The waits before the second, third and last attempt."""

_REFUSED = re.compile(
    r"denied|unauthorized|authentication required|no basic auth credentials|incorrect username or password"
    r"|\b40[13]\b|forbidden|insufficient[_ ]scope",
    re.IGNORECASE,
)
_TRANSIENT = re.compile(
    r"\b(?:429|50[0234])\b|toomanyrequests|too many requests|connection (?:reset|refused|aborted)|broken pipe"
    r"|i/o timeout|timed out|TLS handshake timeout|Client\.Timeout|deadline exceeded|\bEOF\b|temporary failure"
    r"|server misbehaving|service unavailable|bad gateway|internal server error|network is unreachable|no route",
    re.IGNORECASE,
)


def is_refusal(message: str) -> bool:
    """Tell whether a registry's message says that the credentials are missing, wrong or not enough."""
    return bool(_REFUSED.search(message))


def is_transient(message: str) -> bool:
    """Tell whether a failure can pass by itself; a refusal never does."""
    return bool(_TRANSIENT.search(message)) and not is_refusal(message)


def with_retries(attempt: Callable[[], Result], what: str, context: Context) -> Result:
    """Call `attempt` until it succeeds, fails for good, or the attempts are used up.

    Raises:
        StepError: of the last attempt.
    """
    for delay in DELAYS_SECONDS:
        try:
            return attempt()
        except StepError as error:
            if not is_transient(error.message):
                raise
            context.warn(f"{what}: {error.message}; trying again in {delay:g} s")
            time.sleep(delay)
    return attempt()

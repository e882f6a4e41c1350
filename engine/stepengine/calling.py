"""Calling a step's function: with its context, awaited where it is async, its prints taken for output."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stepengine.context import Context


def call_step(function: Callable[..., Any], inputs: dict[str, Any], context: Context, context_argument: str) -> Any:
    """Call a step.

    Args:
        function: Its callable.
        inputs: Its arguments.
        context: The run's context.
        context_argument: The name of the argument that takes it; empty where the function knows nothing of contexts: it
            then gets the context's directory and environment as the process's own, and what it changes there is carried
            over, as in Prefect.

    Returns:
        What the function returned.

    Raises:
        Exception: whatever the function raises.
    """
    if context_argument:
        return _finish(function(**inputs, **{context_argument: context}))
    with_process_state = _process_state(context)
    next(with_process_state)
    try:
        return _finish(function(**inputs))
    finally:
        next(with_process_state, None)


def _finish(result: Any) -> Any:
    if not hasattr(result, "__await__"):
        return result
    import asyncio

    async def wait() -> Any:
        return await result

    return asyncio.run(wait())


def _process_state(context: Context) -> Iterator[None]:
    """Lend a plain function the process's directory, environment and output streams."""
    directory, environ = os.getcwd(), dict(os.environ)
    streams = sys.stdout, sys.stderr
    os.chdir(context.directory)
    _replace_environ(context.environ)
    lines = _LineStream(context, "stdout"), _LineStream(context, "stderr")
    sys.stdout, sys.stderr = lines
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
        for stream in lines:
            stream.end()
        context.directory = os.getcwd()
        context.environ = dict(os.environ)
        _replace_environ(environ)
        os.chdir(directory)


def _replace_environ(environ: dict[str, str]) -> None:
    if environ == os.environ:
        return
    for name in [name for name in os.environ if name not in environ]:
        del os.environ[name]
    os.environ.update(environ)


class _LineStream:
    """A text stream whose lines become the step's output."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, context: Context, stream: str) -> None:
        self._context = context
        self._stream = stream
        self._partial = ""

    def write(self, text: str) -> int:
        *lines, self._partial = (self._partial + text).split("\n")
        for line in lines:
            self._context.write(line, stream=self._stream)
        return len(text)

    def flush(self) -> None:
        """Keep the partial line: it has no end yet."""

    def end(self) -> None:
        """Report a last line without an end."""
        if self._partial:
            self._context.write(self._partial, stream=self._stream)

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return _STREAM_DESCRIPTORS[self._stream]


_STREAM_DESCRIPTORS = {"stdout": 1, "stderr": 2}

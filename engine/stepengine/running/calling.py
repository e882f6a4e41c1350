"""Calling a step's function: with its context, awaited where it is async."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from stepengine.errors import StepError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stepengine.running.context import Context


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
        What the function returned; of a dataclass its fields, as a mapping.

    Raises:
        Exception: whatever the function raises.
    """
    context._logger = None  # noqa: SLF001 - each step has one of its own: what it sets there is not its successors'
    if context_argument:
        return _finish(function(**inputs, **{context_argument: context}))
    with _process_state(context):
        return _finish(function(**inputs))


def _finish(result: Any) -> Any:
    if type(result).__name__ in ("generator", "async_generator"):
        raise StepError(
            "it is a generator function, and nothing of it has run", hint="return the outputs, and yield none"
        )
    if not hasattr(result, "__await__"):
        return _as_outputs(result)
    import asyncio

    async def wait() -> Any:
        return await result

    return _as_outputs(asyncio.run(wait()))


def _as_outputs(result: Any) -> Any:
    """Take the fields of a dataclass for outputs."""
    if not hasattr(type(result), "__dataclass_fields__"):
        return result
    import dataclasses

    return {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}


@contextmanager
def _process_state(context: Context) -> Iterator[None]:
    """Lend a plain function the process's directory and environment; take over what it makes of them."""
    directory, environ = os.getcwd(), dict(os.environ)
    try:
        os.chdir(context.directory)
        _replace_environ(context.environ)
        yield
        if context.environ != os.environ:
            context.environ = dict(os.environ)
        with suppress(FileNotFoundError):  # the function removed its directory: its successors start where it did
            context.directory = os.getcwd()
    finally:
        _replace_environ(environ)
        with suppress(FileNotFoundError):  # it removed that one too
            os.chdir(directory)


def _replace_environ(environ: dict[str, str]) -> None:
    if environ == os.environ:
        return
    for name in [name for name in os.environ if name not in environ]:
        del os.environ[name]
    os.environ.update(environ)

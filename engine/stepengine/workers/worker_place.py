"""The near side: a worker that is told over two pipes which steps to run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from stepengine.errors import StepEngineError, StepError
from stepengine.workers.messages import encode_message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stepengine.catalogue.spec import StepSpec
    from stepengine.running.places import Emit


_MISSING = (
    "have it where the worker runs: copy it into the image, install its package there, or name its libraries in @step"
)


class Transport(Protocol):
    """The two pipes, and the process at their other end."""

    @property
    def lost(self) -> StepError | None:
        """What is to be told instead of the worker's end where that is not known; for after `end`."""

    def send(self, data: bytes) -> None:
        """Write all of the data.

        Raises:
            OSError: the other end is gone.
        """

    def receive(self) -> bytes:
        """Give the next line; empty where there is none any more."""

    def end(self) -> str:
        """End the worker; say on one line how it ended, where it had ended by itself, and below what it said last."""


class WorkerPlace:
    """A worker behind a transport.

    Args:
        transport: How to reach it.
        description: Where it is, in words.
        project: The values at the file's top level.
        block: Finds a block's data by `(type slug, name)`.
        directory: Where its steps start; empty for where it is.
        missing_hint: What to do where a step's module cannot be imported there.

    Raises:
        StepError: it did not start.
    """

    def __init__(
        self,
        transport: Transport,
        description: str,
        *,
        project: Mapping[str, Any],
        block: Callable[[str, str], Any],
        directory: str = "",
        missing_hint: str = _MISSING,
    ) -> None:
        self.description = description
        self.directory = directory
        self._entered: dict[str, Any] = {}
        self._transport = transport
        self._block = block
        try:
            self._say({"project": dict(project), "directory": directory, "missing_hint": missing_hint})
            hello = self._hear()
        except BaseException:
            transport.end()
            raise
        self.directory = hello.get("directory", directory)
        self.environ: dict[str, str] = hello.get("environ", {})

    def enter(self, directory: str, environ: Mapping[str, str]) -> None:
        """Have the next step start elsewhere; see `Place.enter`."""
        if directory != self.directory:
            self._entered["directory"] = self.directory = directory
        if environ != self.environ:
            self._entered["environ"] = self.environ = dict(environ)

    def call(self, spec: StepSpec, inputs: dict[str, Any], emit: Emit) -> Any:
        """Run a step; see `Place.call`."""
        self._say({"target": spec.target, "inputs": inputs, "context": spec.context, **self._entered})
        self._entered = {}
        while True:
            message = self._hear()
            if "emit" in message:
                emit(message["emit"], message["data"])
            elif "need_block" in message:
                self._answer(spec, inputs, *message["need_block"])
            else:
                self.directory = message["directory"]
                self.environ = message.get("environ", self.environ)
                if "failed" in message:
                    failed = message["failed"]
                    error = StepError(failed["message"], hint=failed["hint"], output=failed["output"])
                    error.frames = failed["frames"]
                    raise error
                return message["result"]

    def _answer(self, spec: StepSpec, inputs: Mapping[str, Any], type_slug: str, name: str) -> None:
        if not _may_ask(spec, inputs, type_slug, name):
            hint = "give it to the step as an input: {{ prefect.blocks.TYPE.NAME }}"
            self._say({"error": f"this step may not ask for the block {type_slug}/{name}", "hint": hint})
            return
        try:
            self._say({"block": self._block(type_slug, name)})
        except StepEngineError as error:
            self._say({"error": error.message, "hint": error.hint})

    def _say(self, message: dict[str, Any]) -> None:
        try:
            data = encode_message(message)
        except Exception as error:
            raise StepError(f"what it is given cannot be passed on: {type(error).__name__}: {error}") from error
        try:
            self._transport.send(data)
        except OSError:
            raise self._gone() from None

    def _hear(self) -> dict[str, Any]:
        line = self._transport.receive()
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            raise self._gone(line) from None
        if not isinstance(message, dict):
            raise self._gone(line)
        return message

    def _gone(self, line: bytes = b"") -> StepError:
        ended, _, said = self._transport.end().partition("\n")
        if self._transport.lost is not None:
            return self._transport.lost
        output = "\n".join(filter(None, [line.decode("utf-8", "replace").strip(), said]))
        how = ": ".join(filter(None, [f"its process ended before it did ({self.description})", ended]))
        return StepError(how, output=output)

    def close(self) -> None:
        """End the worker."""
        self._transport.end()


def _may_ask(spec: StepSpec, inputs: Mapping[str, Any], type_slug: str, name: str) -> bool:
    """Whether a step may ask for a block: any code beside the step can write what looks like its question.

    Only a step that takes the run's context can ask at all. Of those that come with stepengine only `pull_with_block`
    does, for the block that its inputs name.
    """
    if spec.is_built_in:
        return (type_slug, name) == (inputs.get("block_type_slug"), inputs.get("block_document_name"))
    return bool(spec.context)

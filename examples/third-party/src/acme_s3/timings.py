"""A listener: where the variable ACME_TIMINGS names a file, it gets a line for each step that ran."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepengine.plugin import Event, Listener, StepFinished

if TYPE_CHECKING:
    from collections.abc import Iterator


def stepengine_listeners() -> Iterator[Listener]:
    """Give the listener, where a file is named."""
    import os

    path = os.environ.get("ACME_TIMINGS")
    if not path:
        return

    def listen(event: Event) -> None:
        if isinstance(event, StepFinished):
            with open(path, "a", encoding="utf-8") as file:
                print(f"{event.step.label}\t{event.result.status}\t{event.result.duration_s:.3f}", file=file)

    yield listen

"""The records that hook plugins give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from stepengine.events import Listener


class ReferenceSource(Record):
    """Where references of a namespace find their values.

    Attributes:
        namespace: "prefect.blocks" or "prefect.variables".
        description: Where it looks, in a few words, for messages.
        lookup: Takes the path after the namespace, `(type slug, name)` for a block and `(name,)` for a variable, and
            gives its value. Raises LookupError where it has none, TemplateError where it cannot tell. A value is asked
            for once in a run, however many references there are to it.
        names: Gives what there is, as such paths, for suggestions.
    """

    namespace: str
    description: str
    lookup: Callable[[tuple[Any, ...]], Any]
    names: Callable[[], list[tuple[str, ...]]]


class Reporter(Record):
    """A way to tell of a run.

    Attributes:
        name: What `--format` selects it by.
        start: Takes the output stream, and gives the callable that takes every event of the run.
    """

    name: str
    start: Callable[[TextIO], Listener]

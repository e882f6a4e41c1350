"""What an author says of a step beyond its signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Literal

    Phase = Literal["deployer", "worker"]

PHASES = (None, "deployer", "worker")
"""What a step may say of the side that it makes sense on."""


class StepOptions(Record):
    """What `step` records of a function, under its attribute `__step__`.

    Attributes:
        outputs: The names of its outputs; None where they are not known before it ran.
        phase: "deployer" or "worker" where it makes sense on one side alone.
        provides: The distribution and version whose step of the same name it stands for, as `name==version`.
        deprecated: Names that still work, and say once by which name to replace them.
        check: Finds what types cannot tell of the inputs that a file gives; returns one line each, shown as warnings
            before anything runs. It gets the inputs as the file has them: references are not resolved (a text may hold
            `{{ ... }}`, an input may be missing), and it must neither fail on them nor do or read anything else.
        libraries: The pure-Python packages beyond the standard library that it imports, its own not counted. Where they
            are given, be they none, an installed step goes with them and its own package into the container that a pull
            rehearsal runs in; where they are None, the image must have the step.
    """

    outputs: tuple[str, ...] | None = None
    phase: Phase | None = None
    provides: str | None = None
    deprecated: tuple[str, ...] = ()
    check: Callable[[Mapping[str, Any]], Iterable[str]] | None = None
    libraries: tuple[str, ...] | None = None

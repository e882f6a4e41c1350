"""What an author says of a step beyond its signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Literal

    Phase = Literal["deployer", "worker"]
    Touch = Literal["directory", "environment", "files", "network", "engine", "packages", "programs"]

PHASES = (None, "deployer", "worker")
"""What a step may say of the side that it makes sense on."""

TOUCHES: dict[Touch, str] = {
    "directory": "the working directory of the steps after it",
    "environment": "the environment variables of the steps after it",
    "files": "files that it writes",
    "network": "other machines",
    "engine": "a container engine and its images",
    "packages": "the packages of a Python environment",
    "programs": "whatever the programs touch that it starts",
}
"""What a step may say that it touches, beyond the outputs that it returns; in words."""


class StepOptions(Record):
    """What `step` records of a function, under its attribute `__step__`.

    Attributes:
        outputs: The names of its outputs. Where they are None they are those of the return annotation, if that names a
            dataclass, or a TypedDict all of whose keys are required; else they are not known before it ran.
        phase: "deployer" or "worker" where it makes sense on one side alone.
        provides: The distribution and version whose step of the same name it stands for, as `name==version`.
        deprecated: Names that still work, and say once by which name to replace them.
        check: Finds what types cannot tell of the inputs that a file gives; returns one line each, shown as warnings
            before anything runs. It gets the inputs as the file has them: references are not resolved (a text may hold
            `{{ ... }}`, an input may be missing), and it must neither fail on them nor do or read anything else.
        libraries: The pure-Python packages beyond the standard library that it imports, its own not counted. Where they
            are given, be they none, an installed step goes with them and its own package into the container that a pull
            rehearsal runs in; where they are None, the image must have the step.
        touches: What it changes or talks to, in the words of `TOUCHES`: "directory", "environment", "files", "network",
            "engine", "packages", "programs"; empty where it only computes, None where it is not known.
    """

    outputs: tuple[str, ...] | None = None
    phase: Phase | None = None
    provides: str | None = None
    deprecated: tuple[str, ...] = ()
    check: Callable[[Mapping[str, Any]], Iterable[str]] | None = None
    libraries: tuple[str, ...] | None = None
    touches: tuple[str, ...] | None = None

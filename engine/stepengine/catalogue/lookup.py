"""How step names are looked up, and what is said of one that stands for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from stepengine.catalogue.spec import StepSpec
    from stepengine.entry_points import EntryPoint


class NotFound(Record):
    """Why a step name stands for nothing here.

    Attributes:
        message: One line.
        hint: What to do.
        is_certain: False where another place (the image, an installed requirement) may still know the name.
    """

    message: str
    hint: str
    is_certain: bool


def two_providers(name: str, providers: Iterable[EntryPoint]) -> NotFound:
    """Say that several distributions register a step name."""
    who = " and ".join(dict.fromkeys(each.distribution for each in providers))
    return NotFound(f"the step {name} has two providers: {who}", "uninstall one of them", is_certain=True)


class Catalogue(Protocol):
    """Where step names are looked up; see `stepengine.catalogue.registry` for the real one."""

    def find(self, name: str, requires: Sequence[str] = ()) -> StepSpec | NotFound:
        """Give what a step name stands for, where the step has these requirements."""

    def requirements_of(self, name: str, requires: tuple[str, ...]) -> tuple[str, ...]:
        """Give the requirements that a step has, of those that are written."""


class Offered(Protocol):
    """What plugins add beside steps; asked only where a file may mean it."""

    def namespaces(self) -> Collection[str]:
        """Give the namespaces of references."""

    def builders(self) -> Collection[str]:
        """Give the names of the builders of images."""


class NothingOffered:
    """No plugins."""

    @staticmethod
    def namespaces() -> Collection[str]:
        """Give no namespaces."""
        return ()

    @staticmethod
    def builders() -> Collection[str]:
        """Give no builders."""
        return ()

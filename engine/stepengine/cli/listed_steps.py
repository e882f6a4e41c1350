"""The steps that `stepengine steps list` has: installed ones, the project's own, and those of its environments."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from stepengine.catalogue.registry import Registry
from stepengine.catalogue.spec import StepSpec
from stepengine.cli.known_steps import uses_of
from stepengine.cli.project import near_file, read_document, warn_on_stderr
from stepengine.cli.provisioning import Provisioning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepengine.entry_points import EntryPoint


def list_steps(directory: str, entry_points: list[EntryPoint]) -> list[StepSpec]:
    """Give the steps that there are, old names left out.

    Args:
        directory: The one that the command was started in; where a prefect.yaml is near, the file's counts.
        entry_points: Those of all distributions.
    """
    path = near_file()
    if path is not None:
        directory = os.path.dirname(os.path.abspath(path))
    registry = Registry(directory, entry_points, Provisioning(directory).decide)
    there: list[tuple[str, tuple[str, ...]]] = [(name, ()) for name in (*registry.names(), *_own_names(directory))]
    used = [] if path is None else [each for each in _used_names(path, registry) if each not in there]
    found: dict[str, StepSpec] = {}
    for name, requires in (*there, *used):
        spec = registry.find(name, requires)
        if not isinstance(spec, StepSpec):
            if (name, requires) in there:
                warn_on_stderr(spec.message)
        elif not spec.is_deprecated:
            found.setdefault(name, spec)
    return list(found.values())


def _own_names(directory: str) -> Iterator[str]:
    """Give the dotted names of the functions beside a file that `@step` marks; nothing of the modules runs."""
    from stepengine.catalogue.source import find_marked

    for entry in sorted(os.listdir(directory)):
        module, extension = os.path.splitext(entry)
        if extension != ".py" or not module.isidentifier():
            continue
        try:
            with open(os.path.join(directory, entry), "rb") as file:
                yield from (f"{module}.{name}" for name in find_marked(file.read()))
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
            warn_on_stderr(f"{entry} cannot be read: {' '.join(str(error).split())}")


def _used_names(path: str, registry: Registry) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Give the names that a file uses, and those that the environments of its requirements register."""
    document = read_document(path)
    if document.root is None:
        return
    for name, sets in uses_of(document.root).items():
        for requires in sets:
            yield name, requires
            yield from ((other, requires) for other in registry.names_for(requires))

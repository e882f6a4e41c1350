"""The steps that a file can use, with what is told of them: registered ones, and those that it names besides."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from stepengine.catalogue.input_types import with_builders
from stepengine.catalogue.registry import Registry
from stepengine.catalogue.spec import StepSpec, unreadable_spec
from stepengine.cli.project import warn_on_stderr
from stepengine.cli.provisioning import Provisioning
from stepengine.document.nodes import Mapping, Node, Sequence
from stepengine.hooks.manager import Hooks
from stepengine.model import SECTIONS
from stepengine.schema.steps import SchemaStep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepengine.catalogue.lookup import NotFound
    from stepengine.document.parser import Document
    from stepengine.entry_points import EntryPoint

    Uses = dict[str, dict[tuple[str, ...], None]]


def known_steps(directory: str, entry_points: list[EntryPoint], document: Document | None) -> list[SchemaStep]:
    """Give the registered steps, and those that a file names besides.

    Args:
        directory: The file's, whose modules may be steps.
        entry_points: Those of all distributions.
        document: The file; None for registered steps alone.
    """
    from stepengine.catalogue.docstrings import docstring_of, output_meanings

    registry = Registry(directory, entry_points, Provisioning(directory).decide)
    hooks = Hooks(entry_points, os.environ, directory, warn_on_stderr)
    uses = {} if document is None or document.root is None else uses_of(document.root)
    registered = registry.names()
    steps = []
    for name in dict.fromkeys([*registered, *uses]):
        spec = _spec_of(registry, name, uses.get(name, {}), is_registered=name in registered)
        if spec is not None:
            told = docstring_of(spec, directory)
            spec = _with_builders(spec, hooks)
            steps.append(SchemaStep(spec, told.entries, output_meanings(spec, told, directory)))
    return steps


def _with_builders(spec: StepSpec, hooks: Hooks) -> StepSpec:
    """Have the inputs that name a builder take those that plugins add."""
    if not any("BuilderName" in each.annotation for each in spec.inputs or ()):
        return spec
    builders = hooks.builders()
    inputs = (each._replace(annotation=with_builders(each.annotation, builders)) for each in spec.inputs or ())
    return spec._replace(inputs=tuple(inputs))


def find_used_step(
    name: str, directory: str, entry_points: list[EntryPoint], document: Document
) -> StepSpec | NotFound | None:
    """Give what a step name stands for in a file, be that in an isolated environment; None where it does not use it.

    Args:
        name: It.
        directory: The file's.
        entry_points: Those of all distributions.
        document: The file.
    """
    uses = {} if document.root is None else uses_of(document.root)
    if name not in uses:
        return None
    registry = Registry(directory, entry_points, Provisioning(directory).decide)
    return registry.find(name, next(iter(uses[name])))


def _spec_of(
    registry: Registry, name: str, uses: dict[tuple[str, ...], None], *, is_registered: bool
) -> StepSpec | None:
    """Give a step as a file uses it; one that takes anything where it is another for each of several requirements."""
    found = [registry.find(name, requires) for requires in uses or [()]]
    specs = [each for each in found if isinstance(each, StepSpec)]
    if not uses and not specs:
        for each in found:
            warn_on_stderr(getattr(each, "message", name))
    if not specs:
        return unreadable_spec(name, f":{name}") if uses and is_registered else None
    is_one = len(specs) == len(found) and all(spec == specs[0] for spec in specs)
    return specs[0] if is_one else unreadable_spec(name, f":{name}", distribution=specs[0].distribution)


def uses_of(root: Node) -> Uses:
    """Give the names of the steps that a file uses, each with the requirements that it is used with."""
    uses: Uses = {}
    deployments = root.get("deployments") if isinstance(root, Mapping) else None
    for owner in (root, *(deployments.items if isinstance(deployments, Sequence) else ())):
        for item in _entries(owner):
            for name, _, inputs in item.items():
                if isinstance(name, str):
                    uses.setdefault(name, {})[_requirements(inputs)] = None
    return uses


def _entries(owner: Node) -> Iterator[Mapping]:
    """Give the entries of the sections of a file or of a deployment."""
    for section in SECTIONS if isinstance(owner, Mapping) else ():
        found = owner.get(section) if isinstance(owner, Mapping) else None
        for item in found.items if isinstance(found, Sequence) else [found]:
            if isinstance(item, Mapping):
                yield item


def _requirements(inputs: Node) -> tuple[str, ...]:
    """Give the requirements that a step is looked up with: none where one of them is malformed, as in validation."""
    from stepengine.catalogue.requirements import requirement_problem

    node = inputs.get("requires") if isinstance(inputs, Mapping) else None
    value = None if node is None else node.value
    values = value if isinstance(value, list) else [value]
    texts = tuple(each for each in values if isinstance(each, str) and each.strip())
    return () if any(requirement_problem(each) for each in texts) else texts

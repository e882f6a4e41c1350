"""`stepengine schema`."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from stepengine.catalogue.registry import Registry
from stepengine.catalogue.spec import StepSpec
from stepengine.cli.output import own_stdout
from stepengine.cli.project import current_directory, find_file, read_document, warn_on_stderr
from stepengine.cli.validate import Checked, check_files
from stepengine.document.nodes import Mapping, Node, Sequence
from stepengine.entry_points import find_entry_points
from stepengine.errors import UsageError
from stepengine.model import SECTIONS
from stepengine.schema.steps import SchemaStep

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from stepengine.document.parser import Document
    from stepengine.entry_points import EntryPoint


def schema(options: argparse.Namespace) -> int:
    """Print the JSON Schema of prefect.yaml, or check files by it.

    Returns:
        0; 2 where a file that is checked has an error.

    Raises:
        UsageError: a file cannot be read, or several are named and none is to be checked.
        RequirementError: the library that checks is not installed.
    """
    if options.check:
        return _check(options)
    if len(options.file) > 1:
        raise UsageError("a schema is of one file", hint="name one FILE, or add --check to check several")
    output = own_stdout()
    from stepengine.schema.document import make_schema

    path = find_file(options.file[0]) if options.file else _near_file()
    document = None if path is None else read_document(path)
    if document is not None and not document.parsed:
        warn_on_stderr(f"{path} is no YAML: the schema knows the registered steps alone")
    directory = current_directory() if path is None else os.path.dirname(os.path.abspath(path))
    steps = known_steps(directory, find_entry_points(), document)
    output.write(json.dumps(make_schema(steps), indent=2, ensure_ascii=False) + "\n")
    output.flush()
    return 0


def _check(options: argparse.Namespace) -> int:
    from stepengine.schema.check import SchemaChecker

    SchemaChecker(())  # what it lacks is told before any file
    entry_points = find_entry_points()

    def check(path: str) -> Checked:
        document = read_document(path)
        steps = known_steps(os.path.dirname(os.path.abspath(path)), entry_points, document)
        return Checked(document.source, tuple(SchemaChecker(steps).check(document)))

    return check_files(options, check)


def _near_file() -> str | None:
    """Give the prefect.yaml here or in the nearest parent, where there is one."""
    try:
        return find_file(None)
    except UsageError:
        return None


def known_steps(directory: str, entry_points: list[EntryPoint], document: Document | None) -> list[SchemaStep]:
    """Give the registered steps, and those that a file names besides.

    Args:
        directory: The file's, whose modules may be steps.
        entry_points: Those of all distributions.
        document: The file; None for registered steps alone.
    """
    from stepengine.catalogue.docstrings import docstring_of, output_meanings

    registry = Registry(directory, entry_points)
    registered = registry.names()
    names = dict.fromkeys(registered)
    if document is not None and document.root is not None:
        names.update(dict.fromkeys(_used_names(document.root)))
    steps = []
    for name in names:
        spec = registry.find(name)
        if not isinstance(spec, StepSpec):
            if name in registered:
                warn_on_stderr(spec.message)
            continue
        told = docstring_of(spec, directory)
        steps.append(SchemaStep(spec, told.entries, output_meanings(spec, told, directory)))
    return steps


def _used_names(root: Node) -> Iterator[str]:
    """Give the names of the steps that a file uses, in its own sections and in those of its deployments."""
    deployments = root.get("deployments") if isinstance(root, Mapping) else None
    owners = [root, *(deployments.items if isinstance(deployments, Sequence) else ())]
    for owner in owners:
        for section in SECTIONS if isinstance(owner, Mapping) else ():
            found = owner.get(section) if isinstance(owner, Mapping) else None
            for item in found.items if isinstance(found, Sequence) else [found]:
                if isinstance(item, Mapping):
                    yield from (name for name, _, _ in item.items() if isinstance(name, str))

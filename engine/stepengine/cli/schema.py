"""`stepengine schema`."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from stepengine.cli.known_steps import known_steps
from stepengine.cli.output import own_stdout
from stepengine.cli.project import current_directory, find_file, near_file, read_document, warn_on_stderr
from stepengine.cli.validate import Checked, check_files
from stepengine.entry_points import find_entry_points
from stepengine.errors import UsageError

if TYPE_CHECKING:
    import argparse


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

    path = find_file(options.file[0]) if options.file else near_file()
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

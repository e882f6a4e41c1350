"""`stepengine plugin new`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from stepengine.authoring.names import check_name
from stepengine.authoring.scaffold import write_distribution
from stepengine.diagnostics.diagnostic import one_line
from stepengine.errors import UsageError

if TYPE_CHECKING:
    import argparse


def plugin(options: argparse.Namespace) -> int:
    """Write the beginnings of a distribution.

    Returns:
        0.

    Raises:
        UsageError: the name does not do, or a file is there already or cannot be written.
    """
    names = check_name(options.name, _installed())
    if options.directory == "":
        raise UsageError("an empty name names no directory", hint="leave it out, or write . for this one")
    directory = names.distribution if options.directory is None else options.directory
    files = write_distribution(names, directory)
    told = one_line(os.path.normpath(directory))
    lines = [f"wrote {names.distribution} into {told}:", *(f"  {file}" for file in files)]
    commands = ["python3 -m pip install -e '.[dev]'", "pytest"]
    if told != os.curdir:
        import shlex

        commands.insert(0, f"cd {shlex.quote(told)}")
    lines += ["next:", *(f"  {command}" for command in commands)]
    sys.stderr.write("\n".join(lines) + "\n")
    return 0


def _installed() -> set[str]:
    from importlib_metadata import distributions
    from packaging.utils import canonicalize_name

    return {canonicalize_name(name) for each in distributions() if (name := each.metadata["Name"])}

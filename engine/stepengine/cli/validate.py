"""`stepengine validate`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from stepengine.cli.output import as_diagnostic, own_stdout, show_error, write_document
from stepengine.cli.project import FILE_NAME, find_file, open_project
from stepengine.diagnostics.text import render_diagnostic
from stepengine.errors import UsageError
from stepengine.terminal import style_for

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from stepengine.diagnostics.diagnostic import Diagnostic
    from stepengine.document.nodes import Source
    from stepengine.model import ProjectFile


def validate(options: argparse.Namespace) -> int:
    """Show all problems of some files.

    Returns:
        0 where no file has an error, else 2.
    """
    output = own_stdout() if options.format == "json" else None
    reports = []
    valid = True
    for named in options.file or [None]:
        try:
            file = open_project(find_file(named)).file
        except UsageError as error:
            valid = False
            show_error(error)
            found = {"file": named or FILE_NAME, "valid": False, "diagnostics": [as_diagnostic(error)]}
            reports.append(found)
            continue
        valid = valid and file.is_valid
        if options.format == "json":
            reports.append(_as_json(file))
        else:
            show_diagnostics(file.diagnostics, file.source, errors_only=options.quiet)
            _summary(file, quiet=options.quiet)
    if output is not None:
        write_document(output, {"files": reports})
    return 0 if valid else UsageError.exit_code


def show_diagnostics(diagnostics: Iterable[Diagnostic], source: Source, *, errors_only: bool = False) -> None:
    """Write problems of a file to standard error."""
    style = style_for(sys.stderr, os.environ)
    for found in diagnostics:
        if not errors_only or found.severity == "error":
            sys.stderr.write(render_diagnostic(found, source, style) + "\n")


def _summary(file: ProjectFile, *, quiet: bool) -> None:
    errors = sum(found.severity == "error" for found in file.diagnostics)
    warnings = len(file.diagnostics) - errors
    counts = [
        f"{count} {word}{'' if count == 1 else 's'}"
        for count, word in ((errors, "error"), (warnings, "warning"))
        if count
    ]
    if not quiet or errors:
        sys.stderr.write(f"{file.source.name}: {', '.join(counts) or 'no problems'}\n")


def _as_json(file: ProjectFile) -> dict[str, Any]:
    return {
        "file": file.source.name,
        "valid": file.is_valid,
        "diagnostics": [found._asdict() for found in file.diagnostics],
    }

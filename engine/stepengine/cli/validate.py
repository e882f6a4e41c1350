"""`stepengine validate`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from stepengine.cli.output import as_diagnostic, own_stdout, show_error, write_document
from stepengine.cli.project import FILE_NAME, find_file, open_project
from stepengine.diagnostics.text import render_diagnostic
from stepengine.errors import UsageError
from stepengine.records import Record
from stepengine.terminal import style_for

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable

    from stepengine.diagnostics.diagnostic import Diagnostic
    from stepengine.document.nodes import Source


def validate(options: argparse.Namespace) -> int:
    """Show all problems of some files.

    Returns:
        0 where no file has an error, else 2.
    """

    def check(path: str) -> Checked:
        file = open_project(path).file
        return Checked(file.source, file.diagnostics)

    return check_files(options, check)


class Checked(Record):
    """A file's text and all of its problems."""

    source: Source
    diagnostics: tuple[Diagnostic, ...]

    @property
    def is_valid(self) -> bool:
        """Whether it has no error; warnings do not count."""
        return not any(found.severity == "error" for found in self.diagnostics)


def check_files(options: argparse.Namespace, check: Callable[[str], Checked]) -> int:
    """Show the problems of the files that the command line names.

    Args:
        options: `file`, `format` and `quiet`.
        check: Finds the problems of the file of a path.

    Returns:
        0 where no file has an error, else 2.
    """
    output = own_stdout() if options.format == "json" else None
    reports = []
    valid = True
    for named in options.file or [None]:
        try:
            file = check(find_file(named))
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


def _summary(file: Checked, *, quiet: bool) -> None:
    errors = sum(found.severity == "error" for found in file.diagnostics)
    warnings = len(file.diagnostics) - errors
    counts = [
        f"{count} {word}{'' if count == 1 else 's'}"
        for count, word in ((errors, "error"), (warnings, "warning"))
        if count
    ]
    if not quiet or errors:
        sys.stderr.write(f"{file.source.name}: {', '.join(counts) or 'no problems'}\n")


def _as_json(file: Checked) -> dict[str, Any]:
    return {
        "file": file.source.name,
        "valid": file.is_valid,
        "diagnostics": [found._asdict() for found in file.diagnostics],
    }

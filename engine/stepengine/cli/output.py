"""Standard output as a command uses it: kept for the document, and what becomes of it where it cannot be written."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING, Any

from stepengine.cli.masks import process_secrets
from stepengine.errors import UsageError
from stepengine.result import Failure, RunResult

if TYPE_CHECKING:
    from typing import TextIO

    from stepengine.diagnostics.diagnostic import Diagnostic
    from stepengine.errors import StepEngineError

_OUTPUT_ERRORS = {
    number
    for name in ("EBADF", "EDQUOT", "EFBIG", "EIO", "ENOSPC", "ENXIO")
    if (number := getattr(errno, name, None)) is not None
}

_kept: list[TextIO] = []


def own_stdout() -> TextIO:
    """Keep standard output for the document: what steps and modules print goes to standard error, by Python or not."""
    sys.stdout.flush()
    output = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", newline="\n")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    _kept.append(output)
    return output


def own_stderr() -> TextIO:
    """Keep standard error for what is told of a run: what steps print meanwhile is taken, and told with the rest."""
    sys.stderr.flush()
    encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
    output = os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding=encoding, errors="backslashreplace")
    _kept.append(output)
    return output


def write_document(output: TextIO, document: dict[str, Any]) -> None:
    """Write a JSON document without secrets."""
    import json

    output.write(json.dumps(process_secrets().mask_data(document), indent=2, default=str) + "\n")
    output.flush()


def failed_run(message: str, where: str, hint: str) -> dict[str, Any]:
    """Give the document of a run in which nothing ran."""
    return RunResult("failed", (), (), Failure(message, where, hint)).as_json()


def interrupted_run() -> dict[str, Any]:
    """Give the document of a run that was interrupted before its first step."""
    return RunResult("interrupted", (), (), Failure("interrupted before the first step", "", "")).as_json()


def failed_plan(file: str, diagnostics: list[dict[str, Any]]) -> dict[str, Any]:
    """Give the document of a plan that could not be made."""
    return {"file": file, "sections": [], "pipelines": [], "diagnostics": diagnostics}


def refused_run(file: str, diagnostics: list[Diagnostic]) -> dict[str, Any]:
    """Give the document of a run that a file's first error kept from starting."""
    first = next(found for found in diagnostics if found.severity == "error")
    return failed_run(first.message, f"{file}:{first.line}:{first.column}", first.hint)


def as_diagnostic(error: StepEngineError) -> dict[str, Any]:
    """Give an error as a problem of a file; at its start where it is at no place of it."""
    parts = error.where.rsplit(":", 2)
    line, column = parts[1:] if len(parts) == 3 and parts[1].isdigit() and parts[2].isdigit() else ("1", "1")  # noqa: PLR2004
    return {
        "severity": "error",
        "code": getattr(error, "code", UsageError.code),
        "message": error.message,
        "line": int(line),
        "column": int(column),
        "hint": error.hint,
    }


def show_error(error: StepEngineError) -> None:
    """Write an error to standard error: what, where, what to do."""
    from stepengine.diagnostics.diagnostic import one_line
    from stepengine.terminal import style_for

    style = style_for(sys.stderr, os.environ)
    lines = [f"{style.red('error')}: {one_line(error.message)}"]
    if error.where:
        lines.append(f"  at {error.where}")
    if error.hint:
        lines.append(f"  {style.dim('help:')} {error.hint}")
    sys.stderr.write("\n".join(lines) + "\n")


def is_output_error(error: OSError) -> bool:
    """Whether an error is one of writing to a stream: a full device, for example; errors of files have their names."""
    return error.filename is None and error.errno in _OUTPUT_ERRORS


def flush_output() -> OSError | None:
    """Flush what is left, and give the error where it cannot be; Python must not try again at its end."""
    failed = None
    for stream in (*_kept, sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            failed = failed or error
            _discard(stream)
        except (ValueError, AttributeError):  # closed by a step, or taken away
            continue
    return failed


def _discard(stream: TextIO) -> None:
    """Send a stream's rest nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
    stream.flush()

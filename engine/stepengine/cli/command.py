"""The frame of every command: signals, errors, and what becomes of a bug."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

from stepengine.cli.interruption import ignore_signals, take_signals
from stepengine.cli.masks import mask, mask_streams
from stepengine.cli.output import flush_output, is_output_error, show_error
from stepengine.errors import INTERRUPTED, StepEngineError, StepError, tell_exception

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

BUG = 3
BROKEN_PIPE = 141
"""128 + SIGPIPE, as the shell tells of programs that it ended."""


def run_command(arguments: Sequence[str]) -> int:
    """Run a command of the command line.

    Args:
        arguments: Without the program's name.

    Returns:
        The exit code.
    """
    # A terminal or a file that knows ASCII alone gets what it can show, rather than nothing.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    mask_streams()
    try:
        code = _guarded(list(arguments))
    except OSError as error:  # the error itself could not be told
        code = _tell_output_error(error)
    ignore_signals()
    failed = flush_output()
    return _tell_output_error(failed) if failed is not None and code in (0, BROKEN_PIPE) else code


def _guarded(arguments: list[str]) -> int:
    try:
        return _dispatch(arguments)
    except StepEngineError as error:
        show_error(error)
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    except BrokenPipeError as error:
        return _tell_output_error(error)
    except OSError as error:
        return _tell_output_error(error) if is_output_error(error) else _report_bug(error)
    except BaseException as error:  # noqa: BLE001 - a bug of ours, whatever it is: a traceback at a user would be another
        return _report_bug(error)


def _tell_output_error(error: OSError) -> int:
    """Say that the output could not be written; nothing where who read it has gone: nobody is left to tell."""
    flush_output()
    if isinstance(error, BrokenPipeError):
        return BROKEN_PIPE
    try:
        sys.stderr.write(f"error: the output cannot be written: {error.strerror}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        flush_output()
    return StepError.exit_code


def _dispatch(arguments: list[str]) -> int:
    from stepengine.cli.arguments import parse_arguments

    options = parse_arguments(arguments)
    if isinstance(options, int):
        return options
    take_signals()
    if options.command == "run":
        from stepengine.cli.run import run
    elif options.command == "plan":
        from stepengine.cli.plan import plan as run
    elif options.command == "validate":
        from stepengine.cli.validate import validate as run
    elif options.command == "lock":
        from stepengine.cli.lock import lock as run
    elif options.command == "env":
        from stepengine.cli.env import env as run
    elif options.command == "schema":
        from stepengine.cli.schema import schema as run
    elif options.command == "plugin":
        from stepengine.cli.plugin import plugin as run
    else:
        return _find_listing(options.command)(options)
    return run(options)


def _find_listing(command: str) -> Callable[[argparse.Namespace], int]:
    """Give what lists what there is, or begins with a part of it."""
    if command == "init":
        from stepengine.cli.init import init as run
    elif command == "recipes":
        from stepengine.cli.recipes import recipes as run
    else:
        from stepengine.cli.steps import steps as run
    return run


def _report_bug(error: BaseException) -> int:
    """Put the traceback into a file that only its owner reads, and say where it is."""
    import platform
    import tempfile
    import traceback

    from stepengine import __version__

    told = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    try:
        descriptor, path = tempfile.mkstemp(prefix="stepengine-bug-", suffix=".log")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"stepengine {__version__}, Python {platform.python_version()}, {platform.platform()}\n\n")
            file.write(mask(told))
    except OSError as unwritable:
        sys.stderr.write(
            f"error: a bug in stepengine: {tell_exception(error)}\n"
            f"  help: please report it; set TMPDIR to a directory for the details ({unwritable.strerror})\n"
        )
        return BUG
    sys.stderr.write(
        f"error: a bug in stepengine; the details are in {path}\n  help: please report it, with that file\n"
    )
    return BUG

"""The frame of every command: signals, errors, and what becomes of a bug."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from stepengine.errors import Interrupted, StepEngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    signal.signal(signal.SIGTERM, _terminated)
    try:
        return _dispatch(list(arguments))
    except StepEngineError as error:
        show_error(error)
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return Interrupted.exit_code
    except BrokenPipeError:
        # Who read the output has gone: nobody is left to tell, and Python must not try to at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception:  # noqa: BLE001 - a bug of ours, whatever it is: a traceback at a user would be another
        return _report_bug()
    finally:
        _flush()


def _dispatch(arguments: list[str]) -> int:
    from stepengine.cli.arguments import parse_arguments

    options = parse_arguments(arguments)
    if isinstance(options, int):
        return options
    if options.command == "run":
        from stepengine.cli.run import run
    elif options.command == "plan":
        from stepengine.cli.plan import plan as run
    elif options.command == "validate":
        from stepengine.cli.validate import validate as run
    else:
        from stepengine.cli.steps import steps as run
    return run(options)


def _terminated(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (BrokenPipeError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1 if stream is sys.stdout else 2)


def show_error(error: StepEngineError) -> None:
    """Write an error to standard error: what, where, what to do."""
    from stepengine.cli.masks import mask
    from stepengine.terminal import style_for

    style = style_for(sys.stderr, os.environ)
    lines = [f"{style.red('error')}: {error.message}"]
    if error.where:
        lines.append(f"  at {error.where}")
    if error.hint:
        lines.append(f"  {style.dim('help:')} {error.hint}")
    sys.stderr.write(mask("\n".join(lines)) + "\n")


def _report_bug() -> int:
    """Put the traceback into a file that only its owner reads, and say where it is."""
    import platform
    import tempfile
    import traceback

    from stepengine import __version__
    from stepengine.cli.masks import mask

    descriptor, path = tempfile.mkstemp(prefix="stepengine-bug-", suffix=".log")
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"stepengine {__version__}, Python {platform.python_version()}, {platform.platform()}\n\n")
        file.write(mask(traceback.format_exc()))
    sys.stderr.write(
        f"error: a bug in stepengine; the details are in {path}\n  help: please report it, with that file\n"
    )
    return BUG

"""Why a command of a script could not be started."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from stepengine.plugin import StepError
from stepengine_steps._shell_syntax import USE_SHELL
from stepengine_steps.shell import SHELL_WORDS

if TYPE_CHECKING:
    from stepengine.plugin import Context


def explain(
    error: OSError | ValueError, place: str, program: str, directory: str | None, context: Context
) -> StepError:
    """Say what is in the way of a program, and the remedy.

    Args:
        error: What starting it raised.
        place: Where in the script it is, for the message.
        program: What was to be started, as it was named.
        directory: The step's input.
        context: The run.
    """
    where = context.resolve(directory) if directory else context.directory
    if not os.path.isdir(where):
        what = "is no directory" if os.path.exists(where) else "does not exist"
        return StepError(f"cannot run in {directory or where}: it {what}", hint="check the input `directory`")
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.ENOENT, errno.ENOTDIR):
        return _missing(place, program, where, context)
    if number == errno.EACCES and os.path.isdir(os.path.join(where, program)):
        what, hint = "is a directory, not a program", ""
    elif number == errno.EACCES:
        what = "may not be executed"
        hint = f"make it executable (chmod +x {program}), or name its interpreter (sh {program})"
    elif number == errno.ENOEXEC:
        what = "is no program that this system can run"
        hint = f"begin it with a line like #!/bin/sh, or name its interpreter (sh {program})"
    elif number == errno.E2BIG:
        what, hint = "is given more than this system allows", "pass long text in a file"
    else:
        what, hint = f"cannot be started: {error}", ""
    return StepError(f"{place}{program} {what}", hint=hint)


def _missing(place: str, program: str, where: str, context: Context) -> StepError:
    if os.sep in program:
        return _missing_path(place, program, os.path.join(where, program))
    if program in SHELL_WORDS or program.startswith("#"):
        return StepError(f"{place}{program} is no program: only a shell knows it", hint=USE_SHELL)
    name, assigns, _ = program.partition("=")
    if assigns and name.isidentifier():
        return StepError(
            f"{place}{name}=... is no program", hint=f"set {name} by the input `env`, or add `shell: true`"
        )
    if os.path.isfile(os.path.join(where, program)):
        return StepError(f"{place}command not found: {program}", hint=f"did you mean ./{program}?")
    near = _near_miss(program, context.environ.get("PATH", os.defpath))
    hint = f"did you mean {near}?" if near else "install it, or add its directory to PATH (the input `env`)"
    return StepError(f"{place}command not found: {program}", hint=hint)


def _missing_path(place: str, program: str, path: str) -> StepError:
    if not os.path.exists(path):
        return StepError(f"{place}{program} does not exist", hint="check the path and the input `directory`")
    with open(path, "rb") as file:
        interpreter = file.readline(256).rstrip(b"\n").decode("utf-8", "replace")
    if interpreter.endswith("\r"):
        hint = "save it with Unix line ends: the first one is Windows' (CRLF)"
    else:
        hint = f"install what its first line names: {interpreter}"
    return StepError(f"{place}the interpreter of {program} does not exist", hint=hint)


def _near_miss(program: str, search_path: str) -> str | None:
    import difflib

    names: set[str] = set()
    for directory in search_path.split(os.pathsep):
        if os.path.isdir(directory) and os.access(directory, os.R_OK):
            names.update(os.listdir(directory))
    close = difflib.get_close_matches(program, sorted(names), n=1, cutoff=0.75)
    return close[0] if close else None

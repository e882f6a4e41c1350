"""Run commands, or a script in a shell."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from stepengine.plugin import Context, StepError, step

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from stepengine.plugin import Completed
    from stepengine_steps._shell_syntax import ShellSyntax

OUTPUT_LINES = 20
"""How many lines of a failed program's output an error shows."""

_RESERVED = "if then elif else fi for while until do done case esac select function { } ! [["
_BUILTINS = """
. : alias bg break builtin cd command continue declare disown eval exec exit export fg hash jobs let local popd pushd
read readonly return set shift shopt source trap type typeset ulimit umask unalias unset wait
"""
SHELL_WORDS = frozenset((_RESERVED + _BUILTINS).split())
"""What only a shell knows where it begins a command: reserved words and builtins (POSIX 2.4 and 2.14, and bash's)."""

# A script without these that begins no line with one of the words above needs no shell.
_PUNCTUATION = frozenset("|&;<>()$`\\\"'*~#=")
# Without these, words of ASCII text are what whitespace separates.
_QUOTING = frozenset("'\"\\\x0b\x0c\x1c\x1d\x1e\x1f")
_SCRIPT = "STEPENGINE_SCRIPT"
# The script reaches the shell through its environment: an argument would show its secrets to every user of the machine.
_RUN_SCRIPT = f'eval "unset {_SCRIPT};${_SCRIPT}"'


def _syntax(script: str, *, expand_env_vars: bool) -> ShellSyntax | None:
    first_words = (line.split(None, 1)[0] for line in script.splitlines() if line.strip())
    if _PUNCTUATION.isdisjoint(script) and SHELL_WORDS.isdisjoint(first_words):
        return None
    from stepengine_steps._shell_syntax import find_shell_syntax

    return find_shell_syntax(script, expand_env_vars=expand_env_vars)


def _check(inputs: Mapping[str, Any]) -> Iterator[str]:
    script = inputs.get("script")
    if not isinstance(script, str):
        return
    if inputs.get("shell"):
        if "{{" in script:
            yield (
                "what stands for {{ … }} in the script becomes part of its code: give it in the input `env`,"
                ' and write "$NAME"'
            )
        return
    syntax = _syntax(script, expand_env_vars=inputs.get("expand_env_vars", False) is not False)
    if syntax:
        yield f"the script's {syntax.told}, but each line runs as a program of its own: {syntax.remedy}"


@step(
    outputs=["stdout", "stderr"],
    provides="prefect==3.8.8",
    deprecated=["prefect.projects.steps.run_shell_script"],
    check=_check,
    touches=["programs"],
)
def run_shell_script(
    script: str,
    directory: str | None = None,
    env: dict[str, str | float | bool] | None = None,
    stream_output: bool = True,  # noqa: FBT001, FBT002 - Prefect's signature
    expand_env_vars: bool = False,  # noqa: FBT001, FBT002
    shell: bool = False,  # noqa: FBT001, FBT002
    *,
    context: Context,
) -> dict[str, str]:
    """Run each line of a script as a program of its own, or the whole script in a shell.

    On Windows `cmd.exe` (the variable `COMSPEC`) runs each line, because many commands are its own there: its `|`, `>`,
    `&` and `%NAME%` work even without `shell`, values that `expand_env_vars` puts in are code to it, and a line shows
    in its command line.

    Args:
        script: The commands, one a line. Without `shell` there are no pipes, variables, patterns or `cd`: quotes group
            words, and that is all.
        directory: Where they run, relative to the working directory.
        env: Variables added to the environment; numbers and booleans become text.
        stream_output: Whether output is shown while they run.
        expand_env_vars: Whether `$NAME` and `${NAME}` are replaced in each line; an unknown one stays as it is. With
            `shell` this is the shell's work, which does not take a value for code.
        shell: Whether the script is run as one by `/bin/sh` with `set -eu` (Prefect runs each line in a shell of its
            own). On Windows, `cmd.exe` runs its lines joined by `&&`.
        context: The run.

    Returns:
        `stdout` and `stderr`: what all of the commands wrote, stripped.

    Raises:
        StepError: the script cannot be run, or a command failed; those after it did not run.
    """
    if "\0" in script:
        raise StepError("the script holds a null byte", hint="remove the `\\0` from it")
    variables = _variables(env or {})
    stdout: list[str] = []
    stderr: list[str] = []
    environ = {**context.environ, **variables} if expand_env_vars else None
    commands = _whole(script, variables, context) if shell else _lines(script, environ, context)
    for place, shown, args in commands:
        try:
            completed = context.run(args, cwd=directory, env=variables, stream=stream_output)
        except (OSError, ValueError) as error:
            from stepengine_steps._shell_errors import explain

            raise explain(error, place, _program_of(args, context), directory, context) from error
        if completed.returncode:
            syntax = None if shell else _syntax(script, expand_env_vars=expand_env_vars)
            raise _failure(f"{place}{shown}", completed, syntax)
        stdout.append(completed.stdout)
        stderr.append(completed.stderr)
    return {"stdout": "".join(stdout).strip(), "stderr": "".join(stderr).strip()}


def _variables(env: Mapping[Any, Any]) -> dict[str, str]:
    variables = {}
    for name, value in env.items():
        if not isinstance(name, str) or not name or "=" in name or "\0" in name:
            raise StepError(f"env: {name!r} is no name of a variable", hint="use letters, digits and _")
        if value is None:
            raise StepError(f"env: {name} is null", hint='write "" for an empty value, or leave the variable out')
        if isinstance(value, (list, dict)):
            raise StepError(f"env: {name} is a {type(value).__name__}", hint="a variable holds text: quote the value")
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if "\0" in text:
            raise StepError(f"env: the value of {name} holds a null byte", hint="remove the `\\0` from it")
        variables[name] = text
    return variables


def _whole(script: str, variables: dict[str, str], context: Context) -> list[tuple[str, str, Sequence[str] | str]]:
    lines = [line.strip() for line in script.splitlines() if line.strip()]
    if not lines:
        return []
    if os.name == "nt":
        return [("", "the script", _windows_command(" && ".join(lines), context))]
    variables[_SCRIPT] = script
    return [("", "the script", ["/bin/sh", "-euc", _RUN_SCRIPT])]


def _lines(
    script: str, environ: Mapping[str, str] | None, context: Context
) -> list[tuple[str, str, Sequence[str] | str]]:
    """Split a script into commands, all of them before the first is run.

    Returns:
        Of each: its place in the script, for messages; its text; its words, or Windows' command line.
    """
    lines = script.splitlines()
    commands: list[tuple[str, str, Sequence[str] | str]] = []
    for number, line in enumerate(lines, start=1):
        place = f"line {number} of the script: " if len(lines) > 1 else ""
        text = _expand(line, environ) if environ is not None and "$" in line else line
        windows = os.name == "nt" and text.strip()
        args = _windows_command(text.strip(), context) if windows else _split(text, line, place)
        if args:
            commands.append((place, f"`{_shorten(line)}`", args))
    return commands


def _expand(line: str, environ: Mapping[str, str]) -> str:
    from string import Template

    return Template(line).safe_substitute(environ)


def _split(text: str, line: str, place: str) -> list[str]:
    if text.isascii() and _QUOTING.isdisjoint(text):
        return text.split()
    import shlex

    try:
        return shlex.split(text)
    except ValueError as error:
        from stepengine_steps._shell_syntax import USE_SHELL, mask

        what = mask(line).unfinished or "has a quote that is not closed once its variables are expanded"
        raise StepError(f"{place or 'the script '}{what}", hint=USE_SHELL) from error


def _program_of(args: Sequence[str] | str, context: Context) -> str:
    return _windows_shell(context) if isinstance(args, str) else args[0]


def _windows_shell(context: Context) -> str:
    return context.environ.get("COMSPEC") or "cmd.exe"


def _windows_command(line: str, context: Context) -> str:
    # cmd.exe does not split words by the rules that a list is quoted by: with /s it takes what the outer quotes hold.
    return f'{_windows_shell(context)} /d /s /c "{line}"'


def _shorten(line: str, limit: int = 200) -> str:
    line = line.strip()
    return line if len(line) <= limit else f"{line[:limit]}..."


def _failure(what: str, completed: Completed, syntax: ShellSyntax | None) -> StepError:
    hint = f"{syntax.told}: {syntax.remedy}" if syntax else ""
    return StepError(f"{what} {describe_status(completed.returncode)}", hint=hint, output=last_lines(completed))


def describe_status(status: int) -> str:
    """Say in words how a program ended, by its exit status or by the signal that is its negative."""
    if status >= 0:
        return f"exited with status {status}"
    import signal

    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


def last_lines(completed: Completed) -> str:
    """Give the end of what a program wrote; what it wrote to its standard error comes last."""
    text = "\n".join(part for part in (completed.stdout.strip(), completed.stderr.strip()) if part)
    return "\n".join(text.splitlines()[-OUTPUT_LINES:])

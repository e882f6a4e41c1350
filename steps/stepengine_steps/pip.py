"""Install packages that the steps and flows after it need."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from stepengine.plugin import Context, StepError, step

if TYPE_CHECKING:
    from stepengine.plugin import Completed


@step(
    outputs=["stdout", "stderr"],
    provides="prefect==3.8.8",
    touches=["packages", "network"],
    deprecated=["prefect.projects.steps.pip_install_requirements"],
)
def pip_install_requirements(
    directory: str | None = None,
    requirements_file: str = "requirements.txt",
    stream_output: bool = True,  # noqa: FBT001, FBT002 - Prefect's signature
    *,
    context: Context,
) -> dict[str, str]:
    """Install the packages of a requirements file, by uv where it is on PATH, by pip otherwise.

    pip's own configuration counts for uv as well: what its variables and configuration files say of indexes, links,
    constraints and certificates is passed on, unless uv's own variables say otherwise.

    Args:
        directory: Where the file is, relative to the working directory; relative paths in it start there.
        requirements_file: The file; relative to `directory`.
        stream_output: Whether the installer's output is shown while it runs.
        context: The run.

    Returns:
        `stdout` and `stderr`: what the installer wrote, stripped.

    Raises:
        StepError: the file is missing, there is no installer, or it failed.
    """
    from stepengine_steps import _pip

    where = context.resolve(directory) if directory else context.directory
    if not os.path.isdir(where):
        raise StepError(f"the directory {directory or where} does not exist", hint="check the input `directory`")
    if "://" not in requirements_file and not os.path.isfile(os.path.join(where, requirements_file)):
        raise StepError(f"there is no {requirements_file} in {where}", hint=_other_files(where, requirements_file))
    _pip.hide_credentials(where, requirements_file, context)
    args, variables = _pip.installer(requirements_file, context)
    try:
        completed = context.run(args, cwd=where, env=variables, stream=stream_output)
    except OSError as error:
        raise StepError(f"{args[0]} cannot be started: {error.strerror}") from error
    if completed.returncode:
        raise _failure(requirements_file, completed, context.python)
    return {"stdout": completed.stdout.strip(), "stderr": completed.stderr.strip()}


def _other_files(where: str, requirements_file: str) -> str:
    import difflib

    names = [name for name in os.listdir(where) if name.endswith(".txt")]
    close = difflib.get_close_matches(requirements_file, names, n=1)
    return f"did you mean {close[0]}?" if close else "check the inputs `directory` and `requirements_file`"


def _failure(requirements_file: str, completed: Completed, python: str) -> StepError:
    from stepengine_steps._pip import explain
    from stepengine_steps.shell import describe_status, last_lines

    message, hint = explain(completed, python)
    status = describe_status(completed.returncode)
    return StepError(
        f"{requirements_file} was not installed: {message or f'the installer {status}'}",
        hint=hint,
        output=last_lines(completed),
    )

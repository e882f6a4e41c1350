"""Set the directory of the steps that follow."""

from __future__ import annotations

from stepengine.plugin import Context, StepError, step


@step(
    outputs=["directory"],
    provides="prefect==3.8.8",
    deprecated=["prefect.projects.steps.set_working_directory"],
)
def set_working_directory(directory: str, *, context: Context) -> dict[str, str]:
    """Set the working directory of the steps that follow.

    Args:
        directory: The directory, relative to the current one or absolute.
        context: The run.

    Returns:
        `directory`: its absolute path.

    Raises:
        StepError: it does not exist or cannot be entered.
    """
    try:
        return {"directory": context.change_directory(directory)}
    except OSError as error:
        raise StepError(f"cannot enter {directory}: {error.strerror}") from error

"""Set the directory of the steps that follow."""

from __future__ import annotations

from stepengine.plugin import Context, StepError, step


@step(
    outputs=["directory"],
    provides="prefect==3.8.8",
    touches=["directory"],
    deprecated=["prefect.projects.steps.set_working_directory"],
)
def set_working_directory(directory: str, *, context: Context) -> dict[str, str]:
    """Set the working directory of the steps that follow.

    Args:
        directory: The directory, relative to the current one or absolute.
        context: The run.

    Returns:
        `directory`: its absolute path, symbolic links resolved.

    Raises:
        StepError: it does not exist or cannot be entered.
    """
    if not directory or "\0" in directory:
        raise StepError(f"{directory!r} is no directory", hint="name one; the current one is `.`")
    try:
        return {"directory": context.change_directory(directory)}
    except FileNotFoundError as error:
        hint = f"create it, or check the path: relative ones start at {context.directory}"
        raise StepError(f"cannot enter {directory}: it does not exist", hint=hint) from error
    except NotADirectoryError as error:
        raise StepError(f"cannot enter {directory}: it is no directory", hint="name the directory it is in") from error
    except OSError as error:
        raise StepError(f"cannot enter {directory}: {error.strerror}", hint="check its permissions") from error

"""Clone a git repository."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from stepengine.plugin import Context, StepError, step

if TYPE_CHECKING:
    from collections.abc import Mapping


def _check(inputs: Mapping[str, Any]) -> list[str]:
    from stepengine_steps._git.arguments import find_problems

    return find_problems(inputs)


@step(
    outputs=["directory"],
    provides="prefect==3.8.8",
    deprecated=["prefect.projects.steps.git_clone", "prefect.projects.steps.git_clone_project"],
    check=_check,
    libraries=["git", "gitdb", "smmap"],
    touches=["files", "network"],
)
def git_clone(
    repository: str,
    branch: str | None = None,
    commit_sha: str | None = None,
    include_submodules: bool = False,  # noqa: FBT001, FBT002 - the name and order of Prefect's inputs
    access_token: str | None = None,
    credentials: dict[str, Any] | None = None,
    directories: list[str] | None = None,
    clone_directory_name: str | None = None,
    *,
    context: Context,
) -> dict[str, str]:
    """Clone a git repository into the working directory, or update the clone that is there.

    Only the latest commit is fetched. An update keeps what was changed in the clone; it fails where a change is in its
    way.

    Args:
        repository: The repository's URL (https, http, ssh, git, file, `user@host:path`) or path. A path is relative to
            the working directory, which in `pull` is the worker's; a container has no repository of this machine.
        branch: A branch or tag; the default branch where it is not given.
        commit_sha: A commit's hash, of 4 to 64 digits, instead of a branch.
        include_submodules: Whether to clone its submodules, and theirs, with the same credentials where they are on the
            same host. They come by https, http, ssh or git; from a path or a file URL only where the repository is one
            too and the variable GIT_ALLOW_PROTOCOL has `file` in it.
        access_token: A token; also as `user:token`.
        credentials: A credentials block of GitHub, GitLab or Bitbucket, or `username` with `token`, `access_token` or
            `password`.
        directories: The directories to check out; all where none are given.
        clone_directory_name: The directory to clone into; named after the repository and the branch where it is not
            given.
        context: The run.

    Returns:
        `directory`: the clone, relative to the working directory.

    Raises:
        StepError: an input cannot be used; something else is where the clone goes; git failed.
    """
    from stepengine_steps._git.step import Inputs, run

    inputs = Inputs(
        repository=repository,
        branch=branch,
        commit_sha=commit_sha,
        include_submodules=include_submodules,
        access_token=access_token,
        credentials=credentials,
        directories=directories,
        clone_directory_name=clone_directory_name,
    )
    try:
        return {"directory": run(inputs, context)}
    except OSError as error:
        path = error.filename2 or error.filename
        place = f"{os.path.basename(path)}: " if isinstance(path, str) else ""
        raise StepError(
            f"cannot write the clone: {place}{error.strerror}", hint="check the directory's permissions"
        ) from error

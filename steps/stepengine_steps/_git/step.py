"""The step's inputs, checked, and the way from them to a clone."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from stepengine.plugin import Context, StepError
from stepengine_steps._git.arguments import check_branch, check_commit, check_directories, clone_directory
from stepengine_steps._git.checkout import Wanted
from stepengine_steps._git.clone import clone
from stepengine_steps._git.command import Git
from stepengine_steps._git.credentials import Login, find_login
from stepengine_steps._git.update import check_target, update
from stepengine_steps._git.url import Repository, parse_repository

# Hosts that a token may be sent to in the clear: it does not leave the machine.
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Inputs(NamedTuple):
    """The inputs of `git_clone`, as they were given; see there."""

    repository: str
    branch: str | None
    commit_sha: str | None
    include_submodules: bool
    access_token: str | None
    credentials: dict[str, Any] | None
    directories: list[str] | None
    clone_directory_name: str | None


def run(inputs: Inputs, context: Context) -> str:
    """Clone or update.

    Returns:
        The clone's directory, relative to the working directory.

    Raises:
        StepError: an input cannot be used, or it failed.
        OSError: the directory cannot be written.
    """
    repository = parse_repository(inputs.repository, context.directory)
    login = find_login(repository, inputs.access_token, inputs.credentials)
    for secret in login.secrets if login else ():
        context.secret(secret)
    wanted = _wanted(inputs)
    shown = clone_directory(inputs.repository, wanted.branch, inputs.clone_directory_name)
    target = _inside(context.directory, shown)
    _warn_of_misuse(repository, login, context)
    exists = check_target(target, shown)
    git = Git(context, repository, login)
    what = f" ({wanted.branch or wanted.commit})" if wanted.branch or wanted.commit else ""
    context.write(f"{'updating' if exists else 'cloning'} {repository.url}{what} {'in' if exists else 'into'} {shown}")
    if exists or not _cloned(git, target, shown, wanted, context):
        update(git, target, shown, wanted, context)
    return shown


def _cloned(git: Git, target: str, shown: str, wanted: Wanted, context: Context) -> bool:
    """Clone; give false where another run in the same directory was faster."""
    try:
        clone(git, target, wanted, context)
    except OSError:
        if not check_target(target, shown):
            raise
        return False
    return True


def _wanted(inputs: Inputs) -> Wanted:
    if inputs.branch and inputs.commit_sha:
        raise StepError("branch and commit_sha cannot both be given", hint="leave one of them out")
    return Wanted(
        branch=check_branch(inputs.branch) if inputs.branch else None,
        commit=check_commit(inputs.commit_sha) if inputs.commit_sha else None,
        directories=tuple(check_directories(inputs.directories)) if inputs.directories else (),
        submodules=bool(inputs.include_submodules),
    )


def _inside(directory: str, path: str) -> str:
    """Give a path's absolute form, links in it considered, unless it leads out of the working directory."""
    from pathlib import Path

    root = os.path.realpath(directory)
    target = os.path.join(root, path)
    if not Path(os.path.realpath(target)).is_relative_to(root):
        raise StepError(
            f"{path} is a link out of the working directory",
            hint="remove the link, or set clone_directory_name to another name",
        )
    return target


def _warn_of_misuse(repository: Repository, login: Login | None, context: Context) -> None:
    if login is None:
        return
    if not repository.origin:
        context.warn(f"the credentials are not used: {repository.url} is no http(s) URL")
    elif repository.scheme == "http" and repository.host not in _LOOPBACK:
        context.warn(f"the credentials go unencrypted to {repository.origin}; use https where you can")

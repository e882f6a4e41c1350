"""A fresh clone: made beside its place and moved there when it is whole."""

from __future__ import annotations

import os
import shutil
import stat
from typing import TYPE_CHECKING

from stepengine_steps._git import failures
from stepengine_steps._git.checkout import (
    Wanted,
    branch_not_found,
    commit_not_found,
    fetch_commit,
    finish,
    limit_to_directories,
    resolve_commit,
)

if TYPE_CHECKING:
    from stepengine.plugin import Context
    from stepengine_steps._git.command import Git

# The lengths of a whole hash.
_SHA1, _SHA256 = 40, 64


def clone(git: Git, target: str, wanted: Wanted, context: Context) -> None:
    """Clone into a directory that is empty or does not exist.

    Whatever ends it, `target` is then a whole clone or as it was.

    Args:
        git: Runs git.
        target: The directory; absolute.
        wanted: What to check out.
        context: The run.

    Raises:
        StepError: it failed.
        OSError: the directory cannot be made.
    """
    import tempfile

    parent = os.path.dirname(target)
    os.makedirs(parent, exist_ok=True)
    # An empty directory may be a mount, or all that this user may write to: then everything happens in it.
    inside = os.path.isdir(target)
    holder = tempfile.mkdtemp(prefix=".stepengine-clone-", dir=target if inside else parent)
    try:
        repository = os.path.join(holder, "repository")
        _fill(git, repository, wanted, context)
        if inside:
            _move_content(repository, target)
        else:
            os.rename(repository, target)
    finally:
        remove_tree(holder)


def _move_content(source: str, target: str) -> None:
    # ".git" last: until it is there, nobody takes the directory for a clone.
    names = sorted(os.listdir(source), key=lambda name: name == ".git")
    moved: list[str] = []
    try:
        for name in names:
            os.rename(os.path.join(source, name), os.path.join(target, name))
            moved.append(name)
    except BaseException:
        for name in moved:
            os.rename(os.path.join(target, name), os.path.join(source, name))
        raise


def _fill(git: Git, directory: str, wanted: Wanted, context: Context) -> None:
    holder = os.path.dirname(directory)
    if wanted.commit:
        _fetch_commit(git, directory, wanted)
        revision = resolve_commit(git, directory, wanted.commit)
        if revision is None:
            raise commit_not_found(git, directory, wanted.commit)
        checkout = ["--detach", revision]
    else:
        branch = ["--branch", wanted.branch] if wanted.branch else []
        completed = git.remote(
            *_clone_command(git, "--depth=1", *wanted.filter, *branch),
            directory,
            cwd=holder,
            accept=failures.is_missing_ref,
        )
        if completed.returncode:
            raise branch_not_found(git, wanted.branch or "HEAD", holder)
        if resolve_commit(git, directory, "HEAD") is None:
            context.warn(f"{git.url} is empty")
            return
        checkout = ["HEAD"]
    if wanted.directories:
        limit_to_directories(git, directory, wanted)
    git.remote("checkout", "--quiet", "--progress", *checkout, "--", cwd=directory)
    finish(git, directory, wanted, context)


def _clone_command(git: Git, *options: str) -> list[str]:
    # Without --no-local, git takes a path's whole history and follows what may be links in it (CVE-2022-39253).
    local = ["--no-local"] if git.repository.scheme == "file" else []
    # The checkout is a command of its own: when it fails, git would leave a clone in the way of a second attempt.
    return ["clone", "--progress", "--no-checkout", "--origin=origin", *local, *options, "--", git.url]


def _fetch_commit(git: Git, directory: str, wanted: Wanted) -> None:
    """Make a repository that has a commit: it alone where the server allows it, else the whole history."""
    commit = wanted.commit or ""
    if len(commit) in (_SHA1, _SHA256):
        object_format = ["--object-format=sha256"] if len(commit) == _SHA256 else []
        git.local("init", "--quiet", *object_format, "--", directory, cwd=os.path.dirname(directory))
        git.local("remote", "add", "--", "origin", git.url, cwd=directory)
        if fetch_commit(git, directory, commit, "--depth=1", *wanted.filter):
            return
        remove_tree(directory)
        leave_out = wanted.filter
    else:
        # The history is needed to know the abbreviation, the files of old commits are not.
        leave_out = ("--filter=blob:none",)
    git.remote(*_clone_command(git, *leave_out), directory, cwd=os.path.dirname(directory))


def remove_tree(path: str) -> None:
    """Remove a directory with all that is in it; git's object files are read-only, which Windows minds.

    Args:
        path: The directory; nothing happens where there is none.
    """
    if os.name == "nt":
        for folder, _, names in os.walk(path):
            for name in names:
                os.chmod(os.path.join(folder, name), stat.S_IWRITE)
    shutil.rmtree(path, ignore_errors=True)

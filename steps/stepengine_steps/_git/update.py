"""An update of the clone that is there already. It loses nothing: where that cannot be, it fails and says why."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from stepengine.plugin import StepError
from stepengine_steps._git.arguments import check_branch
from stepengine_steps._git.checkout import (
    PLACED_REF,
    Wanted,
    branch_not_found,
    commit_not_found,
    fetch_commit,
    finish,
    limit_to_directories,
    resolve_commit,
)
from stepengine_steps._git.url import has_userinfo, same_repository

if TYPE_CHECKING:
    from stepengine.plugin import Context
    from stepengine_steps._git.command import Git

_REMOVE = "remove it, or set clone_directory_name to another name"


class _Tip(NamedTuple):
    """A ref of the server.

    Attributes:
        ref: Its whole name; HEAD where the server's HEAD is at no branch.
        commit: The commit that it is at.
    """

    ref: str
    commit: str


def check_target(target: str, shown: str) -> bool:
    """Look at what is where the clone goes.

    Args:
        target: The directory; absolute.
        shown: What to call it.

    Returns:
        Whether something is there that has to be updated; otherwise there is nothing, or an empty directory.

    Raises:
        StepError: a file is in the way.
    """
    if not os.path.lexists(target):
        return False
    if not os.path.isdir(target):
        raise StepError(f"{shown} is in the way: it is no directory", hint=_REMOVE)
    with os.scandir(target) as entries:
        return next(entries, None) is not None


def update(git: Git, target: str, shown: str, wanted: Wanted, context: Context) -> None:
    """Bring a clone to what is wanted.

    Args:
        git: Runs git.
        target: The clone; absolute.
        shown: What to call it.
        wanted: What to check out.
        context: The run.

    Raises:
        StepError: it is another repository's clone, or none; it has changes that would be lost; git failed.
    """
    configured = _origin(target, shown)
    if not same_repository(configured, git.repository, target):
        raise StepError(f"{shown} is in the way: it is a clone of another repository", hint=_REMOVE)
    if configured != git.url:
        # Other tools leave the token there; git would show it to everybody as an argument of git-remote-https.
        git.local("remote", "set-url", "--", "origin", git.url, cwd=target)
        if has_userinfo(configured):
            context.warn(f"took the credentials out of {os.path.join(shown, '.git', 'config')}")
    shallow = git.local("rev-parse", "--is-shallow-repository", cwd=target).stdout.strip() == "true"
    if wanted.commit:
        _check_local_commits(git, target, shown, None)
        checkout = ["--detach", _bring_commit(git, target, wanted.commit, shallow=shallow)]
    else:
        tip = _find_tip(git, target, wanted.branch)
        if tip is None:
            context.warn(f"{git.url} is empty")
            return
        checkout = _bring_tip(git, target, shown, tip, shallow=shallow)
    limit_to_directories(git, target, wanted)
    git.remote("checkout", "--quiet", "--progress", *checkout, "--", cwd=target)
    finish(git, target, wanted, context)


def _origin(target: str, shown: str) -> str:
    """Read `remote.origin.url` of a clone."""
    import configparser

    try:
        from git import Repo
        from git.exc import InvalidGitRepositoryError, NoSuchPathError
    except ImportError as error:
        # It looks for git on the PATH of this process, which need not be that of the pipeline.
        raise StepError(f"GitPython cannot be used: {error}", hint="put git on the PATH of stepengine") from error

    try:
        with Repo(target, expand_vars=False) as repository:
            if repository.bare:
                raise StepError(f"{shown} is in the way: it is a bare repository", hint=_REMOVE)
            config = repository.config_reader("repository")
            if config.has_option('remote "origin"', "url"):
                return str(config.get('remote "origin"', "url"))
    except configparser.Error:
        raise StepError(f"{shown} is in the way: its .git/config cannot be read", hint=_REMOVE) from None
    except (InvalidGitRepositoryError, NoSuchPathError):
        raise StepError(f"{shown} is in the way: it is no git repository, and not empty", hint=_REMOVE) from None
    raise StepError(f"{shown} is in the way: it is a git repository without a remote 'origin'", hint=_REMOVE)


def _bring_commit(git: Git, target: str, commit: str, *, shallow: bool) -> str:
    """Fetch a commit unless it is there; give its whole hash."""
    revision = resolve_commit(git, target, commit)
    if revision:
        return revision
    if not fetch_commit(git, target, commit, *(["--depth=1"] if shallow else [])):
        whole = ["--unshallow"] if shallow else []
        git.remote("fetch", "--progress", *whole, "--", "origin", "+refs/heads/*:refs/remotes/origin/*", cwd=target)
    revision = resolve_commit(git, target, commit)
    if revision is None:
        raise commit_not_found(git, target, commit)
    return revision


def _bring_tip(git: Git, target: str, shown: str, tip: _Tip, *, shallow: bool) -> list[str]:
    """Fetch a branch or tag, and give the arguments that check it out."""
    name = tip.ref.removeprefix("refs/heads/") if tip.ref.startswith("refs/heads/") else None
    _check_local_commits(git, target, shown, name)
    if name:
        check_branch(name)
        place = f"refs/remotes/origin/{name}"
    else:
        place = tip.ref if tip.ref.startswith("refs/tags/") else PLACED_REF
    if git.local("rev-parse", "--verify", "--quiet", place, cwd=target, check=False).stdout.strip() != tip.commit:
        depth = ["--depth=1"] if shallow else []
        git.remote("fetch", "--progress", "--no-tags", *depth, "--", "origin", f"+{tip.ref}:{place}", cwd=target)
    return ["-B", name, place] if name else ["--detach", place]


def _find_tip(git: Git, target: str, branch: str | None) -> _Tip | None:
    """Ask the server where a branch or tag, or its default branch, is; give None where it has none at all."""
    patterns = [f"refs/heads/{branch}", f"refs/tags/{branch}"] if branch else ["HEAD"]
    listing = git.remote("ls-remote", "--symref", "--", git.url, *patterns, cwd=target, show=False).stdout
    commits: dict[str, str] = {}
    default = ""
    for line in listing.splitlines():
        value, _, ref = line.partition("\t")
        if value.startswith("ref: ") and ref == "HEAD":
            default = value.removeprefix("ref: ")
        elif not value.startswith("ref: "):
            commits[ref] = value
    for pattern in patterns:
        if pattern in commits:
            return _Tip(default or pattern if pattern == "HEAD" else pattern, commits[pattern])
    if branch is None:
        return None
    raise branch_not_found(git, branch, target)


def _check_local_commits(git: Git, target: str, shown: str, branch: str | None) -> None:
    """Refuse to leave commits behind that only this clone has.

    Args:
        git: Runs git.
        target: The clone.
        shown: What to call it.
        branch: The local branch that the update sets anew, if any.

    Raises:
        StepError: there are some.
    """
    refs = ["HEAD", f"refs/heads/{branch}"] if branch else ["HEAD"]
    tips = [ref for ref in refs if resolve_commit(git, target, ref)]
    if not tips:
        return
    placed = [PLACED_REF] if resolve_commit(git, target, PLACED_REF) else []
    command = ["rev-list", "--count", *tips, "--not", "--remotes", "--tags", *placed, "--"]
    count = int(git.local(*command, cwd=target).stdout)
    if count:
        raise StepError(
            f"{shown} has {count} commit{'s' if count > 1 else ''} that {git.url} does not have",
            hint="push them, or remove the directory to have it cloned again",
        )

"""What a fresh clone and an update have in common: what is wanted, and how the working tree comes to it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from stepengine.plugin import StepError
from stepengine_steps._git import failures
from stepengine_steps._git.arguments import is_hash

if TYPE_CHECKING:
    from stepengine.plugin import Context
    from stepengine_steps._git.command import Git

PLACED_REF = "refs/stepengine/placed"
"""The last commit that this step checked out: no change of the user's, even where no branch of the server holds it."""

_MAX_NAMES = 5

# The lengths of a whole hash, SHA-1 and SHA-256.
_WHOLE = (40, 64)


class Wanted(NamedTuple):
    """What to check out.

    Attributes:
        branch: A branch or tag; None for the default branch, or with a commit.
        commit: A commit's hash, which may be abbreviated.
        directories: The directories of a sparse checkout; empty for all.
        submodules: Whether to check submodules out.
    """

    branch: str | None
    commit: str | None
    directories: tuple[str, ...]
    submodules: bool

    @property
    def filter(self) -> tuple[str, ...]:
        """The option that leaves out the files that a sparse checkout does not show."""
        return ("--filter=blob:none",) if self.directories else ()


def resolve_commit(git: Git, directory: str, commit: str) -> str | None:
    """Give a commit's whole hash where the clone has it.

    Args:
        git: Runs git.
        directory: The clone.
        commit: A ref, or a commit's hash, which may be abbreviated: of a branch or tag that is called like the
            abbreviation, which git would prefer ("git help revisions"), nothing is taken.
    """
    revision = _peel(git, directory, commit)
    if not is_hash(commit) or (revision and revision.startswith(commit.lower())):
        return revision
    found = _commits(git, directory, commit)
    return found[0] if len(found) == 1 else None


def _peel(git: Git, directory: str, revision: str) -> str | None:
    completed = git.local("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", cwd=directory, check=False)
    return completed.stdout.strip() if completed.returncode == 0 else None


def _commits(git: Git, directory: str, prefix: str) -> list[str]:
    """Give the commits whose hash begins with some digits, whatever refs are called."""
    completed = git.local("rev-parse", f"--disambiguate={prefix}", cwd=directory, check=False)
    return [name for name in completed.stdout.split() if _peel(git, directory, name) == name]


def commit_not_found(git: Git, directory: str, commit: str) -> StepError:
    """Make the error for a commit that a clone of the whole history does not have, or has several of."""
    if len(_commits(git, directory, commit)) > 1:
        return StepError(f"several commits of {git.url} begin with {commit}", hint="give more digits of commit_sha")
    return StepError(
        f"there is no commit {commit} in {git.url}",
        hint="check commit_sha, and that the commit has been pushed to a branch",
    )


def branch_not_found(git: Git, branch: str, directory: str) -> StepError:
    """Make the error for a branch that the repository does not have, with what comes near."""
    import difflib

    listing = git.remote("ls-remote", "--heads", "--tags", "--", git.url, cwd=directory, show=False).stdout
    refs = [line.split("\t")[1] for line in listing.splitlines() if "\t" in line]
    names = [ref.split("/", 2)[2] for ref in refs if not ref.endswith("^{}")]
    near = difflib.get_close_matches(branch.removeprefix("refs/heads/").removeprefix("origin/"), names, n=3)
    if near:
        hint = "did you mean " + " or ".join(near) + "?"
    elif names:
        more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
        hint = f"there are {', '.join(names[:_MAX_NAMES])}{more}"
    else:
        hint = "the repository is empty"
    return StepError(f"there is no branch or tag {branch} in {git.url}", hint=hint)


def limit_to_directories(git: Git, directory: str, wanted: Wanted) -> None:
    """Have the working tree show the wanted directories alone, or all of it where none are wanted.

    Args:
        git: Runs git.
        directory: The clone.
        wanted: What to check out.
    """
    if wanted.directories:
        # git before 2.37 takes directories for patterns unless it is told so.
        git.remote("sparse-checkout", "init", "--cone", cwd=directory, show=False)
        git.remote("sparse-checkout", "set", "--", *wanted.directories, cwd=directory)
    elif git.local("config", "--get", "core.sparseCheckout", cwd=directory, check=False).stdout.strip() == "true":
        git.remote("sparse-checkout", "disable", cwd=directory)


def finish(git: Git, directory: str, wanted: Wanted, context: Context) -> None:
    """Check submodules out, remember the commit, and report it.

    Args:
        git: Runs git.
        directory: The clone.
        wanted: What was checked out.
        context: The run.
    """
    if wanted.submodules:
        git.local("submodule", "sync", "--quiet", "--recursive", cwd=directory)
        git.remote(
            "submodule", "update", "--init", "--recursive", "--progress", cwd=directory, env=git.submodule_environment
        )
    git.local("update-ref", PLACED_REF, "HEAD", cwd=directory)
    for path in wanted.directories:
        if not os.path.isdir(os.path.join(directory, path)):
            context.warn(f"{git.url} has no directory {path}")
    head = git.local("log", "-1", "--format=%h of %cs", "HEAD", cwd=directory).stdout.strip()
    context.write(f"at {wanted.branch or 'commit'} {head}")


def fetch_commit(git: Git, directory: str, commit: str, *options: str) -> bool:
    """Fetch one commit by its hash; not every server hands one out, and none knows an abbreviation.

    Returns:
        Whether it came.

    Raises:
        StepError: it failed for another reason.
    """
    if len(commit) not in _WHOLE:
        return False  # git would take it for the name of a branch or tag
    completed = git.remote(
        "fetch",
        "--progress",
        "--no-tags",
        *options,
        "--",
        "origin",
        commit,
        cwd=directory,
        accept=failures.is_refused_commit,
    )
    return completed.returncode == 0

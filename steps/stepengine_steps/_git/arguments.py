"""What may reach git's command line: everything is checked before git starts.

An argument that begins with `-` is an option to git wherever it stands (CVE-2026-5366, CVE-2026-72538, CVE-2026-3515),
so none is let through; `--` before the positional arguments is the second line of defence.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from stepengine.plugin import StepError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# "git help check-ref-format", rules 1 and 3 to 10; rule 2 is about the "refs/heads/" that git itself puts in front.
_REFNAME_FORBIDDEN = re.compile(
    r"""
      [\x00-\x20\x7f~^:?*\[\\]  # control characters, space, and what means something to git's revision syntax
    | \.\.
    | @\{
    | //
    | ^/ | /$
    | \.$
    | (^|/)\.
    | \.lock(/|$)
    | ^@$
    """,
    re.VERBOSE,
)

# An abbreviation needs four digits ("git help rev-parse"); SHA-1 has 40, SHA-256 has 64.
_COMMIT = re.compile(r"[0-9a-fA-F]{4,64}")

# What git's own checks take for ".git" on some filesystem (is_ntfs_dotgit and is_hfs_dotgit of its path.c and utf8.c):
# NTFS has it as `git~1` too, drops dots and spaces at its end, and names its streams after a colon; HFS+ ignores
# characters of no width.
_DOT_GIT = re.compile(r"(?:\.git|git~1)[ .]*(?:[:\\].*)?", re.IGNORECASE | re.ASCII | re.DOTALL)
_NO_WIDTH = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")

# Nothing is wrong with a URL of this form, whatever a closer look, which costs 3 ms of imports, would find.
_PLAIN_URL = re.compile(r"(?:https?|ssh|git)://[A-Za-z0-9]+(?:[.-][A-Za-z0-9]+)*/[\w.~][\w./~-]*", re.ASCII)

# C0, DEL and C1 control characters, and lone surrogates, which no program's argument can hold.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def without_userinfo(text: str) -> str:
    """Take user name and password out of what may be a URL, for a message."""
    return re.sub(r"(://)[^/?#]*@", r"\1", text)


def check_text(name: str, value: Any) -> str:
    """Check what holds for every value that may become an argument of git.

    Args:
        name: The input that it came from.
        value: The value.

    Returns:
        The value.

    Raises:
        StepError: it is empty, no text, begins with `-` or has a control character.
    """
    if not isinstance(value, str):
        raise StepError(f"{name} is no text: {value!r}", hint="put it in quotes")
    if not value.strip():
        raise StepError(f"{name} is empty", hint="give it a value, or leave it out")
    if value.startswith("-"):
        raise StepError(
            f"{name} may not begin with '-': {without_userinfo(value)!r}", hint="git would take it for an option"
        )
    if _UNPRINTABLE.search(value):
        raise StepError(f"{name} has a control character: {without_userinfo(value)!r}", hint="remove it")
    return value


def check_branch(value: str) -> str:
    """Check the name of a branch or tag by the rules of `git check-ref-format`.

    Raises:
        StepError: no branch can be called that.
    """
    check_text("branch", value)
    if bad := _REFNAME_FORBIDDEN.search(value):
        raise StepError(
            f"branch is no valid name: {value!r} ({bad.group()!r} is not allowed there)",
            hint="give the name of a branch or tag, as `git branch --all` or `git tag` shows it",
        )
    return value


def check_commit(value: str) -> str:
    """Check a commit's hash, which may be abbreviated.

    Returns:
        The hash in lower case.

    Raises:
        StepError: it is none.
    """
    check_text("commit_sha", value)
    if not _COMMIT.fullmatch(value):
        raise StepError(
            f"commit_sha is no commit's hash: {value!r}",
            hint="it has 4 to 64 hexadecimal digits; the name of a branch or tag goes into `branch`",
        )
    return value.lower()


def is_hash(text: str) -> bool:
    """Tell whether a text could be a commit's hash, whole or abbreviated."""
    return bool(_COMMIT.fullmatch(text))


def check_directories(values: list[str]) -> list[str]:
    """Check the directories of a sparse checkout.

    Returns:
        Their paths inside the repository, with `/` between segments.

    Raises:
        StepError: one is absolute, leaves the repository, or is no path.
    """
    if not isinstance(values, list):
        raise StepError(f"directories is no list: {values!r}", hint="write each directory as an item of a list")
    return [_inner_path("directories", value) for value in values]


def clone_directory(repository: str, branch: str | None, name: str | None) -> str:
    """Give the directory of the clone, as Prefect names it.

    Prefect 3.8.8 (`prefect.runner.storage.GitRepository`) takes the last segment of the URL's path without `.git`,
    wherever that stands in it (so `my.github.io.git` gives `myhub.io`), and adds `-BRANCH`, its slashes turned to `-`;
    a commit does not show in it.

    Args:
        repository: The repository as the user gave it, checked.
        branch: The branch, checked.
        name: The name that the user wants instead.

    Returns:
        A path relative to the working directory.

    Raises:
        StepError: the name is no relative path that stays below the working directory, or is one of git's own.
    """
    if name:
        return os.path.join(*_inner_path("clone_directory_name", name).split("/"))
    from urllib.parse import urlparse

    try:
        path = urlparse(repository).path
    except ValueError:  # brackets, in a path that is no URL
        path = repository
    if os.name == "nt":
        path = path.replace("\\", "/")
    base = path.rstrip("/").split("/")[-1].replace(".git", "")
    try:
        _inner_path("the directory", base)
        return _inner_path("the directory", f"{base}-{branch.replace('/', '-')}" if branch else base)
    except StepError:
        # Taking ".git" out of ".g.gitit" gives ".git": the clone would become the repository of the working directory.
        raise StepError(f"no directory can be named after {base!r}", hint="set clone_directory_name") from None


def find_problems(inputs: Mapping[str, Any]) -> list[str]:
    """Tell what is wrong with inputs before a run, as far as they hold no reference.

    Args:
        inputs: The step's inputs as the file has them.

    Returns:
        One line for each.
    """
    known = {name: value for name, value in inputs.items() if value and "{{" not in str(value)}
    problems = [
        f"{one} and {other} cannot both be given"
        for one, other in (("branch", "commit_sha"), ("access_token", "credentials"))
        if one in known and other in known
    ]
    checks: dict[str, Callable[[Any], object]] = {
        "repository": _check_repository,
        "branch": check_branch,
        "commit_sha": check_commit,
        "directories": check_directories,
        "clone_directory_name": lambda value: _inner_path("clone_directory_name", value),
    }
    for name, check in checks.items():
        if name in known:
            try:
                check(known[name])
            except StepError as error:
                problems.append(f"{error.message}; {error.hint}")
    return problems


def _check_repository(value: Any) -> None:
    if isinstance(value, str) and _PLAIN_URL.fullmatch(value):
        return
    from stepengine_steps._git.url import check_repository

    check_repository(value)


def _inner_path(name: str, value: Any) -> str:
    """Check a path that has to stay inside; give it with `/` and without empty segments."""
    text = check_text(name, value)
    if os.name == "nt":
        text = text.replace("\\", "/")
    if text.startswith("/") or os.path.splitdrive(text)[0]:
        raise StepError(f"{name} must be a relative path: {value!r}", hint="take the leading '/' away")
    segments = [segment for segment in text.split("/") if segment not in ("", ".")]
    if not segments:
        raise StepError(f"{name} names no directory: {value!r}", hint="give a directory's name")
    for segment in segments:
        if segment == "..":
            raise StepError(f"{name} may not have '..' in it: {value!r}", hint="give a path below the starting point")
        if _DOT_GIT.fullmatch(_NO_WIDTH.sub("", segment)) or segment.startswith("-"):
            raise StepError(f"{name} may not have {segment!r} in it: {value!r}", hint="choose another directory")
    return "/".join(segments)

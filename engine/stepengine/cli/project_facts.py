"""What a directory tells of its project: read, never run, and nothing that is wrong with it matters."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_READ = 1 << 16
_MAX_PARENTS = 64
_SECTION = re.compile(r'\s*\[\s*remote\s+"origin"\s*\]')
_URL = re.compile(r"\s*url\s*=\s*(\S+)\s*\Z")
_LOGIN = re.compile(r"(https?://)[^/@]*@", re.IGNORECASE)


def read_facts(directory: str) -> dict[str, str | None]:
    """Give what recipes may use for defaults; None where it cannot be told.

    Args:
        directory: The project's; absolute.
    """
    project = os.path.basename(directory) or "project"
    slug = re.sub(r"[^a-z0-9]+", "-", project.lower()).strip("-")
    facts: dict[str, str | None] = dict.fromkeys(("repository", "branch"))
    facts.update(directory=directory, project=project, project_slug=slug or "project")
    facts["dockerfile"] = "Dockerfile" if os.path.isfile(os.path.join(directory, "Dockerfile")) else "auto"
    for head, config in _git_files(directory):
        match = re.match(r"ref: refs/heads/(\S+)", _read(head))
        facts["branch"] = match[1] if match else None
        facts["repository"] = _remote(_read(config))
    return facts


def _remote(config: str) -> str | None:
    """Give the address of the remote `origin`, without the login that it may have."""
    is_origin = False
    for line in config.splitlines():
        if line.lstrip().startswith("["):
            is_origin = _SECTION.match(line) is not None
        elif is_origin and (match := _URL.match(line)):
            return _LOGIN.sub(r"\1", match[1].strip('"'))
    return None


def _git_files(directory: str) -> Iterator[tuple[str, str]]:
    """Give the HEAD and the configuration of the repository that a directory is in, if it is in one.

    `.git` is a file in a linked worktree: https://git-scm.com/docs/gitrepository-layout.
    """
    for _ in range(_MAX_PARENTS):
        git = os.path.join(directory, ".git")
        if os.path.isfile(git):
            named = _read(git).partition("gitdir:")[2].strip()
            git = os.path.join(directory, named)
        if os.path.isfile(os.path.join(git, "HEAD")):
            common = os.path.join(git, _read(os.path.join(git, "commondir")).strip())
            yield os.path.join(git, "HEAD"), os.path.join(common, "config")
            return
        parent = os.path.dirname(directory)
        if parent == directory:
            return
        directory = parent


def _read(path: str) -> str:
    """Give the beginning of a file; nothing where it is none."""
    try:
        if not os.path.isfile(path):
            return ""
        with open(path, "rb") as file:
            return file.read(_MAX_READ).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""

"""Git repositories made of files: a real `git` makes them, and a step clones them from a `file:` URL."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_EPOCH = 1577836800
"""2020-01-01 00:00 UTC, in seconds: the time of a repository's first commit."""


class GitRemote:
    """A bare repository that can be cloned.

    Commits have a fixed author and fixed times, one second apart: the same files give the same hashes on every machine.

    Args:
        directory: Where it is made.
        branch: Its default branch.

    Attributes:
        directory: Where it is.
        url: What a step clones.
    """

    def __init__(self, directory: Path, branch: str = "main") -> None:
        self.directory = directory
        self.url = directory.as_uri()
        self._branch = branch
        self._commits = 0
        directory.mkdir(parents=True)
        self._git("init", "--quiet", "--bare", f"--initial-branch={branch}", ".")
        self._git("config", "uploadpack.allowFilter", "true")
        self._git("config", "uploadpack.allowAnySHA1InWant", "true")

    def commit(self, files: Mapping[str, str | bytes | None], message: str = "change", *, branch: str = "") -> str:
        """Commit files on top of a branch.

        Args:
            files: Path to text; None removes one. Others stay.
            message: The commit's message.
            branch: The branch, made of the default one where it is not there; the default one where it is empty.

        Returns:
            The commit's hash.
        """
        branch = branch or self._branch
        parent = self._resolve(branch) or self._resolve(self._branch)
        index = {"GIT_INDEX_FILE": str(self.directory / f"index-{self._commits}")}
        if parent:
            self._git("read-tree", parent, env=index)
        for name, text in files.items():
            if text is None:
                self._git("update-index", "--index-info", env=index, stdin=f"0 {'0' * 40}\t{name}\n".encode())
                continue
            data = text if isinstance(text, bytes) else text.encode("utf-8")
            blob = self._git("hash-object", "-w", "--stdin", stdin=data)
            self._git("update-index", "--add", "--cacheinfo", f"100644,{blob},{name}", env=index)
        tree = self._git("write-tree", env=index)
        parents = ["-p", parent] if parent else []
        self._commits += 1
        date = f"{_EPOCH + self._commits} +0000"
        commit = self._git(
            "commit-tree", tree, *parents, "-m", message, env={"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        )
        self._git("update-ref", f"refs/heads/{branch}", commit)
        return commit

    def tag(self, name: str, commit: str = "") -> None:
        """Name a commit; the default branch's last one where none is given."""
        self._git("update-ref", f"refs/tags/{name}", commit or self._resolve(self._branch))

    def _resolve(self, branch: str) -> str:
        return self._git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")

    def _git(self, *arguments: str, env: Mapping[str, str] | None = None, stdin: bytes = b"") -> str:
        # Without the variables that a hook runs with: they name another repository.
        environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        person = {"NAME": "Ada", "EMAIL": "ada@example.org"}
        environ |= {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in person.items()}
        environ |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, **(env or {})}
        done = subprocess.run(
            ["git", *arguments],  # noqa: S607 - the git of whoever runs the tests
            cwd=self.directory,
            env=environ,
            input=stdin,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"git {arguments[0]} failed: {done.stderr.decode('utf-8', 'replace').strip()}")
        return done.stdout.decode("utf-8", "replace").strip()


class GitRemotes:
    """Makes repositories.

    Args:
        directory: Where they are made.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __call__(
        self, files: Mapping[str, str | bytes | None], *, name: str = "demo", branch: str = "main"
    ) -> GitRemote:
        """Make a repository with one commit.

        Args:
            files: Path to text.
            name: The repository's name, each once in a test.
            branch: Its default branch.
        """
        remote = GitRemote(self._directory / f"{name}.git", branch)
        remote.commit(files, "first")
        return remote

"""What the tests of `git_clone` share: repositories on a server, and runs of the step."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from stepengine.plugin import Context
from stepengine_steps.git import git_clone

TOKEN = "s3cret+token/0123456789"  # its URL-encoded form differs


def git(*args: str, cwd: Path) -> str:
    """Run git as a user would, with an identity; give what it wrote."""
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "protocol.file.allow=always"]
    command = ["git", *identity, *args]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


class Upstream:
    """A repository on the server, and the clone that its authors work in.

    Args:
        root: The server's directory.
        work: Where the authors' clone goes.
        name: The repository's name.
    """

    def __init__(self, root: Path, work: Path, name: str) -> None:
        self.bare = root / f"{name}.git"
        self.work = work / name
        self.work.mkdir(parents=True)
        git("init", "-q", "-b", "main", cwd=self.work)
        git("init", "-q", "--bare", "-b", "main", "--", str(self.bare), cwd=work)
        git("config", "uploadpack.allowFilter", "true", cwd=self.bare)
        git("remote", "add", "origin", str(self.bare), cwd=self.work)

    @classmethod
    def copy(cls, other: Upstream, root: Path, work: Path) -> Upstream:
        """Make the same as another, which takes fewer runs of git."""
        made = cls.__new__(cls)
        made.bare, made.work = root / other.bare.name, work / other.work.name
        shutil.copytree(other.bare, made.bare)
        shutil.copytree(other.work, made.work)
        git("remote", "set-url", "origin", str(made.bare), cwd=made.work)
        return made

    def commit(self, message: str, files: dict[str, str], branch: str = "main") -> str:
        """Commit and push files; give the commit's hash."""
        git("checkout", "-q", "-B", branch, cwd=self.work)
        for path, text in files.items():
            file = self.work / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        git("add", "--all", cwd=self.work)
        git("commit", "-q", "--allow-empty", "-m", message, cwd=self.work)
        git("push", "-q", "--force", "origin", branch, cwd=self.work)
        return git("rev-parse", "HEAD", cwd=self.work)

    def add_submodule(self, path: str, url: str) -> None:
        """Add a submodule that was at `url` for its author; commit makes it public."""
        git("submodule", "add", "-q", "--", url, path, cwd=self.work)


class Step:
    """Runs `git_clone` in a working directory of its own, and records what it reported.

    Args:
        directory: The working directory.
        home: The user's home, empty.

    Attributes:
        context: The run.
        events: The kind and data of all that was reported.
    """

    def __init__(self, directory: Path, home: Path) -> None:
        self.directory = directory
        self.home = home
        self.events: list[tuple[str, dict[str, Any]]] = []
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "SSH_"))}
        environ |= {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
        self.context = Context(str(directory), environ=environ, emit=lambda *event: self.events.append(event))

    def __call__(self, repository: str, **inputs: Any) -> Path:
        """Run the step; give the clone."""
        outputs = git_clone(repository, **inputs, context=self.context)
        assert list(outputs) == ["directory"]
        return self.directory / outputs["directory"]

    def reported(self, kind: str) -> str:
        """Give all that was reported of one kind, as text."""
        return "\n".join(str(data) for reported, data in self.events if reported == kind)

    @property
    def entries(self) -> list[str]:
        """The names in the working directory."""
        return sorted(os.listdir(self.directory))


def files(clone: Path) -> list[str]:
    """Give the paths of all files that a clone shows."""
    return sorted(
        path.relative_to(clone).as_posix()
        for path in clone.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(clone).parts
    )


def command_lines() -> list[str]:
    """Give the command lines of all processes."""
    if (proc := Path("/proc/self/cmdline")).exists():
        lines = []
        for path in proc.parents[1].glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):  # it has ended
                lines.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
        return lines
    command = ["ps", "-A", "-ww", "-o", "args="]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def running(text: str) -> list[str]:
    """Give the command lines of the processes that have a text in theirs."""
    return [line for line in command_lines() if text in line]

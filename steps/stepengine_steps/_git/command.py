"""git as a child process.

GitPython looks at the clone that is there already (`update.py`). Commands are run by `Context.run` instead of its
`Git.execute`, which gives a command the environment of this process and not the pipeline's; leaves it and its children
(git-remote-https, index-pack, ssh) running after a KeyboardInterrupt that did not come from the terminal; sends SIGKILL
at its timeout, after which git's lock files stay, and has none on Windows; and either streams output or collects it.
"""

from __future__ import annotations

import copy
import os
import shutil
import time
from typing import TYPE_CHECKING

from stepengine.plugin import Completed, Context, StepError
from stepengine_steps._git import failures
from stepengine_steps._git.credentials import credential_options

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stepengine_steps._git.credentials import Login
    from stepengine_steps._git.url import Repository

TIMEOUT_SECONDS = 3600.0
"""How long one git command may take. Large repositories take long, so a transfer that stalls is ended much earlier."""

STALL_SECONDS = 60
"""How long an HTTP transfer may go without a byte until git gives it up; a server that is busy sends some every 5 s."""

ATTEMPTS = 3
"""How often a command is tried whose failure can pass."""

FIRST_DELAY_SECONDS = 1.0
"""How long the first attempt's failure is waited out; the next one four times as long."""

_SSH = "ssh -o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=15 -o ServerAliveCountMax=4"

# "git rev-parse --local-env-vars" without those that hold configuration: git sets them for its hooks, and they would
# have git work on the repository (or the index) of the hook that started us.
_LOCAL_VARIABLES = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)

_OPTIONS = (
    "-c",
    "advice.detachedHead=false",
    # Housekeeping in the background would outlive the step, and hold the clone while it is moved.
    "-c",
    "gc.autoDetach=false",
    "-c",
    "maintenance.autoDetach=false",
)


# The first names our temporary directory; the others count objects, which nobody asked for.
_NOISE = ("Cloning into ", "remote: Enumerating objects: ", "remote: Total ")


class Git:
    """Runs git for one repository.

    Args:
        context: The run.
        repository: The repository.
        login: What to log in with.

    Attributes:
        url: What git gets as the repository's URL.
        repository: The repository.
        submodule_environment: Variables of commands that fetch submodules.

    Raises:
        StepError: there is no git.
    """

    def __init__(self, context: Context, repository: Repository, login: Login | None) -> None:
        executable = shutil.which("git", path=context.environ.get("PATH"))
        if executable is None:
            raise StepError("there is no git on the PATH", hint="install it: apt-get install git, say")
        self.url = repository.url
        self.repository = repository
        self._executable = executable
        self._report = context
        self._login = login if repository.origin else None
        self._local = copy.copy(context)
        self._local.environ = _environment(context, repository, login)
        self.submodule_environment = _submodule_environment(context, self._local.environ)
        self._remote = copy.copy(self._local)
        if self._login:
            self._remote.environ = {**self._local.environ, **self._login.environ}
        self._use_batch_ssh()

    def local(self, *args: str, cwd: str, check: bool = True) -> Completed:
        """Run a command that needs no server; its output is not shown.

        Args:
            args: git's arguments.
            cwd: Where.
            check: Whether a status other than 0 is an error.

        Raises:
            StepError: it failed.
        """
        env = {"GIT_NO_LAZY_FETCH": "1"}
        completed = self._run(self._local, [*_OPTIONS, *args], cwd=cwd, env=env, show=False)
        if check and completed.returncode:
            raise failures.explain(self.url, self._clean(completed.stderr))
        return completed

    def remote(
        self,
        *args: str,
        cwd: str,
        show: bool = True,
        accept: Callable[[str], bool] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """Run a command that may talk to the server; again, where its failure can pass.

        Args:
            args: git's arguments.
            cwd: Where.
            show: Whether its output is reported.
            accept: Called with the errors that it wrote; where it gives true, the failure is returned and not raised.
            env: Variables that it gets besides those of every command.

        Raises:
            StepError: it failed, or took too long.
        """
        options = [*_OPTIONS, *credential_options(self.repository, self._login)]
        delay = FIRST_DELAY_SECONDS
        for attempt in range(1, ATTEMPTS + 1):
            completed = self._run(self._remote, [*options, *args], cwd=cwd, env=dict(env or {}), show=show)
            errors = self._clean(completed.stderr)
            if completed.returncode == 0 or (accept and accept(errors)):
                return completed
            error = failures.explain(self.url, errors, attempt)
            if attempt == ATTEMPTS or not failures.can_pass(errors):
                break
            self._report.warn(f"{error.message}; trying again in {delay:g} s")
            time.sleep(delay)
            delay *= 4
        raise error

    def _run(self, context: Context, args: list[str], *, cwd: str, env: dict[str, str], show: bool) -> Completed:
        command = [self._executable, *args]
        try:
            return context.run(
                command, cwd=cwd, env=env, on_line=self._show if show else _ignore, timeout=TIMEOUT_SECONDS
            )
        except TimeoutError:
            raise StepError(
                f"git took longer than {TIMEOUT_SECONDS:g} s with {self.url}, and was ended",
                hint="check the network; `directories` clones less of a large repository",
            ) from None
        except OSError as error:
            raise StepError(f"git could not be started: {error}", hint="check the installation of git") from error

    def _show(self, stream: str, line: str) -> None:
        match = failures.PROGRESS.match(line)
        if match:
            self._report.progress("git", match["text"], int(match["current"]), int(match["total"]))
        elif line.strip() and not line.startswith(_NOISE):
            self._report.write(self._clean(line.rstrip()), stream=stream)

    def _clean(self, text: str) -> str:
        """Take the secrets out of what git or the server said."""
        for secret in self._login.secrets if self._login else ():
            text = text.replace(secret, "***")
        return text

    def _use_batch_ssh(self) -> None:
        """Have ssh fail rather than ask or hang, unless the user chose how it is run."""
        environ = self._local.environ
        if "GIT_SSH_COMMAND" in environ or "GIT_SSH" in environ:
            return
        if self.local("config", "--get", "core.sshCommand", cwd=self._report.directory, check=False).returncode:
            environ["GIT_SSH_COMMAND"] = _SSH
            self._remote.environ["GIT_SSH_COMMAND"] = _SSH


def _environment(context: Context, repository: Repository, login: Login | None) -> dict[str, str]:
    """Give the environment of every git command.

    Args:
        context: The run.
        repository: The repository.
        login: What to log in with.

    Returns:
        A copy of the run's, in which nothing asks or hangs, and only the transports are allowed that a clone needs.
    """
    environ = context.environ
    result = {name: value for name, value in environ.items() if name not in _LOCAL_VARIABLES}
    transports = ["http", "https", "ssh", "git"] + (["file"] if repository.scheme == "file" else [])
    if "GIT_ALLOW_PROTOCOL" in environ:
        theirs = environ["GIT_ALLOW_PROTOCOL"].split(":")
        transports = [name for name in transports if name in theirs]
    result |= {
        "GIT_ALLOW_PROTOCOL": ":".join(transports),
        # The working directory may be in another repository, whose configuration is none of the clone's.
        "GIT_CEILING_DIRECTORIES": os.path.realpath(context.directory),
        "GIT_TERMINAL_PROMPT": "0",
        "GCM_INTERACTIVE": "never",
        "LANGUAGE": "C",
        "LC_ALL": "C",
    }
    # Without a login, the user's own way of giving one is left as it is.
    if login or "GIT_ASKPASS" not in environ:
        result |= {"GIT_ASKPASS": "", "SSH_ASKPASS": ""}
    result.setdefault("GIT_HTTP_LOW_SPEED_LIMIT", "1")
    result.setdefault("GIT_HTTP_LOW_SPEED_TIME", str(STALL_SECONDS))
    return result


def _submodule_environment(context: Context, environ: Mapping[str, str]) -> dict[str, str]:
    """Give what a command that fetches submodules needs besides.

    A repository chooses the URLs of its submodules, and one that is a path may lead to any file that can be read here
    (CVE-2022-39253). So not even a repository that is a path itself has them, unless the user's own
    GIT_ALLOW_PROTOCOL says so.
    """
    transports = environ["GIT_ALLOW_PROTOCOL"].split(":")
    if "GIT_ALLOW_PROTOCOL" not in context.environ:
        transports = [name for name in transports if name != "file"]
    return {"GIT_ALLOW_PROTOCOL": ":".join(transports)}


def _ignore(_stream: str, _line: str) -> None:
    pass

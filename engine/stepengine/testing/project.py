"""A temporary project that a test fills with files and runs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stepengine.events import Listener
    from stepengine.testing.cassette import Cassette
    from stepengine.testing.outcome import Outcome
    from stepengine.world import World

FILE_NAME = "prefect.yaml"
_STEP_FILE = ".stepengine-step.yaml"

_PASSED_ON = {
    "COMSPEC",
    "DOCKER_CERT_PATH",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "DOCKER_TLS_VERIFY",
    "LANG",
    "LANGUAGE",
    "LD_LIBRARY_PATH",
    "PATH",
    "PATHEXT",
    "PYTHONPATH",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "TMPDIR",
    "TZ",
    "VIRTUAL_ENV",
    "WINDIR",
}
"""Variables that a run needs of its machine; with all others a test would mean something else on each."""


class Project:
    """A directory with a prefect.yaml, and the environment that it is run in.

    Runs start from a small environment: what programs need of the machine (`PATH`, `LANG`, `TMPDIR`, `DOCKER_HOST` and
    the like), and a home that is empty. All else is set here.

    Args:
        directory: The project's; made where it is not there.
        home: The user's home for the runs; made where it is not there.

    Attributes:
        directory: The project's, absolute, links resolved.
        environ: The environment of the runs; may be changed at will.
        cassette: What records or replays the steps' calls; None where they simply run.
    """

    def __init__(self, directory: str | os.PathLike[str], home: str | os.PathLike[str]) -> None:
        os.makedirs(directory, exist_ok=True)
        os.makedirs(home, exist_ok=True)
        self.directory = Path(directory).resolve()
        self.environ = {
            name: value for name, value in os.environ.items() if name.upper() in _PASSED_ON or name.startswith("LC_")
        }
        self.environ |= {"HOME": str(home), "USERPROFILE": str(home)}
        self.cassette: Cassette | None = None
        self._blocks: dict[str, dict[str, Any]] = {}
        self._variables: dict[str, Any] = {}

    def write(self, name: str, text: str | bytes) -> Path:
        """Write a file, and make the directories that it is in.

        Args:
            name: Its path, relative to the project's directory.
            text: What is in it; written as UTF-8.

        Returns:
            Its absolute path.
        """
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return path

    def write_files(self, files: Mapping[str, str | bytes]) -> None:
        """Write several files; see `write`."""
        for name, text in files.items():
            self.write(name, text)

    def read(self, name: str) -> str:
        """Give the text of a file."""
        return (self.directory / name).read_text(encoding="utf-8")

    def setenv(self, name: str, value: str) -> None:
        """Set an environment variable for the runs."""
        self.environ[name] = value

    def delenv(self, name: str) -> None:
        """Take an environment variable away from the runs; one that is not set is no error."""
        self.environ.pop(name, None)

    def set_block(self, type_slug: str, name: str, data: Any) -> None:
        """Give the runs a block: `{{ prefect.blocks.TYPE.NAME }}`. What it holds is secret."""
        self._blocks.setdefault(type_slug, {})[name] = data
        self.environ["STEPENGINE_BLOCKS"] = json.dumps(self._blocks)

    def set_variable(self, name: str, value: Any) -> None:
        """Give the runs a variable: `{{ prefect.variables.NAME }}`."""
        self._variables[name] = value
        self.environ["STEPENGINE_VARIABLES"] = json.dumps(self._variables)

    def run(self, text: str | None = None, /, *options: str) -> Outcome:
        """Run the project's prefect.yaml as the command line does, in this process.

        Args:
            text: The file; written to prefect.yaml. None for the one that is there.
            options: Those of `stepengine run`, such as `"--only", "build"`.

        Returns:
            How it went; nothing is raised where it failed.

        Raises:
            CassetteError: a call is not what the cassette has.
        """
        __tracebackhide__ = True
        from stepengine.testing.running import run_in_process

        if text is not None:
            self.write(FILE_NAME, text)
        return self._played(
            lambda adapt, is_replayed: run_in_process(
                [FILE_NAME, *options],
                directory=str(self.directory),
                environ=self.environ,
                adapt=adapt,
                is_replayed=is_replayed,
            )
        )

    def run_step(
        self, step: str | Callable[..., Any], inputs: Mapping[str, Any] | None = None, /, *options: str
    ) -> Outcome:
        """Run a single step, in the project's directory.

        Args:
            step: Its name as a file would have it, or its function, installed or not.
            inputs: Its inputs as a file would have them: placeholders are filled in.
            options: Those of `stepengine run`.

        Returns:
            How it went; the step's id is `step`. A step for the worker runs in this process, too.

        Raises:
            TypeError: an input is no data that YAML can hold.
            CassetteError: the call is not what the cassette has.
        """
        __tracebackhide__ = True
        from stepengine.testing.given import given_step, step_file
        from stepengine.testing.running import run_in_process

        with given_step(step) as given:
            path = self.write(_STEP_FILE, step_file(given.section, given.name, inputs or {}))
            try:
                return self._played(
                    lambda adapt, is_replayed: run_in_process(
                        [_STEP_FILE, *options],
                        directory=str(self.directory),
                        environ=self.environ,
                        more=given.entry_points,
                        adapt=lambda world: adapt(_in_this_process(world)),
                        prepared=path.unlink,  # the step may look at its directory
                        is_replayed=is_replayed,
                    )
                )
            finally:
                path.unlink(missing_ok=True)

    def _played(self, run: Callable[[Callable[[World], tuple[World, Listener | None]], bool], Outcome]) -> Outcome:
        """Run with the cassette, where there is one."""
        __tracebackhide__ = True
        if self.cassette is None:
            return run(lambda world: (world, None), False)  # noqa: FBT003
        session = self.cassette.start()
        outcome = run(session.join, self.cassette.is_whole)
        session.check()
        return outcome


def _in_this_process(world: World) -> World:
    """Have the pull steps run here, where a test can see and patch what they use."""
    from stepengine.result import PullPlace
    from stepengine.running.places import LocalPlace

    def open_place(_pipeline: Any, _scope: Any, used: World, plan: Any, _note: Any) -> Any:
        given = used.load, used.directory, used.environ, plan.file.project, used.block
        place = LocalPlace(*given, was_cancelled=used.was_interrupted)
        return place, PullPlace("here", None, place.directory)

    return world._replace(open_pull_place=open_place)

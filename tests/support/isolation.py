"""A project whose steps require what only an index of its own has, run with uv or with pip, as a pytest plugin."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
import time
import venv
from typing import TYPE_CHECKING, Any

import pytest

from stepengine.environments.layout import interpreter_of, packages_of
from support.command import Outcome, Project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.package_index import PackageIndex

UV = shutil.which("uv", path=os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)]))
MANIFEST = "stepengine.json"
WAIT_SECONDS = 20


class IsolatedProject(Project):
    """A project with a cache and an index of its own.

    Args:
        directory: Its directory.
        index: Where packages come from.
        python: The interpreter that runs the command: beside it there is uv, or there is not.
        installer: uv or pip.
    """

    def __init__(self, directory: Path, index: PackageIndex, python: str, installer: str) -> None:
        super().__init__(directory)
        self.index = index
        self.installer = installer
        self.cache = directory.parent / "cache"
        self._python = python
        base = {**self.environ, "STEPENGINE_CACHE_DIR": str(self.cache), "PYTHONDONTWRITEBYTECODE": "1"}
        if installer == "pip":
            base["PATH"] = os.pathsep.join(
                each for each in base.get("PATH", os.defpath).split(os.pathsep) if not shutil.which("uv", path=each)
            )
        self.environ = index.environ(base, timeout_seconds=2)

    def command(self, *arguments: str) -> list[str]:
        return [self._python, "-m", "stepengine", *arguments]

    def write_steps(self, *steps: tuple[str, str], **inputs: Any) -> None:
        """Write a file of build steps, each a name and what it requires, each in a line of its own."""
        lines = "".join(
            f"- {name}:\n    requires: {requires}\n" + "".join(f"    {each}: {inputs[each]}\n" for each in inputs)
            for name, requires in steps
        )
        self.write("prefect.yaml", f"build:\n{lines}")

    def install(self, *steps: tuple[str, str]) -> Outcome:
        """Run steps, with their environments made."""
        self.write_steps(*steps)
        return self.stepengine("run", "--install")

    def made(self) -> list[Path]:
        """The environments that are whole."""
        return sorted(each.parent for each in (self.cache / "environments").glob(f"*/{MANIFEST}"))

    def left(self) -> list[str]:
        """What is in the cache beside whole environments and their locks."""
        directory = self.cache / "environments"
        keys = [each.name for each in self.made()]
        whole = {*keys, *(f"{key}.lock" for key in keys)}
        return sorted({each.name for each in directory.iterdir()} - whole) if directory.is_dir() else []


def wait_until(condition: Callable[[], object], what: str = "it") -> None:
    """Wait until something holds, but not for ever."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def python_without_uv(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter with all packages of this one, and no uv beside it."""
    directory = tmp_path_factory.mktemp("python") / "without-uv"
    venv.EnvBuilder(symlinks=os.name != "nt", with_pip=False).create(directory)
    packages = packages_of(str(directory))
    own = sysconfig.get_path("purelib")
    with open(os.path.join(packages, "all.pth"), "w", encoding="utf-8") as file:
        file.write(f"import site; site.addsitedir({own!r})\n")
    return interpreter_of(str(directory))


def _project(tmp_path: Path, index: PackageIndex, python: str, installer: str) -> IsolatedProject:
    if installer == "uv" and not UV:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("uv is not installed")
    directory = tmp_path / "demos"
    directory.mkdir()
    return IsolatedProject(directory, index, python, installer)


@pytest.fixture
def isolated(tmp_path: Path, package_index: PackageIndex) -> IsolatedProject:
    """A project whose environments uv makes."""
    return _project(tmp_path, package_index, sys.executable, "uv")


@pytest.fixture(params=["uv", "pip"])
def either_project(
    request: pytest.FixtureRequest, tmp_path: Path, package_index: PackageIndex, python_without_uv: str
) -> IsolatedProject:
    """A project whose environments uv makes, or pip."""
    python = sys.executable if request.param == "uv" else python_without_uv
    return _project(tmp_path, package_index, python, request.param)

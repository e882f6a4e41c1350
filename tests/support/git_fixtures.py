"""The fixtures of the tests of `git_clone`, as a pytest plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stepengine_steps._git import command
from support.git_project import TOKEN, Step, Upstream
from support.git_server import GitServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def served(tmp_path: Path) -> Path:
    root = tmp_path / "served"
    root.mkdir()
    return root


@pytest.fixture
def server(served: Path) -> Iterator[GitServer]:
    with GitServer(served) as running:
        yield running


@pytest.fixture
def private(served: Path) -> Iterator[GitServer]:
    with GitServer(served, {f"{TOKEN}:"}) as running:
        yield running


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Upstream:
    root = tmp_path_factory.mktemp("original")
    repository = Upstream(root, root / "work", "demo")
    repository.commit("first", {"flows.py": "one", "shared/a.txt": "a", "other/b.txt": "b"})
    repository.commit("second", {"flows.py": "two"})
    return repository


@pytest.fixture
def upstream(original: Upstream, served: Path, tmp_path: Path) -> Upstream:
    return Upstream.copy(original, served, tmp_path / "work")


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Step:
    monkeypatch.setattr(command, "FIRST_DELAY_SECONDS", 0.01)
    for name in ("cwd", "home"):
        (tmp_path / name).mkdir()
    return Step(tmp_path / "cwd", tmp_path / "home")

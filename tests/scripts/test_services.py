"""`scripts/services` stops what it started, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPTS = Path(__file__).parents[2] / "scripts"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the services are for Linux")


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import service_processes  # type: ignore[import-not-found]

    return service_processes


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as child:
        yield child
        child.kill()


def test_a_recorded_process_is_stopped(processes: Any, sleeper: subprocess.Popen[bytes]) -> None:
    record = processes.identify(sleeper.pid)
    assert processes.is_running(record)
    processes.stop("sleeper", record)
    assert not processes.is_running(record)


def test_another_process_with_the_recorded_id_is_left_alone(processes: Any, sleeper: subprocess.Popen[bytes]) -> None:
    record = {**processes.identify(sleeper.pid), "started": "1"}
    assert not processes.is_running(record)
    processes.stop("sleeper", record)
    assert sleeper.poll() is None


def test_down_without_up_stops_nothing(tmp_path: Path) -> None:
    environ = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    command = [sys.executable, SCRIPTS / "services", "down"]
    done = subprocess.run(command, env=environ, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "services: nothing was started\n")


@pytest.mark.parametrize("arguments", [[], ["start"], ["up", "--now"]])
def test_anything_else_shows_how_to_call_it(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, SCRIPTS / "services", *arguments], check=False, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "scripts/services up" in done.stderr

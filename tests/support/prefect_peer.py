"""Prefect itself, in an environment of its own, to compare with; as a pytest plugin.

`STEPENGINE_PEERS` names an environment that has it; else one is made once, in the user's cache.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REQUIREMENTS = ("prefect==3.8.8", "prefect-docker==0.7.4", "fastapi==0.140.*")

_RUN_STEPS = """
import asyncio, json, os, sys
from prefect.deployments.steps.core import run_steps

async def main():
    answers = []
    for case in json.loads(sys.stdin.read()):
        os.chdir(case["directory"])
        answers.append(await run_steps(case["steps"], {}, print_function=lambda *a, **k: None))
    with open(sys.argv[1], "w") as file:
        json.dump(answers, file)

asyncio.run(main())
"""


class Prefect:
    """Runs Prefect's own code in its own interpreter."""

    def __init__(self, python: Path, home: Path) -> None:
        self._python = python
        self._home = home

    def run_steps(self, cases: list[tuple[list[Any], Path]], environ: dict[str, str]) -> list[Any]:
        """Give what Prefect's `run_steps` returns for some steps, each list run in a directory; one process for all."""
        answer = self._home / "answer.json"
        answer.unlink(missing_ok=True)
        done = subprocess.run(
            [self._python, "-c", _RUN_STEPS, answer],
            env={**os.environ, **environ, "PREFECT_HOME": str(self._home), "PREFECT_LOGGING_LEVEL": "ERROR"},
            input=json.dumps([{"steps": steps, "directory": str(directory)} for steps, directory in cases]),
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert answer.exists(), done.stderr[-3000:]
        return list(json.loads(answer.read_text()))


@pytest.fixture(scope="session")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Prefect:
    """Prefect; a person without it skips these tests, CI installs it."""
    named = os.environ.get("STEPENGINE_PEERS")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    root = Path(named) if named else cache / "stepengine-peers" / f"prefect-3.8.8-py{sys.version_info[1]}"
    python = root / "bin" / "python"
    if not (root / "complete").exists() and not named:
        if os.environ.get("CI") != "true":
            pytest.skip("no Prefect to compare with; set STEPENGINE_PEERS to an environment that has it")
        subprocess.run([sys.executable, "-m", "venv", "--clear", root], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *REQUIREMENTS], check=True, timeout=900)
        (root / "complete").touch()
    return Prefect(python, tmp_path_factory.mktemp("prefect-home"))

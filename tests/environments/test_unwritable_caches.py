"""Caches that cannot be written: full, a file, of another user."""

from __future__ import annotations

import os
import subprocess

import pytest

SAY = "def say():\n    return {'said': 'yes'}\n"


@pytest.fixture
def index(package_index):
    package_index.add("noise", "1.0", {"noise.py": SAY, "big.bin": b"\0" * 3_000_000})
    package_index.add("tone", "1.0", {"tone.py": SAY})
    return package_index


@pytest.fixture
def mount(tmp_path):
    """Mounts a file system of so many MiB in memory."""
    mounted = []

    def do(name, size):
        directory = tmp_path / name
        directory.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(directory)]
        try:
            done = subprocess.run(command, capture_output=True, check=False)
        except FileNotFoundError:
            pytest.skip("there is no mount")
        if done.returncode:
            pytest.skip("nothing may be mounted here")
        mounted.append(directory)
        return directory

    yield do
    for directory in mounted:
        subprocess.run(["umount", "-l", str(directory)], check=True)


def refuse(isolated, *said):
    isolated.write_steps(("noise.say", "noise"))
    outcome = isolated.stepengine("run", "--install", "--format", "json")
    assert outcome.code == 4, outcome.err
    error = outcome.json["error"]
    assert error["where"] == "prefect.yaml:3:15"
    assert error["hint"]
    assert "\n" not in error["message"]
    for each in said:
        assert each in error["message"]
    return error


def test_a_full_disk(either_project, index, mount):
    directory = mount("small", "2m")
    either_project.environ["STEPENGINE_CACHE_DIR"] = str(directory)
    assert "room" in refuse(either_project, "no space left")["hint"]
    assert os.listdir(directory / "environments") == []
    # What fits is made all the same.
    assert either_project.install(("tone.say", "tone")).code == 0


def test_files_that_may_not_grow(isolated, index):
    index.add("noise", "1.0", {"noise.py": SAY, "big.bin": b"\0" * 30_000_000})
    command = isolated.command
    limit = 'ulimit -f 20000 && exec "$@"'
    isolated.command = lambda *arguments: ["bash", "-c", limit, "bash", *command(*arguments)]
    refuse(isolated, "noise cannot be installed")
    assert isolated.left() == []


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/stepengine"])
def test_a_cache_that_cannot_be_a_directory(isolated, index, tmp_path, place):
    (tmp_path / "file").write_text("mine")
    isolated.environ["STEPENGINE_CACHE_DIR"] = str(tmp_path / place)
    assert "STEPENGINE_CACHE_DIR" in refuse(isolated, "no environment can be made in", place)["hint"]
    assert (tmp_path / "file").read_text() == "mine"
    listed = isolated.stepengine("env", "list")
    assert listed.code == 0
    assert listed.out.startswith("0 in ")


def test_a_cache_that_can_only_be_read_serves_what_it_has(isolated, index, mount):
    directory = mount("cache", "50m")
    isolated.environ["STEPENGINE_CACHE_DIR"] = str(directory)
    assert isolated.install(("tone.say", "tone")).code == 0
    subprocess.run(["mount", "-o", "remount,ro", str(directory)], check=True)
    again = isolated.stepengine("run")
    assert again.code == 0, again.err
    refuse(isolated, "Read-only file system")
    pruned = isolated.stepengine("env", "prune", "--all")
    assert pruned.code == 1
    assert "Read-only file system" in pruned.err

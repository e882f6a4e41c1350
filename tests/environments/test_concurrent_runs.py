"""Runs that need the same environment at once, and runs that are ended while they make one."""

from __future__ import annotations

import os
import signal

import pytest

from support.isolation import wait_until

SAY = """\
import os, time
def say():
    return {'said': 'yes'}
def wait():
    open('waiting', 'w').close()
    while not os.path.exists('go'):
        time.sleep(0.02)
"""
WHEEL = "noise-1.0-py3-none-any.whl"


@pytest.fixture
def index(package_index):
    package_index.add("noise", "1.0", {"noise.py": SAY})
    return package_index


def start_hanging(isolated, index):
    """Start a run whose installation hangs at the wheel."""
    isolated.environ |= {"UV_HTTP_TIMEOUT": "6"}
    index.fail("hang", part="wheel", times=1)
    index.fail("hang", part="metadata", times=1)
    isolated.write_steps(("noise.say", "noise"))
    process = isolated.start("run", "--install", "--format", "json")
    wait_until(lambda: any(each.status == 0 for each in index.requests), "the request that hangs")
    return process


@pytest.mark.parametrize("count", [2, 8])
def test_runs_at_once_make_what_they_need_once(isolated, index, count):
    isolated.environ["UV_NO_CACHE"] = "1"  # each of them would fetch it anew
    isolated.write_steps(("noise.say", "noise"))
    processes = [isolated.start("run", "--install") for _ in range(count)]
    for process in processes:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert index.downloads == [WHEEL]
    assert len(isolated.made()) == 1
    assert isolated.left() == []


def test_after_a_run_was_killed_in_the_middle_nothing_half_made_is_used(isolated, index):
    process = start_hanging(isolated, index)
    process.kill()
    process.communicate(timeout=10)
    assert isolated.made() == []
    assert isolated.left() != []
    listed = isolated.stepengine("env", "list")
    assert "half made" in listed.out
    # The installer that it has left behind may still write: the next run waits until it is gone.
    index.mend()
    again = isolated.stepengine("run", "--install")
    assert again.code == 0, again.err
    assert "waiting" in again.err
    assert isolated.left() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_in_the_middle_of_an_installation_leaves_nothing(isolated, index, number):
    process = start_hanging(isolated, index)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert '"status": "interrupted"' in out
    assert isolated.made() == []
    assert isolated.left() == []


def test_a_run_that_waits_for_another_can_be_interrupted(isolated, index):
    first = start_hanging(isolated, index)
    second = isolated.start("run", "--install")
    second_said = iter(second.stderr.readline, "")
    assert any("waiting for it" in line for line in second_said)
    second.send_signal(signal.SIGINT)
    second.communicate(timeout=20)
    assert second.returncode == 130
    assert first.poll() is None
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=20)
    assert isolated.left() == []


def test_what_a_run_uses_is_not_pruned(isolated, index):
    assert isolated.install(("noise.say", "noise")).code == 0
    isolated.write_steps(("noise.wait", "noise"), ("noise.say", "noise"))
    process = isolated.start("run")
    wait_until((isolated.directory / "waiting").exists, "the step")
    pruned = isolated.stepengine("env", "prune", "--all")
    assert pruned.code == 1
    assert "in use" in pruned.err
    isolated.write("go", "")
    _, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert isolated.stepengine("env", "prune", "--all").code == 0
    assert os.listdir(isolated.cache / "environments") == []

"""Whether something is installed: asked on a terminal, else only where it was allowed."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

SAY = "def say():\n    return {'said': 'yes'}\n"
QUESTION = b"Install? [y/N] "

pty = pytest.importorskip("pty")


@pytest.fixture
def index(package_index, isolated):
    package_index.add("noise", "1.0", {"noise.py": SAY})
    package_index.add("tone", "1.0", {"tone.py": SAY})
    isolated.write_steps(("noise.say", "noise"), ("tone.say", "tone==1.0"))
    return package_index


def on_terminal(isolated, answer, *arguments):
    """Run on a terminal, and answer its first question; give the exit code and what was shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        isolated.command("run", *arguments),
        cwd=isolated.directory,
        env={**isolated.environ, "TERM": "dumb"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown, answered = b"", answer is None
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            chunk = os.read(ours, 4096)
        except OSError:
            break
        if not chunk:
            break
        shown += chunk
        if not answered and QUESTION in shown:
            answered = True
            if isinstance(answer, bytes):
                os.write(ours, answer)
            else:
                process.send_signal(answer)
    code = process.wait(timeout=20)
    os.close(ours)
    return code, shown.decode("utf-8", "replace")


@pytest.mark.parametrize("answer", [b"y\n", b"YES\n"])
def test_on_a_terminal_one_question_names_all_that_is_missing(isolated, index, answer):
    code, shown = on_terminal(isolated, answer)
    assert code == 0, shown
    assert shown.count("Install?") == 1
    assert "noise" in shown.partition("Install?")[0]
    assert "tone==1.0" in shown.partition("Install?")[0]
    assert str(isolated.cache) in shown
    assert len(isolated.made()) == 2
    code, shown = on_terminal(isolated, None)
    assert code == 0
    assert "Install?" not in shown


@pytest.mark.parametrize("answer", [b"n\n", b"\n", b"\x04", b"yesterday\n", b"\xff\xfe\n"], ids=repr)
def test_any_other_answer_is_no(isolated, index, answer):
    code, shown = on_terminal(isolated, answer)
    assert code == 4, shown
    assert "stepengine run --install" in shown
    assert "bug" not in shown
    assert isolated.made() == []
    assert index.requests == []


def test_an_interruption_of_the_question(isolated, index):
    code, shown = on_terminal(isolated, signal.SIGINT)
    assert code == 130, shown
    assert index.requests == []


@pytest.mark.parametrize("setting", ["--install", "1", "true"])
def test_what_is_allowed_is_not_asked(isolated, index, setting):
    arguments = [setting] if setting.startswith("-") else []
    if not arguments:
        isolated.environ["STEPENGINE_INSTALL"] = setting
    code, shown = on_terminal(isolated, None, *arguments)
    assert code == 0, shown
    assert "Install?" not in shown


def test_without_a_terminal_the_command_that_allows_it_is_told(isolated, index):
    isolated.write("with space.yaml", (isolated.directory / "prefect.yaml").read_text())
    for setting in ("", "0"):
        isolated.environ["STEPENGINE_INSTALL"] = setting
        outcome = isolated.stepengine("run", "with space.yaml", "--format", "json", stdin="y\n")
        assert outcome.code == 4
        assert outcome.json["error"]["hint"] == "stepengine run 'with space.yaml' --format json --install"
        assert outcome.json["error"]["where"] == "with space.yaml:3:15"
    assert index.requests == []


def test_offline_nothing_is_asked_nor_fetched(isolated, index):
    code, shown = on_terminal(isolated, None, "--offline")
    assert code == 4
    assert "Install?" not in shown
    assert "--offline" in shown
    outcome = isolated.stepengine("run", "--offline", "--install")
    assert outcome.code == 4
    assert index.requests == []
    assert isolated.left() == []
    assert isolated.stepengine("run", "--install").code == 0
    index.close()
    assert isolated.stepengine("run", "--offline").code == 0


def test_a_format_of_nobody_is_refused_before_anything_is_installed(isolated):
    isolated.index.add("colour", "1.0")
    outcome = isolated.run(
        "build:\n- run_shell_script: {requires: colour, script: 'true'}\n", "--install", "--format", "of-nobody"
    )
    assert outcome.code == 2
    assert "there is no format 'of-nobody'" in outcome.err
    assert not isolated.made()

"""What the run's context offers a step: the same in this process and in a child process."""

from __future__ import annotations

import os
import signal
import time

import pytest

STEP = """
from __future__ import annotations
import logging
from stepengine.plugin import Context

def act(*, context: Context):
    {body}
"""
BUILD = "build:\n- my_steps.act:\n    id: act\n"
PLACES = pytest.mark.parametrize("text", [BUILD, BUILD.replace("build", "pull")], ids=["here", "child"])


@pytest.fixture
def acting(cli):
    """Gives a project with a step of the given body."""
    cli.environ["PYTHONPATH"] = str(cli.directory)

    def make(body: str):
        cli.write("my_steps.py", STEP.format(body=body.replace("\n", "\n    ")))
        return cli

    return make


def lines_of(outcome):
    return [line.strip() for line in outcome.err.splitlines()]


@PLACES
def test_the_loggers_records_are_lines_of_the_steps_output(acting, text):
    cli = acting(
        "log = context.logger\nlog.debug('not shown')\nlog.info('%d of %d', 1, 2)\nlog.warning('two\\nlines')\n"
        "log.error('bad')\nlog.getChild('part').info('of a part')\nlog.setLevel('DEBUG')\nlog.debug('shown')\n"
        "log.info('no number: %d', 'x')"
    )
    lines = lines_of(cli.run(text, "--pull-in", "here"))
    at = lines.index("1 of 2")
    assert lines[at : at + 7] == [
        "1 of 2", "warning: two", "lines", "error: bad", "of a part", "shown", "no number: %d ('x',)",
    ]  # fmt: skip
    assert "not shown" not in lines


@PLACES
def test_an_exception_is_logged_with_its_traceback_and_without_secrets(acting, text):
    cli = acting(
        "token = context.secret('opensesame')\nassert token == 'opensesame'\n"
        "try:\n    raise ValueError(token)\nexcept ValueError:\n    context.logger.exception('failed with %s', token)"
    )
    cli.write("prefect.yaml", text)
    process = cli.start("run", "--pull-in", "here")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "error: failed with ***" in err
    assert "ValueError: ***" in err
    assert "opensesame" not in err


@PLACES
def test_the_logger_reaches_no_other(acting, text):
    cli = acting(
        "logging.basicConfig(format='ROOT %(message)s', level=0)\n"
        "context.logger.warning('once')\ncontext.logger.getChild('x').warning('twice')\n"
        "assert context.logger is context.logger\nassert 'step' not in logging.root.manager.loggerDict\n"
    )
    outcome = cli.run(text, "--pull-in", "here")
    assert outcome.code == 0, outcome.err
    assert "ROOT" not in outcome.err
    assert "warning: once" in lines_of(outcome)
    assert "warning: twice" in lines_of(outcome)


def test_logging_costs_nothing_until_it_is_used(cli):
    cli.write(
        "see.py",
        "import sys\nfrom stepengine.plugin import Context\ndef see(context: Context):\n    assert 'logging' not in sys.modules\n",
    )
    outcome = cli.run("build:\n- see.see: {}\n")
    assert outcome.code == 0, outcome.err


@PLACES
def test_a_run_that_nobody_ends_is_not_cancelled(acting, text):
    assert acting("assert not context.cancelled\ncontext.check_cancelled()").run(text, "--pull-in", "here").code == 0


CAUGHT = """
import threading, time
told = []
def work():
    while not context.cancelled:
        time.sleep(0.01)
    told.append('thread')
    try:
        context.check_cancelled()
    except KeyboardInterrupt:
        told.append('checked')
thread = threading.Thread(target=work)
thread.start()
open(WAITING, 'w').close()
try:
    while True:
        time.sleep(0.05)
except KeyboardInterrupt:
    thread.join(5)
    with open(TOLD, 'w') as file:
        print(*told, context.cancelled, file=file)
    raise
"""


@PLACES
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_steps_threads_learn_that_the_run_is_to_end(acting, text, number):
    body = CAUGHT.strip()
    cli = acting("pass")
    body = body.replace("WAITING", repr(str(cli.directory / "waiting"))).replace(
        "TOLD", repr(str(cli.directory / "told"))
    )
    cli = acting(body)
    cli.write("prefect.yaml", text)
    with cli.start("run", "--pull-in", "here") as process:
        deadline = time.monotonic() + 30
        while not (cli.directory / "waiting").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(process.pid, number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert (cli.directory / "told").read_text().split() == ["thread", "checked", "True"]


@pytest.mark.parametrize("section", ["build", "pull"])
def test_each_step_has_a_logger_of_its_own(acting, section):
    cli = acting("context.logger.debug('hidden')\ncontext.logger.setLevel('DEBUG')\ncontext.logger.debug('shown')")
    outcome = cli.run(f"{section}:\n- my_steps.act: {{}}\n- my_steps.act: {{}}\n", "--pull-in", "here")
    assert outcome.code == 0, outcome.err
    assert lines_of(outcome).count("shown") == 2
    assert "hidden" not in lines_of(outcome)

"""Plugins that hear of every run."""

from __future__ import annotations

import json

import pytest

from support.distributions import install

LISTENER = """
import sys
from stepengine.plugin import StepFinished, StepOutput

def stepengine_listeners():
    {given}

def listen(event):
    {body}
"""
FILE = """\
build:
- my_steps.talk:
    id: talk
- run_shell_script:
    script: echo done
"""


@pytest.fixture
def listening(cli):
    """Gives a project whose first step prints, and a plugin with the body of a listener."""
    cli.write("my_steps.py", "def talk():\n    print('one')\n    print('two')\n")

    def make(body: str, given: str = "yield listen"):
        text = LISTENER.format(given=given.replace("\n", "\n    "), body=body.replace("\n", "\n    "))
        install(cli, "my-metrics", {"stepengine/metrics": "metrics_plugin"}, metrics_plugin=text)
        return cli

    return make


NOTE = "with open('heard', 'a') as file:\n    print(type(event).__name__, file=file)"


@pytest.mark.parametrize("arguments", [(), ("--quiet",), ("--format", "json")])
def test_it_hears_of_every_event_whatever_the_format(listening, arguments):
    cli = listening(NOTE)
    assert cli.run(FILE, *arguments).code == 0
    heard = (cli.directory / "heard").read_text().split()
    assert heard == [
        "PipelineStarted", "StepStarted", "StepOutput", "StepOutput", "StepFinished",
        "StepStarted", "StepOutput", "StepFinished", "PipelineFinished", "RunFinished",
    ]  # fmt: skip


def test_the_document_is_alone_on_standard_output(listening):
    cli = listening("print(type(event).__name__)")
    outcome = cli.run(FILE, "--format", "json")
    assert json.loads(outcome.out)["status"] == "succeeded"
    assert "PipelineStarted" in outcome.err


@pytest.mark.parametrize("body", ["print('heard', event)", "print('heard', event, file=sys.stderr)"])
def test_one_that_prints_does_not_hear_itself(listening, body):
    cli = listening(f"if isinstance(event, StepOutput):\n    {body}")
    outcome = cli.run(FILE)
    assert outcome.code == 0
    assert outcome.err.count("heard StepOutput") == 3


def test_what_it_prints_is_masked(listening):
    cli = listening("import os\nprint('has', os.environ['MY_TOKEN'])")
    cli.environ["MY_TOKEN"] = "opensesame"
    outcome = cli.run(FILE)
    assert "has ***" in outcome.err
    assert "opensesame" not in outcome.out + outcome.err


@pytest.mark.parametrize("raised", ["ValueError('no network')", "SystemExit('no network')", "OSError('no network')"])
@pytest.mark.parametrize("arguments", [(), ("--format", "json")])
def test_one_that_fails_is_told_of_once_and_the_run_goes_on(listening, raised, arguments):
    cli = listening(f"if isinstance(event, StepOutput):\n    raise {raised}")
    outcome = cli.run(FILE, *arguments)
    assert outcome.code == 0
    name = raised.partition("(")[0]
    told = f"warning: the plugin metrics of my-metrics 1.2 hears no more: {name}: no network"
    assert outcome.err.count(told) == 1
    assert outcome.err.count("hears no more") == 1


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("raise RuntimeError('broken')", "the plugin metrics of my-metrics 1.2 is left out: RuntimeError: broken"),
        ("return [1, listen]", "stepengine_listeners gives a int, which is not callable"),
    ],
)
def test_one_that_cannot_begin_is_left_out_with_a_word(listening, given, told):
    outcome = listening("pass", given).run(FILE)
    assert outcome.code == 0
    assert told in outcome.err


def test_it_may_hear_after_another_has_failed(listening):
    cli = listening("raise ValueError('first')", "yield listen\nyield lambda event: open('heard', 'a').write('.')")
    assert cli.run(FILE).code == 0
    assert (cli.directory / "heard").read_text() == "." * 10


def test_secrets_are_masked_in_what_it_hears(listening):
    cli = listening("with open('heard', 'a') as file:\n    print(event, file=file)")
    cli.environ["MY_TOKEN"] = "opensesame"
    cli.run("build:\n- run_shell_script:\n    id: leak\n    script: echo {{ $MY_TOKEN }}\n")
    assert "***" in (cli.directory / "heard").read_text()
    assert "opensesame" not in (cli.directory / "heard").read_text()

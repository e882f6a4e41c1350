"""What plugins put around each step."""

from __future__ import annotations

import pytest

from support.distributions import install

WRAPPER = """
from stepengine.plugin import StepError, StepWrapper

def stepengine_step_wrappers():
    yield StepWrapper("a test", wrap)

def wrap(call, inputs):
    {body}
"""
STEP = "build:\n- my_steps.give:\n    id: given\n    n: 1\n"
GIVE = "def give(n):\n    print('the step has', n)\n    return {'n': n}\n"


@pytest.fixture
def wrapped(cli):
    """Gives a project with a step, and a plugin with the body of a wrapper's function."""
    cli.write("my_steps.py", GIVE)

    def make(body: str, name: str = "around"):
        text = WRAPPER.format(body=body.replace("\n", "\n    "))
        install(cli, name, {f"stepengine/{name}": f"{name}_plugin"}, **{f"{name}_plugin": text})
        return cli

    return make


def outputs_of(document):
    return document["pipelines"][0]["outputs"]


def test_a_wrapper_may_change_inputs_and_outputs(wrapped):
    cli = wrapped("outputs = call.proceed({**inputs, 'n': 41})\nreturn {**outputs, 'label': call.step.label}")
    result = cli.result(STEP)
    assert outputs_of(result)["given"] == {"n": 41, "label": "given"}


@pytest.mark.parametrize("section", ["build", "pull"])
def test_what_a_wrapper_prints_is_the_steps_output_without_secrets(wrapped, section):
    cli = wrapped("print('before', 'opensesame-42')\noutputs = call.proceed(inputs)\nprint('after')\nreturn outputs")
    cli.environ["MY_TOKEN"] = "opensesame-42"
    cli.environ["PYTHONPATH"] += f":{cli.directory}"
    outcome = cli.run(STEP.replace("build", section), "--pull-in", "here")
    assert outcome.code == 0, outcome.err
    lines = [line.strip() for line in outcome.err.splitlines()]
    at = lines.index("before ***")
    assert lines[at : at + 3] == ["before ***", "the step has 1", "after"]
    assert outcome.out == ""


def test_what_a_wrapper_emits_is_reported_in_the_steps_name(wrapped):
    cli = wrapped(
        "call.emit('secret', {'value': 'opensesame'})\ncall.emit('warning', {'message': 'opensesame is open'})\n"
        "call.emit('output', {'stream': 'stdout', 'line': 'opensesame'})\nreturn call.proceed(inputs)"
    )
    outcome = cli.run(STEP)
    assert "warning: given: *** is open" in outcome.err
    assert "opensesame" not in outcome.err


def test_a_wrapper_may_try_again(wrapped):
    cli = wrapped("try:\n    return call.proceed(inputs)\nexcept OSError:\n    return call.proceed(inputs)")
    cli.write(
        "my_steps.py",
        "import os\ndef give(n):\n    if not os.path.exists('tried'):\n        open('tried', 'w').close()\n"
        "        raise OSError('first')\n    return {'n': n}\n",
    )
    assert outputs_of(cli.result(STEP))["n"] == 1


def test_a_wrapper_may_answer_in_the_steps_place(wrapped):
    result = wrapped("return {'n': 'answered'}").result(STEP)
    assert outputs_of(result)["n"] == "answered"


def test_a_wrapper_sees_secrets_in_the_clear_and_nobody_else_does(wrapped):
    cli = wrapped("assert inputs['n'] == 'opensesame'\nraise ValueError(inputs['n'])")
    cli.environ["MY_TOKEN"] = "opensesame"
    outcome = cli.run(STEP.replace("1", "'{{ $MY_TOKEN }}'"))
    assert outcome.code == 1
    assert "ValueError: ***" in outcome.err


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "raise RuntimeError('no network')",
            "the plugin around of around 1.2 (a test) failed: RuntimeError: no network",
        ),
        ("raise SystemExit(0)", "the plugin around of around 1.2 (a test) failed: SystemExit: 0"),
        (
            "raise StepError('not on a Friday', hint='wait')",
            "the plugin around of around 1.2 (a test): not on a Friday",
        ),
        (
            "call.proceed(inputs)",
            "the plugin around of around 1.2 (a test) gives a NoneType for the outputs of the step",
        ),
        ("return [1]", "the plugin around of around 1.2 (a test) gives a list for the outputs of the step"),
        ("import os; os._exit(0)", "the plugin around of around 1.2 (a test): it called os._exit(0)"),
    ],
)
def test_a_wrapper_that_fails_fails_the_step_and_is_named(wrapped, body, message):
    outcome = wrapped(body).run(STEP)
    assert outcome.code == 1
    assert f"error: {message}" in outcome.err
    assert "prefect.yaml:2:3 (build step given)" in outcome.err


def test_the_steps_own_failure_is_its_own(wrapped):
    cli = wrapped("try:\n    return call.proceed(inputs)\nfinally:\n    print('cleaned up')")
    cli.write("my_steps.py", "def give(n):\n    raise ValueError('mine')\n")
    outcome = cli.run(STEP)
    assert outcome.code == 1
    assert "error: ValueError: mine" in outcome.err
    assert "the plugin" not in outcome.err
    assert "cleaned up" in outcome.err


@pytest.mark.parametrize(("returned", "warned"), [("None", False), ("5", True)])
def test_a_step_without_outputs_gives_an_empty_mapping(wrapped, returned, warned):
    cli = wrapped("outputs = call.proceed(inputs)\nassert outputs == {}\nreturn {'n': 'none'}")
    cli.write("my_steps.py", f"def give(n):\n    return {returned}\n")
    outcome = cli.run(STEP)
    assert outcome.code == 0, outcome.err
    assert ("it returned an int, which is no mapping: it has no outputs" in outcome.err) is warned


def test_the_first_of_several_is_outermost(wrapped):
    wrapped("print('a in')\noutputs = call.proceed(inputs)\nprint('a out')\nreturn outputs", "aaa")
    cli = wrapped("print('b in')\noutputs = call.proceed(inputs)\nprint('b out')\nreturn outputs", "bbb")
    lines = [line.strip() for line in cli.run(STEP).err.splitlines()]
    assert [line for line in lines if line[:2] in ("a ", "b ", "th")] == [
        "a in",
        "b in",
        "the step has 1",
        "b out",
        "a out",
    ]


def test_a_wrapper_may_send_the_next_step_elsewhere(wrapped):
    cli = wrapped("call.place.enter('/', {**call.place.environ, 'SET': 'here'})\nreturn call.proceed(inputs)")
    text = STEP + "- run_shell_script:\n    id: see\n    shell: true\n    script: echo $PWD $SET\n"
    assert outputs_of(cli.result(text))["see"]["stdout"] == "/ here"


@pytest.mark.parametrize("command", ["validate", "plan"])
def test_what_runs_nothing_imports_no_wrapper(wrapped, command):
    cli = wrapped("return call.proceed(inputs)")
    cli.write("site/around_plugin.py", "def stepengine_step_wrappers(): ...\nraise RuntimeError('imported')\n")
    cli.write("prefect.yaml", STEP)
    assert "imported" not in cli.stepengine(command).err


@pytest.mark.docker
def test_it_works_around_a_step_in_a_container(wrapped, services):
    cli = wrapped(
        "print('before', call.place.description)\noutputs = call.proceed(inputs)\nprint('after')\nreturn outputs"
    )
    text = "pull:\n- run_shell_script:\n    id: inside\n    script: echo inside\n"
    outcome = cli.run(text, "--pull-in", f"image={services.base}")
    assert outcome.code == 0, outcome.err
    lines = [line.strip() for line in outcome.err.splitlines()]
    at = lines.index(f"before in a container of {services.base}")
    assert lines[at : at + 3] == [lines[at], "inside", "after"]

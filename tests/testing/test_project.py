"""The project fixture: files, environment, and runs that leave the process as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from stepengine.plugin import Context, StepError, step
from stepengine.testing import Project

ECHO = """
build:
- run_shell_script:
    id: greet
    script: echo hello
- run_shell_script:
    id: shout
    script: echo {{ greet.stdout }}!
"""


@step(outputs=["shout"])
def upper(text: str, times: int = 1, *, context: Context) -> dict[str, str]:
    """Say it loud."""
    context.write(f"{times} times")
    return {"shout": text.upper() * times}


def test_a_file_runs_and_its_outputs_are_there_by_id(stepengine_project):
    outcome = stepengine_project.run(ECHO).assert_succeeded()
    assert outcome.exit_code == 0
    assert outcome.outputs["shout"]["stdout"] == "hello!"
    assert [each.id for each in outcome.steps] == ["greet", "shout"]
    assert outcome.step("greet").lines == ["hello"]
    assert "succeeded: 2 steps" in outcome.text


def test_options_are_those_of_the_command(stepengine_project):
    outcome = stepengine_project.run(ECHO, "--set", "greet.script=echo moin").assert_succeeded()
    assert outcome.outputs["shout"]["stdout"] == "moin!"
    stepengine_project.run(None, "--no-such-option").assert_refused("usage", match="unrecognized")


def test_deployments_are_given_with_references_resolved(stepengine_project):
    text = ECHO + "deployments:\n- name: daily\n  description: 'says {{ shout.stdout }}'\n"
    assert stepengine_project.run(text).deployments["daily"]["description"] == "says hello!"


def test_a_single_step_runs_by_name(stepengine_project):
    outcome = stepengine_project.run_step("run_shell_script", {"script": "echo said"})
    assert outcome.outputs["step"]["stdout"] == "said"
    stepengine_project.setenv("X", "set")
    stepengine_project.run_step("run_shell_script", {"script": "printenv X"}).assert_printed("^set$", step="step")
    stepengine_project.delenv("X")
    stepengine_project.run_step("run_shell_script", {"script": "printenv X"}).assert_failed()


def test_a_single_step_runs_by_function(stepengine_project):
    outcome = stepengine_project.run_step(upper, {"text": "a", "times": 3}).assert_succeeded()
    assert outcome.outputs["step"] == {"shout": "AAA"}
    assert outcome.step("step").stdout == "3 times"
    assert outcome.step("upper").name == "upper"


def test_a_function_that_is_registered_runs_under_its_name(stepengine_project):
    from stepengine_steps.directory import set_working_directory

    stepengine_project.write("sub/file.txt", "")
    outcome = stepengine_project.run_step(set_working_directory, {"directory": "sub"}).assert_succeeded()
    assert outcome.step("step").name == "set_working_directory"


def test_functions_are_checked_as_a_files_steps_are(stepengine_project):
    stepengine_project.run_step(upper, {"text": "a", "tmes": 3}).assert_refused("unknown-input", match="times")
    stepengine_project.run_step(upper).assert_refused("missing-input")
    stepengine_project.run_step("run_shel_script").assert_refused("unknown-step", match="run_shell_script")


def test_plain_coroutine_and_nested_functions_are_steps_too(stepengine_project):
    async def wait(seconds: float):
        sys.stdout.write(f"waited {seconds}\n")
        return {"seconds": seconds}

    outcome = stepengine_project.run_step(wait, {"seconds": 0.5}).assert_printed("waited 0.5")
    assert outcome.outputs["step"] == {"seconds": 0.5}
    assert stepengine_project.run_step(lambda: {"a": 1}).outputs["step"] == {"a": 1}


def test_a_workers_step_runs_in_this_process(stepengine_project):
    seen = []

    @step(phase="worker")
    def pull() -> None:
        seen.append(os.getcwd())

    outcome = stepengine_project.run_step(pull).assert_succeeded()
    assert seen == [str(stepengine_project.directory)]
    assert not outcome.warnings
    assert outcome.step("step").section == "pull"


def test_a_steps_inputs_may_have_placeholders(stepengine_project):
    stepengine_project.set_block("secret", "token", {"value": "hunter2hunter2"})
    stepengine_project.set_variable("region", "eu-west-1")
    script = "echo {{ prefect.blocks.secret.token.value }} in {{ prefect.variables.region }}"
    outcome = stepengine_project.run_step("run_shell_script", {"script": script}).assert_succeeded()
    outcome.assert_hidden("hunter2hunter2")
    assert outcome.outputs["step"]["stdout"] == "*** in eu-west-1"


def test_a_step_does_not_see_the_file_that_it_is_run_from(stepengine_project):
    assert stepengine_project.run_step("run_shell_script", {"script": "ls -A"}).step("step").lines == []
    assert os.listdir(stepengine_project.directory) == []


def test_what_is_no_data_is_no_input(stepengine_project):
    with pytest.raises(TypeError, match="object"):
        stepengine_project.run_step(upper, {"text": object()})
    assert os.listdir(stepengine_project.directory) == []


def test_the_environment_is_that_of_no_user(stepengine_project, monkeypatch):
    monkeypatch.setenv("DEPLOY_TOKEN", "of-the-developer")
    fresh = Project(stepengine_project.directory, stepengine_project.environ["HOME"])
    outcome = fresh.run_step("run_shell_script", {"script": "env"})
    names = {line.partition("=")[0] for line in outcome.step("step").lines}
    assert "PATH" in names
    assert "DEPLOY_TOKEN" not in names
    assert fresh.environ["HOME"] != os.path.expanduser("~")


def test_two_projects_may_have_modules_of_one_name(tmp_path):
    for name in ("one", "two"):
        project = Project(tmp_path / name, tmp_path / "home")
        project.write("helpers/inner.py", f"def say():\n    return {{'name': {name!r}}}\n")
        project.write("steps.py", "from helpers import inner\n\ndef say():\n    return inner.say()\n")
        outcome = project.run("build:\n- steps.say:\n    id: said\n").assert_succeeded()
        assert outcome.outputs["said"] == {"name": name}
    assert "steps" not in sys.modules
    assert "helpers.inner" not in sys.modules


def test_the_process_is_as_it_was(stepengine_project, capfd):
    def messy() -> None:
        os.environ["LEFT_BEHIND"] = "1"
        os.environ.pop("PATH", None)
        os.chdir("/")
        sys.path.append("/nowhere")
        sys.stdout.write("printed by Python\n")
        os.write(1, b"printed by a descriptor\n")
        subprocess.run(["/bin/sh", "-c", "echo printed by a child >&2"], check=True)

    def state():
        streams = [os.fstat(number).st_ino for number in (0, 1, 2)]
        handler = signal.getsignal(signal.SIGINT)
        return dict(os.environ), os.getcwd(), list(sys.path), sys.stdout, sys.stderr, streams, handler

    before = state()
    outcome = stepengine_project.run_step(messy).assert_succeeded()
    assert state() == before
    assert {"printed by Python", "printed by a descriptor"} <= set(outcome.step("step").stdout.splitlines())
    assert outcome.step("step").stderr == "printed by a child"
    assert capfd.readouterr() == ("", "")


def test_the_process_is_as_it_was_after_a_failure(stepengine_project):
    def fail() -> None:
        os.chdir("/")
        os.environ["LEFT_BEHIND"] = "1"
        raise StepError("no", hint="yes")

    before = dict(os.environ), os.getcwd()
    outcome = stepengine_project.run_step(fail).assert_failed("^no$").assert_failed("^yes$", step="fail")
    assert (outcome.message, outcome.hint, outcome.exit_code) == ("no", "yes", 1)
    assert (dict(os.environ), os.getcwd()) == before


def test_an_exception_of_a_step_is_its_failure_and_a_missing_requirement_ends_with_4(stepengine_project):
    def fail() -> None:
        raise ValueError("of the step")

    stepengine_project.run_step(fail).assert_failed("ValueError: of the step")
    text = "build:\n- run_shell_script:\n    requires: 'no-such-distribution>=1'\n    script: echo\n"
    outcome = stepengine_project.run(text)
    assert outcome.exit_code == 4
    outcome.assert_failed("no-such-distribution", exit_code=4)


def test_an_interruption_of_a_step_is_told(stepengine_project):
    def interrupt() -> None:
        raise KeyboardInterrupt

    assert stepengine_project.run_step(interrupt).exit_code == 130


def test_ctrl_c_ends_the_test_session_too(stepengine_project):
    def press() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        stepengine_project.run_step(press)


def test_the_file_is_refused_with_its_diagnostics(stepengine_project):
    outcome = stepengine_project.run("build:\n- run_shell_script:\n    scrip: echo\n")
    outcome.assert_refused("unknown-input", match="script", line=3)
    assert outcome.exit_code == 2
    assert outcome.result is None
    assert [found.code for found in outcome.diagnostics] == ["unknown-input"]
    assert "run_shell_script" in outcome.diagnostics[0].message
    assert "prefect.yaml:3:5: error" in outcome.text
    stepengine_project.directory.joinpath("prefect.yaml").unlink()
    stepengine_project.run().assert_refused("usage", match="no file prefect.yaml")


def test_warnings_of_the_file_and_of_steps_are_told(stepengine_project):
    def careful(*, context: Context) -> None:
        context.warn("mind the gap")

    outcome = stepengine_project.run_step(careful)
    assert outcome.warnings == ["mind the gap"]
    assert outcome.step("step").warnings == ("mind the gap",)
    text = "pull:\n- build_docker_image:\n    image_name: app\n"
    outcome = stepengine_project.run(text, "--pull-in", "skip").assert_succeeded()
    assert "build_docker_image is a step for the deployer; pull runs on the worker" in outcome.warnings
    assert outcome.step("build_docker_image").status == "skipped"

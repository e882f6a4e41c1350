"""Assertions that fail say why: what was wanted, and what the command line would have shown."""

from __future__ import annotations

import pytest


@pytest.fixture
def passed(stepengine_project):
    return stepengine_project.run("build:\n- run_shell_script:\n    id: greet\n    script: echo hello\n")


@pytest.fixture
def failed(stepengine_project):
    return stepengine_project.run(
        "build:\n- run_shell_script:\n    id: greet\n    script: sh -c 'echo so far; exit 3'\n"
    )


@pytest.fixture
def refused(stepengine_project):
    return stepengine_project.run("build:\n- run_shel_script:\n")


@pytest.mark.parametrize(
    ("which", "check", "told"),
    [
        ("failed", lambda o: o.assert_succeeded(), ["did not succeed", "3", "| ", "so far"]),
        ("passed", lambda o: o.assert_failed(), ["exit code is 0, not 1", "| ", "hello"]),
        ("failed", lambda o: o.assert_failed("another reason"), ["'another reason' is not in the failure", "so far"]),
        ("failed", lambda o: o.assert_failed(exit_code=4), ["exit code is 1, not 4"]),
        ("failed", lambda o: o.assert_failed(step="gret"), ["no step is called 'gret'; there are: greet"]),
        ("passed", lambda o: o.assert_refused(), ["nothing was refused: the exit code is 0"]),
        ("refused", lambda o: o.assert_refused("unknown-input"), ["no problem fits unknown-input", "unknown-step"]),
        ("refused", lambda o: o.assert_refused(line=9), ["no problem fits line 9"]),
        ("refused", lambda o: o.assert_succeeded(), ["there is no step run_shel_script"]),
        ("passed", lambda o: o.assert_printed("good ?bye"), ["nobody printed 'good ?bye'", "greet: hello"]),
        ("passed", lambda o: o.assert_hidden("hello"), ["the secret shows in the outcome's text"]),
    ],
)
def test_a_failing_assertion_says_what_was_seen(request, which, check, told):
    with pytest.raises(AssertionError) as caught:
        check(request.getfixturevalue(which))
    for text in told:
        assert text in str(caught.value)


def test_several_steps_of_one_name_need_ids(stepengine_project):
    two = "- run_shell_script:\n    script: echo\n"
    outcome = stepengine_project.run(f"build:\n{two}{two}")
    with pytest.raises(AssertionError, match="2 steps are called 'run_shell_script': give them ids"):
        outcome.step("run_shell_script")


def test_assertions_chain(passed, failed, refused):
    assert passed.assert_succeeded().assert_printed("hello", step="greet").assert_hidden("password") is passed
    assert failed.assert_failed("3", step="greet").assert_printed("so far") is failed
    assert refused.assert_refused("unknown-step", match="did you mean 'run_shell_script'", line=2) is refused

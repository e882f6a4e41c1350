"""Record and replay: what is kept, what is replayed, what is told where a call is not there."""

from __future__ import annotations

import json
import os

import pytest

from stepengine.plugin import Context, StepError
from stepengine.testing import Cassette, CassetteError
from stepengine.testing.cassette_file import default_path

STEPS = """
import os

ran = []

def leave(directory: str, variable: str = "", gone: str = ""):
    ran.append("leave")
    os.makedirs(directory, exist_ok=True)
    os.chdir(directory)
    if variable:
        os.environ["VARIABLE"] = variable
    os.environ.pop(gone, None)
    print("left")
    return {"where": os.getcwd()}

def look():
    ran.append("look")
    print("looking", flush=True)
    return {"where": os.getcwd(), "variable": os.environ.get("VARIABLE"), "home": os.environ.get("HOME")}

def fail(message: str):
    ran.append("fail")
    print("so far")
    raise ValueError(message)
"""


@pytest.fixture
def cassette_path(tmp_path):
    return tmp_path / "cassettes" / "kept.json"


@pytest.fixture
def play(stepengine_project, cassette_path):
    """Runs a file with a cassette in a mode, and gives its outcome and the cassette."""
    stepengine_project.write("steps.py", STEPS)

    def play(text, mode, *options, live=()):
        cassette = stepengine_project.cassette = Cassette(cassette_path, mode)
        cassette.live = frozenset(live)
        cassette.portable("project", str(stepengine_project.directory))
        outcome = stepengine_project.run(text, *options)
        cassette.save()
        return outcome, cassette

    return play


def both(play, text, *options):
    """A run that was recorded, and the same replayed."""
    recorded, first = play(text, "all", *options)
    assert recorded.result is not None, recorded.text
    replayed, second = play(text, "none", *options)
    assert first.recorded == len([step for step in recorded.steps if step.status in ("succeeded", "failed")])
    assert second.recorded == 0
    second.assert_all_played()
    return recorded, replayed


def timeless(outcome):
    steps = [step._replace(failure=step.failure and step.failure._replace(frames="")) for step in outcome.steps]
    return outcome.exit_code, steps, outcome.outputs, outcome.message, outcome.hint, outcome.warnings


def test_a_replayed_run_tells_what_the_recorded_one_did(play):
    text = "build:\n- steps.leave: {id: a, directory: sub, variable: set}\n- steps.look: {id: b}\n- run_shell_script: {id: c, script: 'echo {{ b.where }}'}\n"
    recorded, replayed = both(play, text)
    assert timeless(replayed) == timeless(recorded)
    assert replayed.step("c").lines == replayed.outputs["c"]["stdout"].splitlines()


def test_nothing_runs_in_replay(play, stepengine_project):
    text = "build:\n- run_shell_script: {script: touch made}\n"
    both(play, text)
    made = stepengine_project.directory / "made"
    made.unlink()
    play(text, "none")
    assert not made.exists()


def test_successors_start_where_a_replayed_step_left_them(play, stepengine_project):
    stepengine_project.setenv("GONE", "here")
    text = "build:\n- steps.leave: {id: a, directory: sub, variable: set, gone: GONE}\n- steps.look: {id: b}\n- run_shell_script:\n    script: sh -c 'echo [$GONE]'\n"
    _, _ = both(play, text)
    replayed, _ = play(text, "none", live=["look", "run_shell_script"])
    assert replayed.outputs["b"]["where"] == str(stepengine_project.directory / "sub")
    assert replayed.outputs["b"]["variable"] == "set"
    replayed.assert_printed(r"^\[\]$")


def test_a_failure_is_replayed(play):
    text = "build:\n- steps.fail: {message: of the author}\n- steps.look: {}\n"
    recorded, replayed = both(play, text)
    assert timeless(replayed) == timeless(recorded)
    replayed.assert_failed("ValueError: of the author").assert_printed("so far")
    assert replayed.steps[1].status == "skipped"


def test_a_step_error_keeps_its_hint_and_output(stepengine_project, cassette_path):
    def fail() -> None:
        raise StepError("it failed", hint="do this", output="the end")

    for mode in ("all", "none"):
        stepengine_project.cassette = Cassette(cassette_path, mode)
        failure = stepengine_project.run_step(fail).step("fail").failure
        stepengine_project.cassette.save()
        assert (failure.message, failure.hint, failure.output) == ("it failed", "do this", "the end")


def test_warnings_are_replayed_once(stepengine_project, cassette_path):
    def warn(*, context: Context) -> int:
        context.warn("mind the gap")
        return 3

    told = []
    for mode in ("all", "none"):
        stepengine_project.cassette = Cassette(cassette_path, mode)
        told.append(stepengine_project.run_step(warn).warnings)
        stepengine_project.cassette.save()
    assert told[0] == told[1] == ["mind the gap", "it returned an int, which is no mapping: it has no outputs"]


def test_pull_steps_are_replayed_without_their_place(play, stepengine_project, monkeypatch):
    text = "pull:\n- steps.leave: {id: a, directory: sub}\n- steps.look: {id: b}\n"
    recorded, _ = play(text, "all")
    assert "stepengine-pull-" in recorded.outputs["b"]["where"]
    monkeypatch.setattr("tempfile.mkdtemp", None)
    replayed, cassette = play(text, "none")
    cassette.assert_all_played()
    assert replayed.outputs["b"]["where"] == str(stepengine_project.directory / "pull" / "sub")
    assert replayed.result.pipelines[0].pull.kind == "here"


def test_a_pull_step_that_the_cassette_lacks_runs_where_the_replayed_ones_left_it(play):
    first = "pull:\n- steps.leave: {id: a, directory: ., variable: set}\n"
    play(first, "all")
    outcome, cassette = play(first + "- steps.look: {id: b}\n", "new")
    assert cassette.recorded == 1
    assert outcome.outputs["b"]["variable"] == "set"
    assert "stepengine-pull-" in outcome.outputs["b"]["where"]
    replayed, _ = play(first + "- steps.look: {id: b}\n", "none")
    assert replayed.assert_succeeded().outputs["b"]["variable"] == "set"


def test_paths_of_the_machine_are_not_in_the_file(play, stepengine_project, cassette_path):
    both(play, "build:\n- steps.leave: {id: a, directory: sub}\n- run_shell_script: {script: 'echo {{ a.where }}'}\n")
    text = cassette_path.read_text()
    assert str(stepengine_project.directory) not in text
    assert '"where": "<project>/sub"' in text
    assert '"script": "echo <project>/sub"' in text


SECRET = "hunter2-hunter2"
SHORT = "abc"


def test_secrets_never_reach_the_file(play, stepengine_project, cassette_path):
    stepengine_project.set_block("secret", "token", {"value": SECRET})
    stepengine_project.set_block("secret", "short", {"value": SHORT})
    stepengine_project.setenv("DEPLOY_TOKEN", "of-the-environment")
    stepengine_project.write(
        "more.py",
        "from stepengine.plugin import Context, StepError\n"
        "import base64\n"
        "def learn(token: str, short: str, password: str, *, context: Context):\n"
        "    context.write('early later-known-secret')\n"
        "    context.warn(token)\n"
        "    context.secret('later-known-secret')\n"
        "    context.write(base64.b64encode(token.encode()).decode())\n"
        "    context.write(token[:7]); context.write(token[7:])\n"
        "    context.environ['LEARNT_TOKEN'] = 'in-the-environment'\n"
        "    return {'found': 'later-known-secret', 'api_key': 'short1', 'pair': [token]}\n"
        "def fail(text: str, *, context: Context):\n"
        "    raise StepError(text, hint=text, output=text)\n",
    )
    text = """
build:
- more.learn:
    id: a
    token: '{{ prefect.blocks.secret.token.value }}'
    short: '{{ prefect.blocks.secret.short.value }} and {{ $DEPLOY_TOKEN }}'
    password: written
- more.fail:
    text: 'https://user:in-a-url@host/{{ a.found }}'
"""
    recorded, replayed = both(play, text)
    kept = cassette_path.read_text()
    in_base64 = "aHVudGVyMi1odW50ZXIy"
    for secret in (SECRET, "hunter2", SHORT, "of-the-environment", "later-known", "written", "in-the-environment"):
        assert secret not in kept
    for secret in (in_base64, "in-a-url", "short1"):
        assert secret not in kept
    assert json.loads(kept)["calls"][0]["inputs"] == {"token": "***", "short": "*** and ***", "password": "***"}
    assert recorded.exit_code == replayed.exit_code == 1


def test_another_secret_plays_the_same_cassette(play, stepengine_project):
    text = "build:\n- run_shell_script: {id: a, script: 'echo {{ prefect.blocks.secret.token.value }} x'}\n"
    stepengine_project.set_block("secret", "token", {"value": SECRET})
    play(text, "all")
    for other in ("quite-another-one", "x", SECRET):
        stepengine_project.set_block("secret", "token", {"value": other})
        replayed, _ = play(text, "none")
        assert replayed.assert_succeeded().outputs["a"]["stdout"] == "*** x"


def test_a_call_with_other_inputs_is_an_error_that_shows_what_differs(play):
    play(
        "build:\n- run_shell_script: {script: echo one, stream_output: true}\n- run_shell_script: {script: ls}\n", "all"
    )
    with pytest.raises(CassetteError) as caught:
        play("build:\n- run_shell_script: {script: echo two, stream_output: true, directory: sub}\n", "none")
    told = str(caught.value)
    assert "its call of run_shell_script has other inputs:" in told
    assert '  script: recorded "echo one", now "echo two"' in told
    assert '  directory: recorded nothing, now "sub"' in told
    assert "stream_output" not in told
    assert "--stepengine-record=new" in told


def test_a_step_that_was_never_recorded_is_an_error(play):
    play("build:\n- run_shell_script: {script: echo}\n", "all")
    with pytest.raises(CassetteError, match=r"it has no call of steps.look; it has: run_shell_script"):
        play("build:\n- steps.look: {}\n", "none")


def test_a_call_is_replayed_once(play):
    step = "- run_shell_script: {script: echo}\n"
    play(f"build:\n{step}", "all")
    with pytest.raises(CassetteError, match="has run_shell_script once, and all are replayed"):
        play(f"build:\n{step}{step}", "none")


def test_the_error_shows_no_secret(play, stepengine_project):
    stepengine_project.set_block("secret", "token", {"value": SECRET})
    play("build:\n- run_shell_script: {script: echo}\n", "all")
    with pytest.raises(CassetteError) as caught:
        play("build:\n- run_shell_script: {script: 'printf {{ prefect.blocks.secret.token.value }}'}\n", "none")
    assert SECRET not in str(caught.value)
    assert 'now "printf ***"' in str(caught.value)


def test_equal_calls_are_replayed_in_their_order(play):
    text = "build:\n- run_shell_script: {id: a, script: sh -c 'echo x >> log; wc -l < log'}\n- run_shell_script: {id: b, script: sh -c 'echo x >> log; wc -l < log'}\n"
    _, replayed = both(play, text)
    assert [replayed.outputs[each]["stdout"].strip() for each in "ab"] == ["1", "2"]


def test_what_was_not_asked_for_is_told(play):
    step = "- run_shell_script: {script: echo}\n"
    play(f"build:\n{step}{step}", "all")
    _, cassette = play(f"build:\n{step}", "none")
    assert cassette.unplayed == ["run_shell_script"]
    with pytest.raises(AssertionError, match=r"kept.json has calls that no run has asked for: run_shell_script"):
        cassette.assert_all_played()


@pytest.mark.parametrize(
    ("mode", "there", "counts"), [("once", False, 1), ("once", True, 0), ("new", True, 0), ("all", True, 1)]
)
def test_modes_say_when_a_call_is_recorded(play, mode, there, counts):
    text = "build:\n- run_shell_script: {script: echo}\n"
    if there:
        play(text, "all")
    _, cassette = play(text, mode)
    assert cassette.recorded == counts


def test_once_does_not_add_and_all_forgets(play, cassette_path):
    play("build:\n- run_shell_script: {script: echo 1}\n", "once")
    with pytest.raises(CassetteError):
        play("build:\n- run_shell_script: {script: echo 2}\n", "once")
    play("build:\n- run_shell_script: {script: echo 2}\n", "new")
    scripts = [call["inputs"]["script"] for call in json.loads(cassette_path.read_text())["calls"]]
    assert scripts == ["echo 1", "echo 2"]
    play("build:\n- run_shell_script: {script: echo 3}\n", "all")
    assert "echo 1" not in cassette_path.read_text()


def test_nothing_is_kept_of_a_run_that_was_interrupted(stepengine_project, cassette_path):
    def interrupt() -> None:
        raise KeyboardInterrupt

    cassette = stepengine_project.cassette = Cassette(cassette_path, "all")
    stepengine_project.run_step("run_shell_script", {"script": "echo"})
    stepengine_project.run_step(interrupt)
    cassette.save()
    assert not cassette_path.exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is not JSON"),
        ("[]", "it is no cassette"),
        ('{"stepengine_cassette": 99}', "of version 99; this stepengine reads version 1"),
        ('{"stepengine_cassette": 1, "calls": [{"step": "a"}]}', "is damaged"),
        ('{"stepengine_cassette": 1, "calls": 3}', "is damaged"),
        ('{"stepengine_cassette": 1, "calls": [{"step": "a", "inputs": {}, "printed": 3}]}', "is damaged"),
    ],
)
def test_a_damaged_file_is_told(play, cassette_path, text, told):
    cassette_path.parent.mkdir()
    cassette_path.write_text(text)
    with pytest.raises(CassetteError, match=told):
        play("build:\n- run_shell_script: {script: echo}\n", "none")


def test_a_cassette_is_whole_or_as_it_was(play, cassette_path, monkeypatch):
    play("build:\n- run_shell_script: {script: echo 1}\n", "all")
    before = cassette_path.read_text()
    monkeypatch.setattr("pathlib.Path.replace", None)
    with pytest.raises(TypeError):
        play("build:\n- run_shell_script: {script: echo 2}\n", "all")
    assert cassette_path.read_text() == before
    assert os.listdir(cassette_path.parent) == ["kept.json"]


def test_a_replayed_step_needs_none_of_what_it_requires(play, cassette_path):
    cassette_path.parent.mkdir()
    call = {"step": "acme.upload", "inputs": {"bucket": "mine"}, "outputs": {"count": 3}}
    cassette_path.write_text(json.dumps({"stepengine_cassette": 1, "calls": [call]}))
    text = "push:\n- acme.upload: {id: up, requires: 'acme-of-nobody>=1', bucket: mine}\n"
    outcome, _ = play(text, "none")
    outcome.assert_succeeded()
    assert outcome.step("up").outputs == {"count": 3}


@pytest.mark.parametrize(
    "damage",
    [
        {"environ": {"A": 5}},
        {"directory": 7},
        {"printed": [{"stdout": "abc"}]},
        {"printed": [{"stdout": [5]}]},
        {"printed": [{"weird": ["x"]}]},
        {"warnings": "abc"},
        {"failure": "boo"},
        {"failure": {}},
        {"step": 5},
    ],
    ids=str,
)
def test_a_damaged_cassette_is_no_recording(play, cassette_path, damage):
    cassette_path.parent.mkdir()
    call = {"step": "steps.look", "inputs": {}, **damage}
    cassette_path.write_text(json.dumps({"stepengine_cassette": 1, "calls": [call]}))
    with pytest.raises(CassetteError, match=r"is damaged .*record it anew"):
        play("build:\n- steps.look: {}\n", "none")


def test_a_deep_file_is_no_cassette(play, cassette_path):
    cassette_path.parent.mkdir()
    cassette_path.write_text("[" * 200_000)
    with pytest.raises(CassetteError, match="is not JSON"):
        play("build:\n- steps.look: {}\n", "none")


def test_parameters_that_look_alike_have_cassettes_of_their_own(tmp_path):
    names = ["test_x[a/b]", "test_x[a-b]", "test_x[a b]", "test_x"]
    paths = [default_path(tmp_path / "test_it.py", name) for name in names]
    assert len(set(paths)) == len(names)
    assert paths[-1].name == "test_it.test_x.json"

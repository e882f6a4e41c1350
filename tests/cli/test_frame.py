"""The frame of every command: what it says and returns when its surroundings or other people's code misbehave."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys

import pytest

STEP = "build:\n- run_shell_script:\n    id: show\n    script: echo built\n"
COMMAND = shlex.join([sys.executable, "-m", "stepengine"])


def shell(cli, script):
    """Run a script of bash, `stepengine` being the command."""
    done = subprocess.run(
        ["bash", "-c", f'set -o pipefail; stepengine() {{ {COMMAND} "$@"; }}; {script}'],
        cwd=cli.directory,
        env=cli.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert "Exception ignored" not in done.stderr, done.stderr
    return done


@pytest.fixture
def third_party(cli):
    """Installs a distribution of one module that registers it as a step and as a hook plugin."""

    def install(module, *, steps="", hooks=""):
        site = cli.directory / "site"
        cli.write("site/other.py", module)
        groups = (f"[stepengine.steps]\n{steps}\n" if steps else "") + (f"[stepengine]\n{hooks}\n" if hooks else "")
        cli.write("site/other-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
        cli.write("site/other-1.0.dist-info/entry_points.txt", groups)
        cli.environ["PYTHONPATH"] = str(site)

    return install


@pytest.mark.parametrize("raised", ["SystemExit(0)", "GeneratorExit", "BaseException('gone')"])
def test_a_step_whose_module_raises_anything_is_told(cli, third_party, raised):
    third_party(f"raise {raised}\n", steps="other.step = other:step")
    outcome = cli.run("build:\n- other.step: {}\n")
    assert outcome.code == 2
    assert "other.step cannot be imported (other 1.0)" in outcome.err


def test_an_exception_that_cannot_be_told_is_told_by_its_type(cli, third_party):
    third_party(
        "class Odd(Exception):\n    def __str__(self): raise SystemExit(0)\nraise Odd\n", steps="o = other:step"
    )
    outcome = cli.run("build:\n- o: {}\n")
    assert outcome.code == 2
    assert "cannot be imported (other 1.0): Odd" in outcome.err


def test_a_plugin_that_ends_the_process_is_left_out(cli, third_party):
    third_party("def stepengine_sources(): ...\nraise SystemExit(0)\n", hooks="other = other")
    outcome = cli.run("build:\n- run_shell_script:\n    script: echo {{ prefect.variables.x }}\n")
    assert outcome.code == 2
    told = "the plugin other of other 1.0 is left out: ImportError: it ends the process when it is imported (exit 0)"
    assert told in outcome.err


@pytest.mark.parametrize("raised", ["SystemExit(0)", "GeneratorExit()", "OSError(2, 'no such thing', 'x')"])
def test_whatever_else_comes_through_is_a_bug_with_a_file_or_without(cli, raised):
    script = f"""
import stepengine.cli.validate as module, sys
def fail(options): raise {raised}
module.validate = fail
from stepengine.cli import run_command
sys.exit(run_command(["validate"]))
"""
    for tmp, told in ((cli.directory, "the details are in"), ("/proc/no-such", "set TMPDIR")):
        prepared = script
        if told == "set TMPDIR":  # tempfile would fall back to /tmp
            prepared = f"import tempfile\ntempfile.tempdir = {tmp!r}\n" + script
        environ = {**cli.environ, "TMPDIR": str(tmp)}
        done = subprocess.run(
            [sys.executable, "-c", prepared],
            env=environ,
            cwd=cli.directory,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 3
        assert "a bug in stepengine" in done.stderr
        assert told in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_ends_a_run_as_an_interruption(cli, name):
    cli.write(
        "prefect.yaml",
        "build:\n- run_shell_script:\n    script: sh -c 'echo ready; sleep 60'\n    stream_output: true\n",
    )
    process = cli.start("run")
    for line in process.stderr:
        if "ready" in line:
            break
    process.send_signal(getattr(signal, name))
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_a_run_under_nohup_outlives_its_terminal(cli):
    cli.write("prefect.yaml", STEP.replace("echo built", "sh -c 'kill -HUP $PPID; echo built'"))
    assert shell(cli, "trap '' HUP; stepengine run").returncode == 0


def test_closed_standard_streams_do_no_harm(cli):
    cli.write("prefect.yaml", STEP)
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        for arguments in ("run", "run --format json", "plan", "validate --format json", "--version", "--help"):
            done = shell(cli, f"stepengine {arguments} {closed}")
            assert done.returncode == 0, (closed, arguments, done.stderr)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
def test_output_that_cannot_be_written_is_one_line(cli):
    cli.write("prefect.yaml", STEP)
    for arguments in ("--version", "--help", "plan", "plan --format json", "run --format json", "steps list"):
        done = shell(cli, f"stepengine {arguments} >/dev/full")
        assert done.returncode == 1, (arguments, done.stderr)
        assert done.stderr.count("error: the output cannot be written") == 1
    assert shell(cli, "stepengine validate 2>/dev/full").returncode == 1


def test_a_reader_that_has_gone_is_no_error_to_tell(cli):
    cli.write("prefect.yaml", STEP)
    for arguments in ("--version", "plan --format json", "steps list"):
        script = f"{{ sleep 0.2; stepengine {arguments}; echo $? >code; }} | true"
        assert "error" not in shell(cli, script).stderr
        assert (cli.directory / "code").read_text() == "141\n"


def test_output_of_ascii_alone_gets_what_it_can_show(cli):
    cli.environ["PYTHONIOENCODING"] = "ascii"
    cli.write("prefect.yaml", STEP.replace("built", "größer"))
    assert "gr\\xf6\\xdfer" in cli.stepengine("plan").out


def test_only_may_be_repeated(cli):
    cli.write("prefect.yaml", STEP)
    document = cli.stepengine("plan", "--format", "json", "--only", "push", "--only", "build").json
    assert document["sections"] == ["build", "push"]


BAD = {
    "invalid": ("build:\n- run_shell_script:\n    scrip: x\n", []),
    "missing": ("build:\n- run_shell_script:\n    script: '{{ prefect.variables.x }}'\n", []),
    "usage": (STEP, ["--deployment", "none"]),
    "set": (STEP, ["--set", "none"]),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("command", ["run", "plan"])
def test_json_is_one_document_whatever_is_wrong(cli, command, case):
    text, arguments = BAD[case]
    cli.write("prefect.yaml", text)
    outcome = cli.stepengine(command, "--format", "json", *arguments)
    assert outcome.code == 2
    if command == "run":
        assert (outcome.json["status"], outcome.json["pipelines"], outcome.json["deployments"]) == ("failed", [], [])
        assert set(outcome.json["error"]) == {"message", "where", "hint", "output", "frames"}
        if case in ("invalid", "missing"):
            assert outcome.json["error"]["where"].startswith("prefect.yaml:")
    else:
        assert set(outcome.json) == {"file", "sections", "pipelines", "diagnostics"}
        assert outcome.json["diagnostics"][0]["severity"] == "error"


def test_json_tells_of_an_unmet_requirement_and_of_a_missing_file(cli):
    text = "build:\n- run_shell_script:\n    script: x\n    requires: no-such-package-at-all\n"
    outcome = cli.run(text, "--format", "json")
    assert outcome.code == 4
    assert "no-such-package-at-all" in outcome.json["error"]["message"]
    assert outcome.json["error"]["hint"] == "stepengine run --format json --install"
    assert (
        cli.stepengine("run", "--format", "json", "none.yaml").json["error"]["message"] == "there is no file none.yaml"
    )


def test_what_modules_print_when_they_are_imported_is_not_in_the_document(cli, third_party):
    third_party("import os\nos.system('echo noise')\ndef step(): return {}\n", steps="other.step = other:step")
    cli.write("prefect.yaml", "build:\n- other.step: {}\n")
    for command in ("validate", "plan", "run"):
        assert isinstance(cli.stepengine(command, "--format", "json").json, dict)


@pytest.mark.parametrize(
    ("argument", "stdin", "told"),
    [
        ("=", "", "names no variable"),
        ("=@x", "", "names no variable"),
        ("", "", "names no variable"),
        ("A=@-", "a\0b", "NUL"),
        ("A=@-", "", "standard input is empty"),
        ("A=@-", "x" * 1_100_000, "more than 1 MiB"),
        ("A=@none", "", "none cannot be read"),
    ],
)
def test_a_secret_that_cannot_be_taken_is_refused(cli, argument, stdin, told):
    cli.write("prefect.yaml", STEP)
    outcome = cli.stepengine("run", "--secret", argument, stdin=stdin)
    assert outcome.code == 2
    assert told in outcome.err


@pytest.mark.parametrize("value", ["abc", "true"])
def test_a_secret_that_cannot_be_masked_is_warned_of(cli, value):
    cli.write("prefect.yaml", STEP)
    outcome = cli.stepengine("run", "--secret", "A=@-", stdin=value)
    assert outcome.code == 0
    assert "too short or too common" in outcome.err
    assert "too short" not in cli.stepengine("run", "--secret", "A=@-", stdin="long-enough-for-all").err


def test_a_directory_that_is_gone_is_told(cli):
    for arguments in ("run", "plan", "validate", "steps list"):
        done = shell(cli, f"mkdir gone; cd gone; rmdir ../gone; stepengine {arguments}")
        assert done.returncode == 2
        assert "the current directory cannot be told" in done.stderr


def test_a_path_that_is_no_file_is_told_for_what_it_is(cli):
    os.mkfifo(cli.directory / "pipe")
    (cli.directory / "loop").symlink_to("loop")
    assert "pipe is a pipe, not a file" in cli.stepengine("run", "pipe").err
    assert "/dev/null is a device, not a file" in cli.stepengine("run", "/dev/null").err
    assert "loop cannot be read: Too many levels" in cli.stepengine("run", "loop").err


def test_a_reporter_that_fails_is_warned_of_once_and_the_run_goes_on(cli, third_party):
    third_party(
        "from stepengine.plugin import Reporter\n"
        "def listen(event): raise SystemExit('full')\n"
        "def stepengine_reporters():\n    yield Reporter('odd', lambda stream: listen)\n",
        hooks="other = other",
    )
    outcome = cli.run(STEP, "--format", "odd")
    assert outcome.code == 0
    assert outcome.err.count("the format odd tells no more: SystemExit: full") == 1


def test_the_environment_is_asked_before_the_blocks_file(cli):
    cli.write("blocks.yaml", "variables: {x: file}\n").chmod(0o600)
    cli.environ["STEPENGINE_BLOCKS_FILE"] = "blocks.yaml"
    cli.environ["STEPENGINE_VARIABLES"] = json.dumps({"x": "environment"})
    result = cli.result(STEP.replace("built", "{{ prefect.variables.x }}"))
    assert result["pipelines"][0]["outputs"]["stdout"] == "environment"


@pytest.mark.parametrize("value", ["pathlib.Path('/of-the-vault')", "Token('/of-the-vault')"])
def test_a_secret_of_any_type_is_masked_as_it_is_shown(cli, third_party, value):
    third_party(
        "import pathlib\nfrom stepengine.plugin import ReferenceSource\n"
        "class Token:\n    def __init__(self, text): self.text = text\n    def __str__(self): return self.text\n"
        f"def stepengine_sources(environ, directory):\n    yield ReferenceSource('vault', 'it', lambda path: {value}, lambda: [])\n",
        hooks="vault = other",
    )
    outcome = cli.run("build:\n- run_shell_script: {script: 'echo {{ vault.x.y }}'}\n")
    assert outcome.code == 0, outcome.err
    assert "/of-the-vault" not in outcome.out + outcome.err

"""`stepengine validate`: text, JSON, several files, exit codes."""

from __future__ import annotations

import codecs

SHELL = "prefect.deployments.steps.run_shell_script"


def test_every_problem_is_shown_with_line_caret_and_help(cli):
    cli.write("prefect.yaml", f"build:\n- {SHELL}:\n    scrip: echo\n- get_clone:\n    x: 1\nunknown: 1\n")
    outcome = cli.stepengine("validate")
    assert outcome.code == 2
    assert "prefect.yaml:3:5: error: run_shell_script has no input 'scrip' [unknown-input]" in outcome.err
    assert "  3 |     scrip: echo\n    |     ^\n  help: did you mean 'script'?" in outcome.err
    assert "prefect.yaml:4:3: error: there is no step get_clone" in outcome.err
    assert "did you mean 'git_clone'?" in outcome.err
    assert "prefect.yaml:6:1: warning: unknown key 'unknown' at the top level" in outcome.err
    assert "prefect.yaml: 2 errors, 1 warning" in outcome.err
    assert outcome.out == ""


def test_json_holds_every_file_and_is_exit_2_when_one_is_wrong(cli):
    cli.write("good.yaml", f"build:\n- {SHELL}:\n    script: echo\n")
    cli.write("bad.yaml", "a: [\n")
    outcome = cli.stepengine("validate", "--format", "json", "good.yaml", "bad.yaml")
    assert outcome.code == 2
    good, bad = outcome.json["files"]
    assert good == {"file": "good.yaml", "valid": True, "diagnostics": []}
    assert bad["valid"] is False
    assert set(bad["diagnostics"][0]) == {"severity", "code", "message", "line", "column", "hint"}


def test_warnings_alone_are_exit_0(cli):
    cli.write("prefect.yaml", "name: x\nunknown: 1\n")
    assert cli.stepengine("validate").code == 0


def test_bytes_that_are_no_text_are_told_with_their_place(cli):
    (cli.directory / "prefect.yaml").write_bytes(b"name: demo\nx: caf\xe9\n")
    outcome = cli.stepengine("validate")
    assert outcome.code == 2
    assert "prefect.yaml:2:7" in outcome.err
    assert cli.stepengine("validate", "--format", "json").json["files"][0]["diagnostics"][0]["line"] == 2


def test_utf_16_with_its_mark_is_read(cli):
    text = f"build:\n- {SHELL}:\n    script: echo é\n"
    (cli.directory / "prefect.yaml").write_bytes(codecs.BOM_UTF16_LE + text.encode("utf-16-le"))
    assert cli.stepengine("validate").code == 0


def test_a_directory_is_taken_for_the_file_in_it(cli):
    cli.write("prefect.yaml", "name: x\n")
    assert cli.stepengine("validate", ".").code == 0


def test_a_missing_file_is_told_with_a_near_one(cli):
    cli.write("prefect.yaml", "name: x\n")
    outcome = cli.stepengine("validate", "prefct.yaml")
    assert outcome.code == 2
    assert "did you mean 'prefect.yaml'?" in outcome.err


def test_a_bug_leaves_a_log_and_is_exit_3(cli):
    cli.environ["PYTHONPATH"] = str(cli.directory)
    cli.environ["TMPDIR"] = str(cli.directory)
    cli.write(
        "sitecustomize.py",
        "import stepengine.document.parser as d\ndef parse_document(*a):\n    raise ZeroDivisionError('oops')\nd.parse_document = parse_document\n",
    )
    cli.write("prefect.yaml", "name: x\n")
    outcome = cli.stepengine("validate")
    assert outcome.code == 3
    (log,) = cli.directory.glob("stepengine-bug-*.log")
    assert str(log) in outcome.err
    assert "ZeroDivisionError: oops" in log.read_text()


def test_an_unknown_command_and_option_are_told(cli):
    outcome = cli.stepengine("validte")
    assert outcome.code == 2
    assert "did you mean 'validate'?" in outcome.err
    outcome = cli.stepengine("run", "--dry")
    assert outcome.code == 2
    assert "--dry" in outcome.err


def test_the_version_and_help_are_on_standard_output(cli):
    assert cli.stepengine("--version").out.startswith("stepengine 0.")
    for arguments in (["--help"], ["run", "--help"], ["steps", "--help"]):
        outcome = cli.stepengine(*arguments)
        assert (outcome.code, outcome.err) == (0, "")
        assert "usage: stepengine" in outcome.out


def test_a_file_that_is_not_there_does_not_keep_the_others_from_being_checked(cli):
    cli.write("good.yaml", "name: good\n")
    cli.write("bad.yaml", "build: 3\n")
    outcome = cli.stepengine("validate", "--format", "json", "nowhere.yaml", "good.yaml", "bad.yaml")
    assert outcome.code == 2
    files = [(each["file"], each["valid"]) for each in outcome.json["files"]]
    assert files == [("nowhere.yaml", False), ("good.yaml", True), ("bad.yaml", False)]
    assert outcome.json["files"][0]["diagnostics"][0]["code"] == "usage"
    outcome = cli.stepengine("validate", "nowhere.yaml", "bad.yaml")
    assert outcome.code == 2
    assert "there is no file nowhere.yaml" in outcome.err
    assert "bad.yaml:1:8" in outcome.err

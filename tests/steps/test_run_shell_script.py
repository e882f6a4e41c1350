import os
import shlex
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepengine.plugin import Context, StepError
from stepengine_steps import shell
from stepengine_steps._shell_errors import explain
from stepengine_steps.shell import run_shell_script

pytestmark = pytest.mark.skipif(os.name != "posix", reason="/bin/sh")


@pytest.fixture
def events():
    return []


@pytest.fixture
def context(tmp_path, events):
    return Context(str(tmp_path), emit=lambda kind, data: events.append((kind, data)))


def lines_shown(events):
    return [(data["stream"], data["line"]) for kind, data in events if kind == "output"]


def fail(*args, **inputs):
    with pytest.raises(StepError) as caught:
        run_shell_script(*args, **inputs)
    return caught.value


# What it does


def test_each_line_is_a_program_of_its_own(context, events):
    outputs = run_shell_script("echo one\n\n  \necho 'two  three'\n", context=context)
    assert outputs == {"stdout": "one\ntwo  three", "stderr": ""}
    assert lines_shown(events) == [("stdout", "one"), ("stdout", "two  three")]


def test_outputs_are_stripped_at_their_ends_alone(context):
    script = """sh -c 'printf "\\n a \\n\\n b \\n"; echo warning >&2'"""
    assert run_shell_script(script, context=context) == {"stdout": "a \n\n b", "stderr": "warning"}


def test_nothing_is_shown_without_stream_output(context, events):
    assert run_shell_script("echo quiet", stream_output=False, context=context)["stdout"] == "quiet"
    assert events == []


def test_an_empty_script_does_nothing(context):
    assert run_shell_script("\n  \n", context=context) == {"stdout": "", "stderr": ""}
    assert run_shell_script("", shell=True, context=context) == {"stdout": "", "stderr": ""}


def test_no_shell_touches_a_line(context):
    script = "echo $HOME | cat > file && ls *.py ; `id`"
    assert run_shell_script(script, context=context)["stdout"] == "$HOME | cat > file && ls *.py ; `id`"


def test_it_runs_in_the_directory(context, tmp_path):
    (tmp_path / "sub").mkdir()
    assert run_shell_script("pwd", directory="sub", context=context)["stdout"] == str(tmp_path / "sub")


def test_variables_are_added_for_its_commands_alone(context):
    outputs = run_shell_script("printenv ADDED", env={"ADDED": "yes"}, context=context)
    assert outputs["stdout"] == "yes"
    assert "ADDED" not in context.environ


@pytest.mark.parametrize(("value", "text"), [(3, "3"), (1.5, "1.5"), (True, "true"), (False, "false"), ("", "")])
def test_variables_become_text(context, value, text):
    assert run_shell_script("sh -c 'echo \"[$V]\"'", env={"V": value}, context=context)["stdout"] == f"[{text}]"


def test_the_first_failure_ends_the_script(context, tmp_path):
    error = fail("touch before\nfalse\ntouch after", context=context)
    assert error.message == "line 2 of the script: `false` exited with status 1"
    assert (tmp_path / "before").exists()
    assert not (tmp_path / "after").exists()


def test_a_failure_shows_the_end_of_the_output(context):
    error = fail("sh -c 'seq 100; echo broken >&2; exit 7'", context=context)
    assert error.message == "`sh -c 'seq 100; echo broken >&2; exit 7'` exited with status 7"
    assert error.output.splitlines()[-2:] == ["100", "broken"]
    assert len(error.output.splitlines()) == shell.OUTPUT_LINES


def test_a_signal_is_named(context):
    assert "was ended by SIGKILL" in fail("sh -c 'kill -9 $$'", context=context).message


def test_a_failure_names_what_needs_a_shell(context):
    error = fail("ls missing-file | cat", context=context)
    assert error.hint.startswith("line 1 uses a pipe (|)")
    assert "shell: true" in error.hint


# Expansion


def test_known_variables_are_expanded_and_unknown_ones_stay(context):
    context.environ["KNOWN"] = "a b"
    outputs = run_shell_script(
        "echo $KNOWN ${OWN} $UNKNOWN $$ ${X:-y}", env={"OWN": "o"}, expand_env_vars=True, context=context
    )
    assert outputs["stdout"] == "a b o $UNKNOWN $ ${X:-y}"


def test_a_value_is_not_expanded_again(context):
    outputs = run_shell_script("echo $A", env={"A": "$B", "B": "no"}, expand_env_vars=True, context=context)
    assert outputs["stdout"] == "$B"


def test_a_value_whose_quote_is_not_closed_is_refused_before_anything_runs(context, tmp_path):
    error = fail("touch ran\necho $A", env={"A": "it's"}, expand_env_vars=True, context=context)
    assert "line 2 of the script: has a quote that is not closed once its variables are expanded" in error.message
    assert not (tmp_path / "ran").exists()


# In a shell


def test_a_shell_runs_the_whole_script(context):
    script = "cd /\nx=1\nif [ $x = 1 ]; then\n  pwd | cat\nfi\n"
    assert run_shell_script(script, shell=True, context=context)["stdout"] == "/"


def test_a_shell_stops_at_the_first_failure(context, tmp_path):
    error = fail("false\ntouch after", shell=True, context=context)
    assert error.message == "the script exited with status 1"
    assert not (tmp_path / "after").exists()


def test_a_shell_refuses_an_unset_variable(context):
    assert "UNSET" in fail("echo $UNSET_VARIABLE", shell=True, context=context).output


def test_a_shell_keeps_its_own_status(context):
    assert fail("exit 42", shell=True, context=context).message == "the script exited with status 42"


@pytest.mark.parametrize(
    "script", ["# only a comment\necho ok", "#!/bin/sh\necho ok", "cat <<EOF\nok\nEOF", "echo ok # end"]
)
def test_a_shell_takes_comments_and_here_documents(context, script):
    assert run_shell_script(script, shell=True, context=context)["stdout"] == "ok"


def test_a_shell_does_not_take_a_value_for_code(context, tmp_path):
    value = "$(touch owned); touch owned; `touch owned`"
    outputs = run_shell_script('echo "$V"', env={"V": value}, shell=True, expand_env_vars=True, context=context)
    assert outputs["stdout"] == value
    assert not (tmp_path / "owned").exists()


def test_a_script_in_a_shell_is_in_no_argument_and_not_inherited(context):
    script = "cat /proc/$$/cmdline; env; : marker-in-the-script"
    outputs = run_shell_script(script, shell=True, context=context)
    assert "marker-in-the-script" not in outputs["stdout"]


def test_lines_of_the_shells_errors_are_those_of_the_script(context):
    assert "2" in fail("true\nno-such-command", shell=True, context=context).output


# What cannot be run


def test_a_command_that_is_not_found_has_a_near_miss(context, tmp_path):
    program = tmp_path / "bin" / "frobnicate"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    context.environ["PATH"] = f"{program.parent}{os.pathsep}{context.environ['PATH']}"
    error = fail("echo a\nfrobnicat", context=context)
    assert error.message == "line 2 of the script: command not found: frobnicat"
    assert error.hint == "did you mean frobnicate?"


@pytest.mark.parametrize("line", ["cd /", "export A=1", "source x", "if true; then", "for x in a; do", "# comment"])
def test_what_only_a_shell_knows_says_so(context, line):
    error = fail(line, context=context)
    assert "only a shell knows it" in error.message
    assert "shell: true" in error.hint


def test_an_assignment_names_the_input_env(context):
    error = fail("A=1 echo x", context=context)
    assert "env" in error.hint


def test_a_file_of_the_directory_needs_its_path(context, tmp_path):
    (tmp_path / "run-it").write_text("#!/bin/sh\n")
    assert fail("run-it", context=context).hint == "did you mean ./run-it?"


def test_a_file_that_may_not_be_executed(context, tmp_path):
    (tmp_path / "x.sh").write_text("#!/bin/sh\n")
    error = fail("./x.sh", context=context)
    assert error.message == "./x.sh may not be executed"
    assert "chmod +x ./x.sh" in error.hint


def test_a_script_without_a_first_line(context, tmp_path):
    (tmp_path / "x.sh").write_text("echo x\n")
    (tmp_path / "x.sh").chmod(0o755)
    assert "sh ./x.sh" in fail("./x.sh", context=context).hint


def test_a_script_with_windows_line_ends(context, tmp_path):
    (tmp_path / "x.sh").write_bytes(b"#!/bin/sh\r\necho x\r\n")
    (tmp_path / "x.sh").chmod(0o755)
    error = fail("./x.sh", context=context)
    assert error.message == "the interpreter of ./x.sh does not exist"
    assert "CRLF" in error.hint


def test_a_path_that_does_not_exist(context):
    assert fail("./nowhere/x", context=context).message == "./nowhere/x does not exist"


@pytest.mark.parametrize(("place", "what"), [("missing", "does not exist"), ("file", "is no directory")])
def test_a_directory_that_cannot_be_run_in(context, tmp_path, place, what):
    (tmp_path / "file").write_text("")
    error = fail("echo x", directory=place, context=context)
    assert error.message == f"cannot run in {place}: it {what}"


def test_an_open_quote_is_found_before_anything_runs(context, tmp_path):
    error = fail("touch ran\necho \"it's\necho end", context=context)
    assert error.message == 'line 2 of the script: has a quote (") that it does not close'
    assert "shell: true" in error.hint
    assert not (tmp_path / "ran").exists()


def test_a_null_byte_is_refused(context):
    assert "null byte" in fail("echo \0", context=context).message
    assert "null byte" in fail("echo", env={"A": "\0"}, context=context).message


@pytest.mark.parametrize(
    ("env", "what"),
    [
        ({"A": None}, "A is null"),
        ({"A": [1]}, "A is a list"),
        ({"A": {}}, "A is a dict"),
        ({"": "x"}, "no name"),
        ({"A=B": "x"}, "no name"),
        ({1: "x"}, "no name"),
    ],
)
def test_variables_that_are_no_text_are_refused(context, env, what):
    assert what in fail("true", env=env, context=context).message


def test_more_arguments_than_the_system_takes(context):
    assert "more than this system allows" in fail(f"echo {'x' * 3_000_000}", context=context).message


# Its words


@given(st.text(alphabet=st.sampled_from("ab$'\"\\ \t|;{}#=\x1c\u00a0\u3000")))
def test_words_are_those_of_shlex(line):
    try:
        words = shlex.split(line)
    except ValueError:
        with pytest.raises(StepError):
            shell._split(line, line, "")
    else:
        assert shell._split(line, line, "") == words


def test_the_module_needs_little_to_be_imported():
    program = "import sys; before = set(sys.modules); import stepengine_steps.shell; print(*set(sys.modules) - before)"
    loaded = subprocess.run(
        [sys.executable, "-c", f"import stepengine.plugin; {program}"], capture_output=True, check=True, text=True
    ).stdout.split()
    assert sorted(name for name in loaded if not name.startswith("stepengine")) == []


def test_where_windows_shell_cannot_be_started_its_name_is_told(context, monkeypatch):
    monkeypatch.setenv("COMSPEC", "of-this-process")
    context.environ["COMSPEC"] = "no-such-shell"
    args = shell._windows_command("echo 1", context)
    error = explain(FileNotFoundError(2, "No such file"), "", shell._program_of(args, context), None, context)
    assert error.message == "command not found: no-such-shell"

import os
import subprocess
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepengine_steps.shell import run_shell_script


def check(**inputs):
    return list(run_shell_script.__step__.check(inputs))


NO_SHELL = [
    "true",
    "git rev-parse --short HEAD",
    "",
    "echo 'a|b' \"c;d\" e\\|f",
    "bash -c 'for x in 1 2; do echo $x; done | sort > f && cat f'",
    'bash -lc "echo $HOME `id`"',
    'docker exec box sh -c "echo $A"',
    'ssh host "echo $HOME"',
    "pip install 'a>=1' b>=2,<3 c<3 d>2 e==1.* f[extra]",
    "curl https://host/path?a=1&b=2;c=3|4",
    "pip install git+https://host/x#egg=x",
    "find . -name *.py -exec rm {} ;",
    "git add *.py",
    "awk '{print $1}' file",
    "docker inspect -f '{{.Id}}' box",
    "docker build -t {{ build-image.image | default('x') }} .",
    "grep foo$ file",
    "echo a -> b => c",
    "echo ***** done *****",
    "rsync --exclude=*.pyc a b",
    "env A=1 program",
    "[ -f x ]",
    "python -c \"print('x')\"",
    "/usr/bin/env bash script.sh",
    "echo Ready?",
    "xargs -I {} echo",
]


@pytest.mark.parametrize("script", NO_SHELL)
def test_scripts_that_need_no_shell(script):
    assert check(script=script) == []


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo a | cat", "line 1 uses a pipe (|)"),
        ("echo a\necho b|cat", "line 2 uses a pipe (|)"),
        ("echo a > f", "line 1 redirects input or output (>)"),
        ("echo a>f", "line 1 redirects input or output (>)"),
        ("echo a >> f", "line 1 redirects input or output (>>)"),
        ("cat < f", "line 1 redirects input or output (<)"),
        ("make 2>&1", "line 1 redirects input or output (>&)"),
        ("make &>/dev/null", "line 1 redirects input or output (>)"),
        ("a && b", "line 1 joins commands (&&)"),
        ("a || b", "line 1 joins commands (||)"),
        ("a; b", "line 1 joins commands (;)"),
        ("server &", "line 1 leaves a command in the background (&)"),
        ("echo $(date)", "line 1 uses a command's output ($(...))"),
        ('echo "at $(date)"', "line 1 uses a command's output ($(...))"),
        ("echo `date`", "line 1 uses a command's output (`...`)"),
        ("echo $((1 + 2))", "line 1 calculates ($((...)))"),
        ("echo $HOME", "line 1 uses a variable ($HOME), which is passed on as text"),
        ('echo "${HOME}"', "line 1 uses a variable (${HOME}), which is passed on as text"),
        ("echo ${A:-b}", "line 1 uses a shell parameter (${A:-b}), which is passed on as text"),
        ("echo $?", "line 1 uses a shell parameter ($?), which is passed on as text"),
        ("pip install dist/*.whl", "line 1 uses a file pattern (dist/*.whl), which is passed on as text"),
        ("rm ~/x", "line 1 uses a home directory (~/x), which is passed on as text"),
        ("docker build \\\n  .", "line 1 is continued with a backslash"),
        ('python -c "\nprint()\n"', 'line 1 has a quote (") that it does not close'),
        ("echo it's", "line 1 has a quote (') that it does not close"),
        ("if true; then\necho\nfi", "line 1 begins with if, which only a shell knows"),
        ("for x in a; do", "line 1 begins with for, which only a shell knows"),
        ("while true; do", "line 1 begins with while, which only a shell knows"),
        ("case x in", "line 1 begins with case, which only a shell knows"),
        ("function f {", "line 1 begins with function, which only a shell knows"),
        ("f() {", "line 1 defines a function (f)"),
        ("(cd x)", "line 1 begins with (, which only a shell knows"),
        ("cd x", "line 1 begins with cd, which only a shell knows"),
        ("export A=1", "line 1 begins with export, which only a shell knows"),
        ("source .venv/bin/activate", "line 1 begins with source, which only a shell knows"),
        (". .venv/bin/activate", "line 1 begins with ., which only a shell knows"),
        ("set -e", "line 1 begins with set, which only a shell knows"),
        ("[[ -f x ]]", "line 1 begins with [[, which only a shell knows"),
        ("cat <<EOF", "line 1 has a here-document (<<)"),
        ("A=1 make", "line 1 sets a variable (A)"),
        ("# first", "line 1 is a comment, and would be run as a command"),
        ("echo x # y", "line 1 has a comment (#), which is passed on as text"),
        ('bash -c "echo \\$A"', "line 1 has a backslash before $ or ` in double quotes, which is passed on too"),
        ("echo $HOME\na | b", "line 2 uses a pipe (|)"),
        ("echo {{ a | b }} | cat", "line 1 uses a pipe (|)"),
        ("echo {{\n a }}\necho | cat", "line 3 uses a pipe (|)"),
    ],
)
def test_scripts_that_need_a_shell(script, reason):
    (warning,) = check(script=script)
    assert warning.startswith(f"the script's {reason}")


def test_plain_variables_are_no_reason_where_they_are_expanded():
    assert check(script="echo $HOME ${HOME} $$", expand_env_vars=True) == []
    assert check(script="echo ${HOME:-x}", expand_env_vars=True)


def test_the_check_warns_with_the_remedy():
    (warning,) = check(script="echo a | b")
    assert warning.startswith("the script's line 1 uses a pipe (|), but each line runs as a program of its own: ")
    assert "`shell: true`" in warning
    assert "`env`" in check(script="export A=1")[0]
    assert "`directory`" in check(script="cd x")[0]
    assert "`expand_env_vars: true`" in check(script="echo $A")[0]


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("cd x\nmake\ncd y", "line 1 begins with cd, which only a shell knows, and 1 more line needs a shell, but "),
        ("echo $A\necho $B\na | b\nmake", "line 3 uses a pipe (|), and 2 more lines need a shell, but "),
    ],
)
def test_where_more_lines_need_a_shell_they_are_counted_and_it_alone_is_the_remedy(script, told):
    (warning,) = check(script=script)
    assert told in warning
    assert warning.endswith(": add `shell: true` to run the whole script in a shell")


def test_expanding_variables_is_a_remedy_for_any_number_of_lines():
    assert "`expand_env_vars: true`" in check(script="echo $A\necho $B")[0]


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"script": None},
        {"script": ["a | b"]},
        {"script": "{{ other.stdout }}"},
        {"script": "a | b", "shell": True},
        {"script": "a | b", "shell": "{{ wants-shell.value }}"},
        {"script": "echo $A", "expand_env_vars": "{{ x.y }}"},
        {"script": "echo $A", "expand_env_vars": True},
    ],
)
def test_the_check_is_quiet_where_there_is_nothing_to_tell(inputs):
    assert check(**inputs) == []


@given(st.text())
def test_the_check_never_fails(script):
    check(script=script)
    check(script=script, expand_env_vars=True)


@pytest.mark.skipif(os.name != "posix", reason="/bin/sh")
@given(st.lists(st.text(alphabet="abc /-._:%,+@0123456789", min_size=1)))
def test_a_script_without_punctuation_runs_alike_with_and_without_a_shell(words):
    line = " ".join(words)
    if not check(script=f"printf {line}"):
        assert subprocess.run(
            ["/bin/sh", "-c", f"set -- {line}; printf '[%s]' \"$@\""], capture_output=True, check=True, text=True
        ).stdout == ("".join(f"[{word}]" for word in line.split()) or "[]")


def test_many_placeholders_that_nothing_closes_take_linear_time():
    started = time.monotonic()
    check(script="echo x | cat\n" + "{{ '" * 100_000)
    assert time.monotonic() - started < 20  # it took minutes

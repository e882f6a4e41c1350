"""Functions of the project and of installed packages as steps: what they print, set, return and raise."""

from __future__ import annotations

import pytest

SHELL = "prefect.deployments.steps.run_shell_script"
DIRECTORY = "prefect.deployments.steps.set_working_directory"


def test_the_json_document_is_all_there_is_on_standard_output(cli):
    cli.write(
        "noisy.py",
        "import os, subprocess\n"
        "def main():\n    print('printed')\n    os.write(1, b'written\\n')\n    subprocess.run(['echo', 'inherited'])\n",
    )
    outcome = cli.run("build:\n- noisy.main:\n", "--format", "json")
    assert outcome.json["status"] == "succeeded"
    assert outcome.err.splitlines()[1:4] == ["  printed", "  written", "  inherited"]


@pytest.mark.parametrize("options", [(), ("--format", "json")])
def test_what_a_step_prints_comes_whole_and_in_order(cli, options):
    cli.write(
        "noisy.py",
        "import os\n"
        "def main():\n    for number in range(3000):\n        print('x' * 60, number)\n    os.write(2, b'no end')\n",
    )
    outcome = cli.run("build:\n- noisy.main:\n", *options)
    assert outcome.code == 0
    assert outcome.err.splitlines()[1:3001] == [f"  {'x' * 60} {number}" for number in range(3000)]
    assert outcome.err.splitlines()[3001] == "  no end"


def test_what_a_step_prints_is_shown_while_it_runs(cli):
    cli.write(
        "slow.py",
        "import os, time\n"
        "def main():\n    print('begun')\n    while not os.path.exists('seen'):\n        time.sleep(0.01)\n",
    )
    cli.write("prefect.yaml", "build:\n- slow.main:\n")
    with cli.start("run") as process:
        lines = iter(process.stderr.readline, "")
        assert any("begun" in line for line in lines)
        (cli.directory / "seen").touch()
        assert process.wait(30) == 0


def test_what_a_step_with_a_context_prints_is_masked_and_its_own(cli):
    cli.environ["MY_TOKEN"] = "supersecretvalue"
    cli.write(
        "leaky.py",
        "import sys\nfrom stepengine.plugin import Context\n"
        "def main(text, *, context: Context):\n"
        "    print('printed', text)\n    print('told', text, file=sys.stderr)\n    context.write(text)\n",
    )
    outcome = cli.run("build:\n- leaky.main:\n    text: '{{ $MY_TOKEN }}'\n")
    assert (outcome.code, outcome.out) == (0, "")
    assert sorted(outcome.err.splitlines()[1:4]) == ["  ***", "  printed ***", "  told ***"]
    assert "supersecret" not in outcome.err


def test_a_variable_that_a_step_sets_is_there_for_its_successors_and_a_secret_where_its_name_says_so(cli):
    """As in Prefect, whose steps share a process: users fetch secrets in a step of their own (P#9346)."""
    cli.write("fetch.py", "import os\ndef main():\n    os.environ.update(MY_TOKEN='supersecretvalue', STAGE='dev')\n")
    outcome = cli.run(
        f"build:\n- fetch.main: {{}}\n- {SHELL}:\n    script: echo {{{{ $MY_TOKEN }}}} {{{{ $STAGE }}}}\n"
        f"pull:\n- fetch.main: {{}}\n- {SHELL}:\n    script: echo pull {{{{ $MY_TOKEN }}}} {{{{ $STAGE }}}}\n",
        "--pull-in",
        "here",
    )
    assert outcome.code == 0
    assert "  *** dev\n" in outcome.err
    assert "  pull *** dev\n" in outcome.err
    assert "supersecret" not in outcome.err
    plan = cli.stepengine("plan", "--format", "json").json
    assert [each["after"] for each in plan["pipelines"][0]["steps"][1]["inputs"]] == [["main"]]


def test_a_variable_that_a_pull_step_sets_goes_before_the_one_that_is_set_here(cli):
    cli.environ["STAGE"] = "here"
    cli.write("fetch.py", "import os\ndef main():\n    os.environ['STAGE'] = 'there'\n")
    script = f"- {SHELL}:\n    script: echo {{{{ $STAGE }}}}\n"
    outcome = cli.run(
        f"pull:\n{script}- {DIRECTORY}:\n    directory: {cli.directory}\n- fetch.main: {{}}\n{script}",
        "--pull-in",
        "here",
    )
    assert outcome.code == 0
    assert [line for line in outcome.err.splitlines() if line.strip() in ("here", "there")] == ["  here", "  there"]


def test_an_installed_step_that_cannot_be_imported_ends_the_run_before_its_first_step(cli):
    site = cli.directory / "site"
    cli.write("site/late.py", "def main(): ...\nraise OSError('no licence')\n")
    cli.write("site/late-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: late\nVersion: 1.0\n")
    cli.write("site/late-1.0.dist-info/entry_points.txt", "[stepengine.steps]\nlate = late:main\n")
    cli.environ["PYTHONPATH"] = str(site)
    outcome = cli.run(f"build:\n- {SHELL}:\n    script: touch ran\n- late: {{}}\n")
    assert outcome.code == 4
    assert outcome.err.splitlines() == [
        "error: the step late cannot be imported (late 1.0): OSError: no licence",
        "  at prefect.yaml:4:3",
        "  help: fix, update or uninstall late 1.0",
    ]
    assert not (cli.directory / "ran").exists()
    assert cli.stepengine("validate").code == 0


def test_a_script_in_the_project_is_a_step_by_its_path(cli):
    cli.write("ci/steps.py", "def shout(text): return {'loud': text.upper()}\n")
    result = cli.result(
        "build:\n- ci/steps.py:shout:\n    id: a\n    text: hello\n"
        f"pull:\n- {DIRECTORY}:\n    directory: {cli.directory}\n- ci/steps.py:shout:\n    id: b\n    text: worker\n",
        "--pull-in",
        "here",
    )
    outputs = result["pipelines"][0]["outputs"]
    assert (outputs["a"], outputs["b"]) == ({"loud": "HELLO"}, {"loud": "WORKER"})


def test_a_null_result_and_a_value_that_is_no_mapping_are_ignored(cli):
    cli.write(
        "steps.py", "def nothing():\n    pass\ndef number():\n    return 3\nasync def later():\n    return {'x': 1}\n"
    )
    result = cli.result("build:\n- steps.nothing:\n    id: a\n- steps.number:\n    id: b\n- steps.later:\n    id: c\n")
    assert result["pipelines"][0]["outputs"] == {"c": {"x": 1}, "x": 1}


def test_an_exception_of_a_users_function_is_told_with_its_own_frames(cli):
    cli.write("steps.py", "def fail():\n    inner()\ndef inner():\n    raise ValueError('bad value')\n")
    outcome = cli.run("build:\n- steps.fail:\n")
    assert outcome.code == 1
    assert "ValueError: bad value" in outcome.err
    assert "steps.py" in outcome.err
    assert "calling.py" not in outcome.err


def test_what_a_failed_function_printed_and_where_it_failed_are_both_told(cli):
    cli.write("mine.py", "def make():\n    print('the reason')\n    raise ValueError('bad')\n")
    for section in ("build", "pull"):
        outcome = cli.run(f"{section}:\n- mine.make: {{}}\n", "--format", "json", "--pull-in", "here")
        error = outcome.json["error"]
        assert (error["message"], error["output"]) == ("ValueError: bad", "the reason")
        assert "mine.py" in error["frames"]
        assert "raise ValueError" in error["frames"]
        assert "raised by:" in outcome.err


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("def make():\n    return [1]", "make: it returned a list, which is no mapping: it has no outputs"),
        (
            "from stepengine.plugin import step\n@step(outputs=['count', 'size'])\ndef make():\n    return {'size': 1}",
            "make: it declares the output 'count', and did not return it",
        ),
        ("def make():\n    pass", ""),
    ],
)
def test_a_step_that_does_not_give_what_it_says_is_told_at_once(cli, body, words):
    cli.write("mine.py", f"{body}\n")
    for section in ("build", "pull"):
        outcome = cli.run(f"{section}:\n- mine.make: {{}}\n", "--pull-in", "here")
        assert outcome.code == 0
        assert ("warning: " in outcome.err) is bool(words)
        assert words in outcome.err

"""What `stepengine steps` tells, and what is said of a command line that is not one."""

from __future__ import annotations

import re

import pytest

MODULE = '''
raise SystemExit("nothing of it runs")

async def greet(name: str, times: int = 1, style: str | None = None, **more):
    """Greet somebody.

    Args:
        name: Who; a line
            that goes on.
        times: How often.
        more: Further words.
    """
'''


def inputs(document):
    return {each["name"]: each for each in document["inputs"]}


def test_a_built_in_step_is_shown_with_the_meaning_of_its_inputs_and_its_names(cli):
    shown = cli.stepengine("steps", "show", "git_clone").out
    assert "repository: a text  required\n      The repository's URL" in shown
    assert "branch: a text  optional\n" in shown
    assert "include_submodules: true or false  default false\n" in shown
    assert "also prefect.deployments.steps.git_clone\nalso prefect.projects.steps.git_clone (old)\n" in shown
    document = cli.stepengine("steps", "show", "prefect.deployments.steps.git_clone", "--format", "json").json
    assert document["other_names"][0] == "git_clone"
    assert inputs(document)["branch"]["meaning"].startswith("A branch or tag")
    assert inputs(document)["branch"]["type"] == "str | None"


@pytest.mark.parametrize("name", ["own.greet", "own.py:greet", "passed_on"])
def test_a_step_of_others_is_shown_from_its_source(cli, name):
    cli.write("own.py", MODULE)
    cli.write("site/other.py", MODULE)
    cli.write("site/other-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    cli.write("site/other-1.0.dist-info/entry_points.txt", "[stepengine.steps]\npassed_on = other:greet\n")
    cli.environ["PYTHONPATH"] = str(cli.directory / "site")
    found = inputs(cli.stepengine("steps", "show", "--format", "json", name).json)
    assert {key: each["meaning"] for key, each in found.items()} == {
        "name": "Who; a line that goes on.",
        "times": "How often.",
        "style": "",
    }
    assert cli.stepengine("steps", "show", name).out.endswith(
        "  style: a text  optional\n  and any other\n      Further words.\noutputs: known after it ran\n"
        f'example:\n  build:\n  - {name}:\n      name: "my-name"\n'
    )


def test_a_step_without_documentation_is_shown(cli):
    cli.write("own.py", "def bare(value): pass\nfrom json import dumps\n")
    assert cli.stepengine("steps", "show", "own.bare").out.splitlines()[3:5] == [
        "  value: anything  required",
        "outputs: known after it ran",
    ]
    assert cli.stepengine("steps", "show", "own.dumps").code == 0


def test_a_step_is_shown_with_its_outputs_its_phase_and_what_it_touches(cli):
    shown = cli.stepengine("steps", "show", "push_docker_image").out
    assert shown.startswith("push_docker_image  stepengine ")
    assert "outputs:\n  image_name\n      its name.\n" in shown
    assert "phase: deployer\ntouches: engine, network\nexample:\n" in shown
    assert "touches: nothing\n" in cli.stepengine("steps", "show", "image_tags").out
    document = cli.stepengine("steps", "show", "push_docker_image", "--format", "json").json
    assert {"name": "digest", "meaning": "what the registry calls its content, as `sha256:…`."} in document["outputs"]
    assert (document["phase"], document["touches"]) == ("deployer", ["engine", "network"])


def test_the_example_of_each_step_is_a_file_without_problems(cli):
    steps = cli.stepengine("steps", "list", "--format", "json").json["steps"]
    assert len(steps) > 10
    names = [f"{number}.yaml" for number, _ in enumerate(steps)]
    for name, step in zip(names, steps, strict=True):
        cli.write(name, step["example"])
    outcome = cli.stepengine("validate", "--format", "json", *names)
    problems = [(step["name"], file["diagnostics"]) for step, file in zip(steps, outcome.json["files"], strict=True)]
    assert [problem for problem in problems if problem[1]] == []


def test_outputs_are_shown_with_what_their_class_says(cli):
    cli.write("site/shapes.py", OUTPUT_CLASS)
    cli.write("own.py", "from shapes import Shape\ndef area(side: int) -> Shape: ...\n")
    cli.environ["PYTHONPATH"] = str(cli.directory / "site")
    shown = cli.stepengine("steps", "show", "own.area", "--format", "json").json
    assert shown["outputs"] == [
        {"name": "area", "meaning": "In square metres."},
        {"name": "name", "meaning": ""},
    ]


OUTPUT_CLASS = '''
from typing import TypedDict

class Shape(TypedDict):
    """A shape.

    Attributes:
        area: In square metres.
    """

    area: int
    name: str
'''


@pytest.mark.parametrize("name", ["git_clon", "prefect.deployments.steps.git_clon"])
def test_an_unknown_step_is_told_with_a_near_one(cli, name):
    outcome = cli.stepengine("steps", "show", name)
    assert outcome.code == 2
    assert "did you mean 'git_clone'" in outcome.err.replace("prefect.deployments.steps.", "")


def test_the_list_has_each_built_in_step_once_and_its_document_each_name(cli):
    lines = cli.stepengine("steps", "list").out.splitlines()
    at = next(index for index, line in enumerate(lines) if line.startswith("git_clone "))
    assert lines[at + 1].split() == ["also", "prefect.deployments.steps.git_clone"]
    assert not [line for line in lines if line.startswith("prefect")]
    names = [step["name"] for step in cli.stepengine("steps", "list", "--format", "json").json["steps"]]
    assert {"git_clone", "prefect.deployments.steps.git_clone"} <= set(names)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "--fromat", "json"], "did you mean --format?"),
        (["plan", "--deploymnet=x"], "did you mean --deployment?"),
        (["run", "-x"], "stepengine run --help shows what there is"),
        (["steps"], "needs an action: list or show"),
        (["deploy"], "`stepengine run --format json`"),
        (["initialise"], "there are: init, run"),
        (["vaildate"], "did you mean 'validate'?"),
    ],
)
def test_a_wrong_command_line_is_told_with_what_is_meant(cli, arguments, told):
    outcome = cli.stepengine(*arguments)
    assert outcome.code == 2
    assert told in outcome.err


@pytest.mark.parametrize(
    "arguments", [["validate", "a.yaml", "--quiet", "a.yaml"], ["steps", "--format", "json", "list"]]
)
def test_options_may_stand_between_words(cli, arguments):
    cli.write("a.yaml", "name: a\n")
    assert cli.stepengine(*arguments).code == 0


def test_help_gives_the_defaults(cli):
    shown = " ".join(cli.stepengine("run", "--help").out.split())
    assert "or not at all; default auto" in shown
    assert "or a plugin's format; default text" in shown


@pytest.mark.parametrize("format_", ["text", "json"])
def test_a_default_that_json_cannot_have_is_shown_as_python_writes_it(cli, format_):
    cli.write("own.py", "def odd(a={(1, 2): 3}, b={'x', }, c=(1, 2)): ...\n")
    shown = cli.stepengine("steps", "show", "own.odd", "--format", format_)
    if format_ == "text":
        assert 'a: anything  default "{(1, 2): 3}"' in shown.out
    else:
        assert inputs(shown.json)["a"]["default"] == "{(1, 2): 3}"


def test_distributions_are_looked_through_once(monkeypatch, capsys):
    import argparse

    from stepengine.cli import steps
    from stepengine.entry_points import find_entry_points

    looked = []

    def counted(*paths):
        looked.append(paths)
        return find_entry_points(*paths)

    monkeypatch.setattr(steps, "find_entry_points", counted)
    assert steps.steps(argparse.Namespace(format="text", action="list", name=None)) == 0
    assert "git_clone" in capsys.readouterr().out
    assert len(looked) == 1


def test_the_project_s_marked_steps_and_those_that_the_file_uses_are_listed(cli):
    cli.write(
        "own.py", "from stepengine.plugin import step\n@step()\ndef marked(a: int):\n    'Do it.'\ndef other(): ...\n"
    )
    cli.write("more.py", "def used(b: str):\n    'Use it.'\n")
    cli.write("prefect.yaml", "build:\n- more.used: {b: x}\n")
    names = [step["name"] for step in cli.stepengine("steps", "list", "--format", "json").json["steps"]]
    assert {"own.marked", "more.used", "git_clone"} < set(names)
    assert "own.other" not in names


def test_the_steps_that_an_environment_of_the_file_registers_are_listed(cli, package_index):
    package_index.add(
        "acme-steps",
        "1.2",
        {"acme.py": "def greet(who: str):\n    'Greet somebody.'\n    return {'greeting': who}\n"},
        entry_points="[stepengine.steps]\ngreet = acme:greet\nacme.hello = acme:greet\n",
    )
    cli.environ = package_index.environ(cli.environ)
    assert cli.run("build:\n- greet: {requires: acme-steps, who: you}\n", "--install").code == 0
    listed = cli.stepengine("steps", "list").out
    assert re.search(r"^greet +Greet somebody\.\n +also acme\.hello$", listed, re.MULTILINE)
    shown = cli.stepengine("steps", "show", "greet").out
    assert shown.startswith("greet  acme-steps 1.2\nGreet somebody.\n")
    missing = cli.stepengine("validate")
    assert missing.code == 0
    cli.write("prefect.yaml", "build:\n- greet: {requires: acme-steps, whom: you}\n")
    assert "greet has no input 'whom'" in cli.stepengine("validate").err

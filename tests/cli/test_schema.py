"""`stepengine schema`: what it prints, and how it checks files."""

from __future__ import annotations

import jsonschema
import pytest

OWN = '''
raise SystemExit("nothing of it runs")

def shout(text: str, times: int = 1) -> dict[str, str]:
    """Say something loudly.

    Args:
        text: What to say.
    """
'''
WRONG = "build:\n- git_clone:\n    repositry: x\n    branch: [a]\nnme: demo\n"


def step_of(schema, name):
    reference = schema["definitions"]["step"]["properties"][name]["$ref"].rpartition("/")[2]
    return schema["definitions"][reference.replace("%20", " ").replace("%3A", ":")]


def test_it_prints_a_schema_where_there_is_no_file(cli):
    outcome = cli.stepengine("schema")
    assert (outcome.code, outcome.err) == (0, "")
    jsonschema.Draft7Validator.check_schema(outcome.json)
    assert step_of(outcome.json, "git_clone")["required"] == ["repository"]


@pytest.mark.parametrize("arguments", [[], ["prefect.yaml"], ["."]])
def test_it_knows_the_functions_that_the_file_uses(cli, arguments):
    cli.write("own.py", OWN)
    cli.write("prefect.yaml", "deployments:\n- name: one\n  pull:\n  - own.shout: {text: x}\n")
    shout = step_of(cli.stepengine("schema", *arguments).json, "own.shout")
    assert shout["properties"]["text"]["description"] == "What to say."
    assert shout["properties"]["times"]["type"] == ["integer", "string"]
    assert shout["properties"]["times"]["default"] == 1


def test_it_knows_the_steps_of_installed_plugins_and_tells_of_a_broken_one(cli):
    cli.write("site/other.py", OWN.replace('raise SystemExit("nothing of it runs")', ""))
    cli.write("site/other-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    entries = "[stepengine.steps]\nshout = other:shout\nbroken = nowhere:shout\n"
    cli.write("site/other-1.0.dist-info/entry_points.txt", entries)
    cli.environ["PYTHONPATH"] = str(cli.directory / "site")
    outcome = cli.stepengine("schema")
    assert "From other 1.0." in step_of(outcome.json, "shout")["description"]
    assert "broken" not in outcome.json["definitions"]["step"]["properties"]
    assert "warning: the step broken cannot be imported (other 1.0)" in outcome.err


def test_problems_are_told_with_line_caret_and_help(cli):
    cli.write("prefect.yaml", WRONG)
    outcome = cli.stepengine("schema", "--check")
    assert outcome.code == 2
    assert outcome.out == ""
    assert "prefect.yaml:3:5: error: 'repositry' is not known here [schema]\n  3 |     repositry: x\n    |     ^\n" in (
        outcome.err
    )
    assert "  help: did you mean 'repository'?" in outcome.err
    assert "prefect.yaml:2:3: error: 'git_clone' needs 'repository' [schema]" in outcome.err
    assert "prefect.yaml:4:13: error: 'branch' must be a text, or a text with {{ … }} [schema]" in outcome.err
    assert "prefect.yaml:5:1: warning: 'nme' is not known here [schema]" in outcome.err
    assert "prefect.yaml: 3 errors, 1 warning" in outcome.err
    assert "warning" not in cli.stepengine("schema", "--check", "--quiet").err.replace("1 warning", "")


def test_json_is_as_validates(cli):
    cli.write("good.yaml", "build:\n- run_shell_script: {script: echo}\n")
    cli.write("warned.yaml", "nme: demo\n")
    cli.write("bad.yaml", WRONG)
    cli.write("broken.yaml", "a: [\n")
    outcome = cli.stepengine(
        "schema", "--check", "--format", "json", "good.yaml", "warned.yaml", "bad.yaml", "broken.yaml", "none.yaml"
    )
    assert outcome.code == 2
    good, warned, bad, broken, none = outcome.json["files"]
    assert good == {"file": "good.yaml", "valid": True, "diagnostics": []}
    assert (warned["valid"], warned["diagnostics"][0]["severity"]) == (True, "warning")
    assert bad["valid"] is False
    assert set(bad["diagnostics"][0]) == {"severity", "code", "message", "line", "column", "hint"}
    assert (
        broken["diagnostics"]
        == cli.stepengine("validate", "broken.yaml", "--format", "json").json["files"][0]["diagnostics"]
    )
    assert none["diagnostics"][0]["code"] == "usage"
    assert cli.stepengine("schema", "--check", "good.yaml", "warned.yaml").code == 0


def test_without_the_library_it_says_what_to_install_and_is_exit_4(cli):
    cli.write("prefect.yaml", "name: x\n")
    cli.write("shadow/jsonschema.py", "raise ImportError\n")
    cli.environ["PYTHONPATH"] = str(cli.directory / "shadow")
    outcome = cli.stepengine("schema", "--check")
    assert outcome.code == 4
    assert "python3 -m pip install 'stepengine[schema]'" in outcome.err
    assert cli.stepengine("schema").code == 0


def test_a_schema_is_of_one_file(cli):
    cli.write("a.yaml", "name: a\n")
    outcome = cli.stepengine("schema", "a.yaml", "a.yaml")
    assert outcome.code == 2
    assert "add --check" in outcome.err


def test_a_file_that_is_no_yaml_has_the_schema_of_the_registered_steps(cli):
    cli.write("prefect.yaml", "a: [\n")
    outcome = cli.stepengine("schema")
    assert "git_clone" in outcome.json["definitions"]["step"]["properties"]
    assert "prefect.yaml is no YAML" in outcome.err


def test_a_run_of_built_in_steps_loads_nothing_of_it(cli):
    cli.write(
        "prefect.yaml", "build:\n- run_shell_script:\n    id: a\n    script: echo\n- image_tags: {version: 2.11.5}\n"
    )
    cli.environ["PYTHONPROFILEIMPORTTIME"] = "1"
    outcome = cli.stepengine("run")
    assert outcome.code == 0
    loaded = {line.rpartition("|")[2].strip() for line in outcome.err.splitlines() if line.startswith("import time:")}
    assert "stepengine.catalogue.spec" in loaded
    unwanted = ("schema", "catalogue.outputs", "catalogue.source", "catalogue.docstrings", "catalogue.example")
    assert [name for name in loaded if name.startswith(tuple(f"stepengine.{each}" for each in unwanted))] == []


LOUD = '''
from typing import TypedDict

class Said(TypedDict):
    """What was said.

    Attributes:
        said: The words.
    """

    said: str

def shout(text: str, times: int = 1) -> Said:
    """Say something loudly.

    Args:
        text: What to say.
        times: How often.
    """
    return {"said": text.upper() * times}
'''


def test_a_step_of_an_isolated_environment_is_known_and_shown(cli, package_index):
    package_index.add("loud-steps", "1.0", {"loud_steps/__init__.py": LOUD})
    cli.environ = package_index.environ(cli.environ)
    cli.environ["STEPENGINE_CACHE_DIR"] = str(cli.directory.parent / "cache")
    file = "build:\n- loud_steps.shout:\n    id: loud\n    requires: loud-steps>=1\n    text: hello\n"
    cli.write("prefect.yaml", file)
    assert cli.stepengine("schema").json["definitions"]["step"]["properties"].get("loud_steps.shout") is None
    assert cli.stepengine("schema", "--check").code == 0
    outcome = cli.stepengine("run", "--install")
    assert outcome.code == 0, outcome.err
    shout = step_of(cli.stepengine("schema").json, "loud_steps.shout")
    assert shout["properties"]["times"]["description"] == "How often."
    assert "- `said`: The words." in shout["description"]
    shown = cli.stepengine("steps", "show", "loud_steps.shout").out
    assert shown.startswith("loud_steps.shout  loud-steps 1.0\n")
    assert "outputs:\n  said\n      The words.\n" in shown
    cli.write("prefect.yaml", file.replace("text:", "txt:"))
    assert cli.stepengine("schema", "--check").code == cli.stepengine("validate").code == 2


def test_a_step_that_two_sets_of_requirements_have_differently_takes_any_input(cli, package_index):
    package_index.add("loud-steps", "1.0", {"loud_steps/__init__.py": LOUD})
    package_index.add("loud-steps", "2.0", {"loud_steps/__init__.py": LOUD.replace("text", "words")})
    cli.environ = package_index.environ(cli.environ)
    cli.environ["STEPENGINE_CACHE_DIR"] = str(cli.directory.parent / "cache")
    step = "- loud_steps.shout: {{requires: loud-steps=={}, {}: hello}}\n"
    cli.write("prefect.yaml", "build:\n" + step.format("1.0", "text") + step.format("2.0", "words"))
    outcome = cli.stepengine("run", "--install")
    assert outcome.code == 0, outcome.err
    assert cli.stepengine("validate").code == cli.stepengine("schema", "--check").code == 0
    assert set(step_of(cli.stepengine("schema").json, "loud_steps.shout")["properties"]) == {"id", "requires"}

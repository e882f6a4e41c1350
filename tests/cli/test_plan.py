"""`stepengine plan`: honest, and it runs nothing."""

from __future__ import annotations

import pytest

SHELL = "prefect.deployments.steps.run_shell_script"


def inputs(plan, step=0):
    return {each["name"]: each for each in plan["pipelines"][0]["steps"][step]["inputs"]}


def test_each_input_is_exact_known_later_secret_or_missing(cli):
    cli.environ["STAGE"] = "prod"
    cli.environ["MY_TOKEN"] = "do-not-show-this"
    cli.write(
        "prefect.yaml",
        f"""
build:
- {SHELL}:
    id: first
    script: echo {{{{ $STAGE }}}}
    directory: sub
    env: {{T: '{{{{ $MY_TOKEN }}}}'}}
- {SHELL}:
    script: echo {{{{ first.stdout }}}}
    directory: '{{{{ $NOWHERE_SET }}}}'
""",
    )
    outcome = cli.stepengine("plan", "--format", "json")
    assert outcome.code == 2
    first, second = inputs(outcome.json), inputs(outcome.json, 1)
    assert first["script"] == {"name": "script", "state": "exact", "value": "echo prod", "after": []}
    assert first["directory"]["value"] == "sub"
    assert first["env"]["state"] == "secret"
    assert second["script"] == {
        "name": "script",
        "state": "after",
        "value": "echo {{ first.stdout }}",
        "after": ["first"],
    }
    assert second["directory"]["state"] == "missing"
    assert [found["code"] for found in outcome.json["diagnostics"]] == ["unresolved-reference"]
    assert "do-not-show-this" not in outcome.out + outcome.err


def test_nothing_runs_and_no_module_of_the_project_is_imported(cli):
    cli.write("steps.py", "open('imported', 'w').close()\ndef main(value=1):\n    open('called', 'w').close()\n")
    cli.write("prefect.yaml", f"build:\n- steps.main:\n    value: 2\n- {SHELL}:\n    script: touch ran\n")
    outcome = cli.stepengine("plan")
    assert outcome.code == 0
    assert sorted(path.name for path in cli.directory.iterdir()) == ["prefect.yaml", "steps.py"]


def test_requirements_are_shown_with_what_meets_them(cli):
    cli.write(
        "prefect.yaml",
        f"build:\n- {SHELL}:\n    requires: [prefect>=3, pluggy, not-there-at-all>=1]\n    script: echo\n",
    )
    requires = cli.stepengine("plan", "--format", "json").json["pipelines"][0]["steps"][0]["requires"]
    assert requires[0]["satisfied_by"] == "the built-in step, which counts as prefect 3.8.8"
    assert requires[1]["satisfied_by"].startswith("pluggy 1")
    assert requires[2] == {
        "requirement": "not-there-at-all>=1",
        "satisfied_by": None,
        "problem": "not-there-at-all is not installed",
    }


def test_a_deployment_field_without_a_value_here_is_a_warning(cli):
    cli.write(
        "prefect.yaml",
        f"build:\n- {SHELL}:\n    script: echo\ndeployments:\n- name: one\n  version: '{{{{ $NOWHERE_SET }}}}'\n",
    )
    outcome = cli.stepengine("plan")
    assert outcome.code == 0
    assert "prefect.yaml:6:16: warning: one's version: the environment variable NOWHERE_SET is not set" in outcome.err


def test_verbose_shows_the_plan_before_the_run(cli):
    outcome = cli.run(f"build:\n- {SHELL}:\n    id: a\n    script: echo hello\n", "--verbose")
    assert outcome.code == 0
    assert outcome.err.index("script  echo hello") < outcome.err.index("  hello\n")


def test_all_references_of_an_input_without_a_value_are_told_each_at_its_place(cli):
    text = f"build:\n- {SHELL}:\n    script: echo {{{{ $NOWHERE_A }}}} {{{{ prefect.blocks.secret.nowhere }}}}\n"
    text += "    env:\n      A: a\n      B: '{{ prefect.variables.nowhere }}'\n"
    cli.write("prefect.yaml", text)
    outcome = cli.stepengine("plan", "--format", "json")
    assert outcome.code == 2
    assert [(each["line"], each["column"]) for each in outcome.json["diagnostics"]] == [(3, 21), (3, 38), (6, 14)]


def test_a_requirement_that_nothing_meets_is_told_with_its_place(cli):
    text = f"build:\n- {SHELL}:\n    id: first\n    requires:\n    - prefect\n    - of-nobody>=1\n    script: echo\n"
    cli.write("prefect.yaml", text)
    outcome = cli.stepengine("plan", "--format", "json")
    assert outcome.code == 0
    (found,) = outcome.json["diagnostics"]
    assert (found["severity"], found["code"], found["line"]) == ("warning", "unmet-requirement", 6)
    assert found["message"] == "first requires of-nobody>=1: of-nobody is not installed"
    outcome = cli.stepengine("run", "--format", "json")
    assert outcome.code == 4
    assert outcome.json["error"]["where"] == "prefect.yaml:6:7"
    assert "first requires of-nobody>=1" in outcome.json["error"]["message"]


@pytest.mark.parametrize(
    ("requirement", "words"),
    [
        ("plain", ""),
        ("plain[lacking]", "plain[lacking]: the extra 'lacking' lacks something: of-nobody is not installed"),
        ("plain[had]", ""),
        ("plain[unheard-of]", ""),
        ("plain @ https://example.com/plain-1.0.zip", ""),
        ("plain @ https://example.com/other.zip", "plain 1.0 is installed, but not from that address"),
        ("plain>=2", "plain 1.0 is installed"),
    ],
)
def test_extras_and_addresses_of_a_requirement_count(cli, requirement, words):
    requires = "Requires-Dist: of-nobody; extra == 'lacking'\nRequires-Dist: pluggy>=1; extra == 'had'\n"
    metadata = f"Metadata-Version: 2.1\nName: plain\nVersion: 1.0\nProvides-Extra: lacking\n{requires}"
    cli.write("site/plain-1.0.dist-info/METADATA", metadata)
    direct = '{"url": "https://example.com/plain-1.0.zip", "archive_info": {}}'
    cli.write("site/plain-1.0.dist-info/direct_url.json", direct)
    cli.environ["PYTHONPATH"] = str(cli.directory / "site")
    cli.write("prefect.yaml", f"build:\n- {SHELL}:\n    requires: '{requirement}'\n    script: echo\n")
    diagnostics = cli.stepengine("plan", "--format", "json").json["diagnostics"]
    assert [words in found["message"] for found in diagnostics] == ([True] if words else [])


def test_pull_steps_that_are_skipped_are_listed_and_nothing_of_them_is_checked(cli):
    pull = "{{ prefect.blocks.secret.of-nobody }}"
    cli.write("prefect.yaml", f"pull:\n- {SHELL}:\n    requires: of-nobody>=1\n    script: echo {pull}\n")
    outcome = cli.stepengine("plan", "--format", "json", "--pull-in", "skip")
    assert (outcome.code, outcome.json["diagnostics"]) == (0, [])
    assert inputs(outcome.json)["script"]["state"] == "missing"
    result = cli.stepengine("run", "--format", "json", "--pull-in", "skip")
    assert (result.code, result.json["status"]) == (0, "succeeded")
    assert cli.stepengine("run", "--pull-in", "here").code == 2


def test_a_deployment_field_that_can_have_no_value_is_an_error_at_its_place(cli):
    cli.environ["MYNUM"] = "3"
    cli.write(
        "prefect.yaml",
        f"build:\n- {SHELL}:\n    script: echo\ndeployments:\n- name: one\n  version: '{{{{ $MYNUM | int // 0 }}}}'\n",
    )
    for command in ("plan", "run"):
        outcome = cli.stepengine(command)
        assert outcome.code == 2
        assert "prefect.yaml:6:12: error: one's version: " in outcome.err
        assert "zero" in outcome.err


def test_a_deployment_field_that_a_step_may_still_make_possible_is_no_error(cli):
    cli.environ["MYNUM"] = "0"
    cli.write("steps.py", "import os\ndef main():\n    os.environ['MYNUM'] = '5'\n")
    result = cli.result("build:\n- steps.main:\ndeployments:\n- name: one\n  version: '{{ 10 // ($MYNUM | int) }}'\n")
    assert result["status"] == "succeeded", result["error"]
    assert result["deployments"][0]["version"] == 2


def test_an_output_of_a_step_that_is_left_out_may_have_a_default(cli):
    cli.write(
        "prefect.yaml",
        f"build:\n- {SHELL}:\n    id: b\n    script: echo\n"
        f"push:\n- {SHELL}:\n    id: p\n    script: 'echo {{{{ b.stdout | default(\"none\") }}}}'\n",
    )
    outcome = cli.stepengine("plan", "--format", "json", "--only", "push")
    assert (outcome.code, outcome.json["diagnostics"]) == (0, [])
    assert inputs(outcome.json)["script"]["value"] == "echo none"
    assert inputs(cli.stepengine("plan", "--format", "json").json, 1)["script"]["after"] == ["b"]
    result = cli.stepengine("run", "--format", "json", "--only", "push").json
    assert result["pipelines"][0]["outputs"]["stdout"] == "none"


def test_an_output_that_only_a_left_out_step_may_give_is_told_before_the_run(cli):
    cli.write("steps.py", "def main():\n    return {'made': 'x'}\n")
    cli.write("prefect.yaml", f"build:\n- steps.main:\npush:\n- {SHELL}:\n    id: p\n    script: echo {{{{ made }}}}\n")
    outcome = cli.stepengine("run", "--only", "push")
    assert outcome.code == 2
    words = "p's script needs made, which can only come from main, a build step that --only leaves out [left-out-step]"
    assert words in outcome.err
    assert inputs(cli.stepengine("plan", "--format", "json").json, 1)["script"]["after"] == ["an earlier step"]


def test_a_step_that_is_left_out_sets_no_variable(cli):
    cli.write("steps.py", "import os\ndef main():\n    os.environ['NOWHERE_SET'] = '5'\n")
    text = f"build:\n- steps.main:\npush:\n- {SHELL}:\n    script: echo {{{{ $NOWHERE_SET }}}}\n"
    cli.write("prefect.yaml", text)
    assert cli.stepengine("plan").code == 0
    assert cli.stepengine("plan", "--only", "push").code == 2


def test_what_an_input_lacks_besides_an_output_that_it_waits_for_is_told_before_the_run(cli):
    text = (
        "build:\n- run_shell_script: {id: first, script: echo 1}\n"
        "- run_shell_script: {script: 'echo {{ first.stdout }} {{ prefect.blocks.secret.of-nobody }} {{ $OF_NOBODY_1 }}'}\n"
    )
    outcome = cli.run(text)
    assert outcome.code == 2
    assert "there is no block secret/of-nobody" in outcome.err
    assert "OF_NOBODY_1" in outcome.err

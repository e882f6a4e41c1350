"""`stepengine plan`: honest, and it runs nothing."""

from __future__ import annotations

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
    assert "prefect.yaml:6:12: warning: one's version: the environment variable NOWHERE_SET is not set" in outcome.err


def test_verbose_shows_the_plan_before_the_run(cli):
    outcome = cli.run(f"build:\n- {SHELL}:\n    id: a\n    script: echo hello\n", "--verbose")
    assert outcome.code == 0
    assert outcome.err.index("script  echo hello") < outcome.err.index("  hello\n")

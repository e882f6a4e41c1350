"""`stepengine run`: order, outputs, selection, failures, exit codes."""

from __future__ import annotations

import pytest

SHELL = "prefect.deployments.steps.run_shell_script"
DIRECTORY = "prefect.deployments.steps.set_working_directory"


def test_outputs_pass_between_steps_and_sections(cli):
    result = cli.result(
        f"""
build:
- {SHELL}:
    id: first-step
    script: echo one
- {SHELL}:
    id: second
    script: echo {{{{ first-step.stdout }}}} two
push:
- {SHELL}:
    script: echo {{{{ second.stdout }}}} three {{{{ stdout }}}}
"""
    )
    assert result["status"] == "succeeded"
    (pipeline,) = result["pipelines"]
    assert [step["status"] for step in pipeline["steps"]] == ["succeeded"] * 3
    assert pipeline["outputs"] == {
        "first-step": {"stdout": "one", "stderr": ""},
        "second": {"stdout": "one two", "stderr": ""},
        "stdout": "one two three one two",
        "stderr": "",
    }


def test_a_directory_set_in_build_is_there_for_its_successors_and_not_for_the_caller(cli):
    (cli.directory / "sub").mkdir()
    result = cli.result(
        f"""
build:
- {DIRECTORY}:
    directory: sub
- {SHELL}:
    id: where
    script: pwd
"""
    )
    assert result["pipelines"][0]["outputs"]["where"]["stdout"] == str(cli.directory / "sub")


def test_what_a_step_printed_is_never_expanded(cli):
    cli.environ["MY_TOKEN"] = "s3cr3t-value"
    result = cli.result(
        f"""
build:
- {SHELL}:
    id: printed
    script: "echo '{{{{ '{{{{ $MY_TOKEN }}}}' }}}}'"
- {SHELL}:
    id: passed-on
    script: "printf %s '{{{{ printed.stdout }}}}'"
"""
    )
    outputs = result["pipelines"][0]["outputs"]
    assert outputs["printed"]["stdout"] == "{{ $MY_TOKEN }}"
    assert outputs["passed-on"]["stdout"] == "{{ $MY_TOKEN }}"


def test_types_are_kept_where_a_placeholder_is_the_whole_value(cli):
    cli.write(
        "steps.py",
        "def make():\n    return {'data': {'a': [1, True]}}\ndef kind(value):\n    return {'kind': repr(value)}\n",
    )
    result = cli.result(
        """
build:
- steps.make:
    id: made
- steps.kind:
    value: '{{ made.data }}'
"""
    )
    assert result["pipelines"][0]["outputs"]["kind"] == "{'a': [1, True]}"


def test_an_id_is_found_though_a_later_output_has_its_name(cli):
    cli.write("steps.py", "def make(**values):\n    return values\n")
    result = cli.result(
        """
build:
- steps.make:
    id: image
    tag: v1
- steps.make:
    image: app
- steps.make:
    id: seen
    by_id: '{{ image.tag }}'
    by_name: '{{ image }}'
"""
    )
    assert result["pipelines"][0]["outputs"]["seen"] == {"by_id": "v1", "by_name": "app"}


def test_a_failing_step_ends_its_pipeline_and_says_all_that_helps(cli):
    outcome = cli.run(
        f"""
build:
- {SHELL}:
    script: echo fine
- {SHELL}:
    id: broken
    script: sh -c "echo the reason >&2; exit 7"
push:
- {SHELL}:
    id: never
    script: echo no
"""
    )
    assert outcome.code == 1
    assert "prefect.yaml:5:3 (build step broken)" in outcome.err
    assert "the reason" in outcome.err
    assert "7" in outcome.err
    assert "not run: push never" in outcome.err
    assert outcome.out == ""


def test_a_failure_in_json_names_step_place_and_output(cli):
    result = cli.result(
        f"""
build:
- {SHELL}:
    id: broken
    script: sh -c "echo the reason >&2; exit 7"
- {SHELL}:
    script: echo no
"""
    )
    assert result["status"] == "failed"
    assert [step["status"] for step in result["pipelines"][0]["steps"]] == ["failed", "skipped"]
    assert result["error"]["where"].startswith("prefect.yaml:3:3")
    assert "the reason" in result["error"]["output"]


def test_a_step_that_calls_sys_exit_is_a_failed_step(cli):
    cli.write("steps.py", "import sys\ndef leave():\n    sys.exit('enough')\n")
    outcome = cli.run("build:\n- steps.leave:\n")
    assert outcome.code == 1
    assert "enough" in outcome.err


def test_deployments_with_the_same_steps_share_one_run(cli):
    log = cli.directory / "log"
    text = f"""
build:
- {SHELL}:
    id: counted
    script: sh -c "echo x >> {log}"
deployments:
- name: one
- name: two
- name: three
  build: []
"""
    result = cli.result(text)
    assert log.read_text() == "x\n"
    assert [pipeline["deployments"] for pipeline in result["pipelines"]] == [["one", "two"], ["three"]]


def test_pipelines_that_differ_in_pull_alone_build_once(cli):
    log = cli.directory / "log"
    result = cli.result(
        f"""
build:
- {SHELL}:
    id: built
    script: sh -c "echo x >> {log}; echo image"
deployments:
- name: one
  pull:
  - {SHELL}:
      script: echo {{{{ built.stdout }}}} 1
- name: two
  pull:
  - {SHELL}:
      script: echo {{{{ built.stdout }}}} 2
"""
    )
    assert log.read_text() == "x\n"
    first, second = result["pipelines"]
    assert [step["status"] for step in first["steps"]] == ["succeeded", "succeeded"]
    assert [step["status"] for step in second["steps"]] == ["cached", "succeeded"]
    assert second["outputs"]["stdout"] == "image 2"
    assert second["outputs"]["built"] == {"stdout": "image", "stderr": ""}


def test_deployment_fields_come_out_resolved(cli):
    cli.environ["STAGE"] = "prod"
    result = cli.result(
        f"""
build:
- {SHELL}:
    id: commit
    script: echo abc123
deployments:
- name: one
  version: "{{{{ commit.stdout }}}}"
  tags: ["{{{{ $STAGE }}}}", plain]
  description: "for {{{{ flow_run.name }}}}"
  work_pool:
    name: pool
    job_variables:
      image: "app:{{{{ commit.stdout }}}}"
      left: "{{{{ $NOT_SET_ANYWHERE }}}}"
"""
    )
    (deployment,) = result["deployments"]
    assert deployment["version"] == "abc123"
    assert deployment["tags"] == ["prod", "plain"]
    assert deployment["description"] == "for {{ flow_run.name }}"
    assert deployment["work_pool"]["job_variables"] == {"image": "app:abc123", "left": "{{ $NOT_SET_ANYWHERE }}"}


def test_one_deployment_is_chosen_by_name(cli):
    text = f"""
deployments:
- name: one
  build: [{{{SHELL}: {{script: echo 1}}}}]
- name: two
  build: [{{{SHELL}: {{script: echo 2}}}}]
"""
    result = cli.result(text, "--deployment", "two")
    assert [pipeline["outputs"]["stdout"] for pipeline in result["pipelines"]] == ["2"]
    outcome = cli.stepengine("run", "--deployment", "twoo")
    assert outcome.code == 2
    assert "did you mean 'two'?" in outcome.err


def test_sections_are_chosen_by_only(cli):
    text = f"build:\n- {SHELL}:\n    script: echo b\npush:\n- {SHELL}:\n    script: echo p\n"
    result = cli.result(text, "--only", "push")
    assert [step["section"] for step in result["pipelines"][0]["steps"]] == ["push"]


def test_a_left_out_step_that_is_needed_is_told_before_anything_runs(cli):
    text = f"""
build:
- {SHELL}:
    id: built
    script: echo b
push:
- {SHELL}:
    script: touch ran
- {SHELL}:
    script: echo {{{{ built.stdout }}}}
"""
    outcome = cli.run(text, "--only", "push")
    assert outcome.code == 2
    assert "left-out-step" in outcome.err
    assert not (cli.directory / "ran").exists()


def test_an_input_is_set_on_the_command_line(cli):
    text = f"build:\n- {SHELL}:\n    id: greet-all\n    script: echo hello\n"
    result = cli.result(text, "--set", "greet-all.script=echo bye 1.10")
    assert result["pipelines"][0]["outputs"]["stdout"] == "bye 1.10"


def test_a_reference_without_a_value_is_an_error_before_the_run(cli):
    outcome = cli.run(
        f"build:\n- {SHELL}:\n    script: touch ran\n- {SHELL}:\n    script: echo {{{{ $NOT_SET_HERE }}}}\n"
    )
    assert outcome.code == 2
    assert "NOT_SET_HERE" in outcome.err
    assert "prefect.yaml:5:" in outcome.err
    assert not (cli.directory / "ran").exists()


def test_prefect_compat_drops_what_has_no_value(cli):
    result = cli.result(f"build:\n- {SHELL}:\n    script: echo [{{{{ $NOT_SET_HERE }}}}]\n", "--prefect-compat")
    assert result["pipelines"][0]["outputs"]["stdout"] == "[]"


def test_prefect_compat_warns_of_each_reference_that_it_drops(cli):
    text = (
        f"build:\n- {SHELL}:\n    script: echo [{{{{ $NOT_SET_HERE }}}}]\n    directory: '{{{{ clone.directory }}}}'\n"
    )
    outcome = cli.run(text, "--prefect-compat")
    assert outcome.code == 0, outcome.err
    assert "warning: run_shell_script: script: the environment variable NOT_SET_HERE is not set" in outcome.err
    assert "warning: run_shell_script: directory: " in outcome.err


def test_an_invalid_file_runs_nothing(cli):
    outcome = cli.run(f"build:\n- {SHELL}:\n    script: touch ran\n- {SHELL}:\n    scrip: echo\n")
    assert outcome.code == 2
    assert "did you mean 'script'?" in outcome.err
    assert not (cli.directory / "ran").exists()


def test_an_unmet_requirement_is_exit_4_with_the_command(cli):
    outcome = cli.run(f"build:\n- {SHELL}:\n    requires: no-such-distribution>=2\n    script: touch ran\n")
    assert outcome.code == 4
    assert "help: stepengine run --install\n" in outcome.err
    assert not (cli.directory / "ran").exists()


def test_the_version_of_a_built_in_step_is_checked(cli):
    step = f"build:\n- {SHELL}:\n    requires: prefect%s\n    script: echo\n"
    assert cli.run(step % ">=3.0").code == 0
    outcome = cli.run(step % ">=99")
    assert outcome.code == 4
    assert "counts as prefect 3.8.8" in outcome.err


def test_a_malformed_requirement_is_told(cli):
    outcome = cli.run(f"build:\n- {SHELL}:\n    requires: 'not a requirement!'\n    script: echo\n")
    assert outcome.code == 2
    assert "prefect.yaml:3:15: error: 'not a requirement!' is no requirement" in outcome.err


def test_the_file_is_found_in_a_parent_directory(cli):
    cli.write("prefect.yaml", f"build:\n- {SHELL}:\n    script: pwd\n")
    below = cli.directory / "a" / "b"
    below.mkdir(parents=True)
    top, cli.directory = cli.directory, below
    outcome = cli.stepengine("run", "--format", "json")
    assert outcome.json["pipelines"][0]["outputs"]["stdout"] == str(top)


def test_no_file_is_told(cli):
    outcome = cli.stepengine("run")
    assert outcome.code == 2
    assert "there is no prefect.yaml" in outcome.err


def test_quiet_says_nothing_of_a_success(cli):
    outcome = cli.run(f"build:\n- {SHELL}:\n    script: echo hello\n", "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")


def test_an_empty_file_succeeds_and_says_so(cli):
    outcome = cli.run("")
    assert outcome.code == 0
    assert "empty" in outcome.err


def test_a_closed_pipe_ends_the_command_quietly(cli):
    cli.write("prefect.yaml", f"build:\n- {SHELL}:\n    script: echo hello\n")
    command = " ".join(cli.command("plan", "--format", "json"))
    import subprocess

    done = subprocess.run(
        f"{command} | true; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        cwd=cli.directory,
        env=cli.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() in ("0", "141")
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_a_deployment_field_that_can_never_have_a_value_fails_the_run_with_its_place(cli):
    outcome = cli.run(
        f"build:\n- {SHELL}:\n    id: x\n    script: echo 5\ndeployments:\n- name: d\n  version: '{{{{ x.stdout / 0 }}}}'\n",
        "--format",
        "json",
    )
    assert outcome.code == 1
    assert outcome.json["status"] == "failed"
    assert outcome.json["error"]["where"] == "prefect.yaml:7:12 (deployment d, version)"
    assert outcome.json["pipelines"][0]["outputs"]["x"]["stdout"] == "5"


@pytest.mark.parametrize(
    "code",
    [
        "d = {}; d['d'] = d; return d",
        "return {('a', 1): 1}",
        "return {'i': 10 ** 5000}",
        "class Bad:\n        def __str__(self): raise RuntimeError\n    return {'bad': Bad()}",
        "d = []\n    for _ in range(5000): d = [d]\n    return {'deep': d}",
    ],
)
@pytest.mark.parametrize("secret", ["", "a-secret-value"])
def test_whatever_a_step_returns_there_is_a_document(cli, code, secret):
    if secret:
        cli.environ["MY_TOKEN"] = secret
    cli.write("odd.py", f"def main():\n    {code}\n")
    outcome = cli.run("build:\n- odd.main:\n    id: a\n", "--format", "json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["status"] == "succeeded"


def test_ignore_cache_runs_a_shared_step_again(cli):
    cli.write("counted.py", "def main(ignore_cache=False):\n    open('log', 'a').write('x')\n")
    text = "build:\n- counted.main:\n    ignore_cache: true\ndeployments:\n- name: a\n- name: b\n  push: [{counted.main: }]\n"
    assert cli.run(text).code == 0
    assert (cli.directory / "log").read_text() == "xxx"


def test_names_that_would_command_the_terminal_do_not(cli):
    hostile = '"\\e[2J\\e]0;owned\\a"'
    text = f"build:\n- {SHELL}:\n    id: {hostile}\n    script: exit 3\npush:\n- {SHELL}:\n    id: {hostile}\n"
    text += f"    script: 'true'\ndeployments:\n- name: {hostile}\n  work_pool:\n    job_variables:\n      image: {hostile}\n"
    text += "- name: other\n  push: []\n"
    cli.write("prefect.yaml", text)
    for command in (["run"], ["plan"], ["validate"]):
        outcome = cli.stepengine(*command)
        assert "\x1b" not in outcome.err + outcome.out
        assert "\x07" not in outcome.err + outcome.out

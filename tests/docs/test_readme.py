"""The claims of the README, each with the tests that show it; and the two commands that set up everything."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys

import pytest

from support import pages

CLAIMS = {
    "Server": ["cli/test_run.py::test_outputs_pass_between_steps_and_sections"],
    "Problems of the file": ["docs/test_readme.py::test_all_problems_come_at_once_with_place_and_remedy"],
    "Inputs of steps": ["docs/test_readme.py::test_all_problems_come_at_once_with_place_and_remedy"],
    "A reference without a value": ["cli/test_run.py::test_a_reference_without_a_value_is_an_error_before_the_run"],
    "Several deployments with the same steps": [
        "cli/test_run.py::test_deployments_with_the_same_steps_share_one_run",
        "cli/test_run.py::test_pipelines_that_differ_in_pull_alone_build_once",
    ],
    "Pull steps": ["docs/test_blocks.py::test_the_docker_example_of_the_readme_runs"],
    "A look ahead": ["cli/test_reference_example.py::test_its_plan_says_what_is_known_and_shows_no_password"],
    "What a step printed": ["cli/test_run.py::test_what_a_step_printed_is_never_expanded"],
    "Secrets in outputs, errors and logs": ["cli/test_secrets.py::test_encoded_and_broken_forms_are_masked"],
    "A script with pipes, variables, `cd`": ["docs/test_readme.py::test_a_script_with_pipes_variables_and_cd"],
    "`requires: prefect-docker>=0.6.5`": ["cli/test_run.py::test_the_version_of_a_built_in_step_is_checked"],
    "Two steps that require different versions": [
        "environments/test_upstream_packages.py::test_two_steps_with_conflicting_requirements_run_in_one_pipeline"
    ],
    "A lock": ["environments/test_locks.py::test_what_is_locked_is_installed_though_there_is_something_newer"],
    "Steps of your own": ["cli/test_steps.py::test_the_project_s_marked_steps_and_those_that_the_file_uses_are_listed"],
    "What pull steps install": [
        "cli/test_pull.py::test_what_pull_installs_never_reaches_the_environment_of_stepengine"
    ],
    "`dockerfile: auto`": [
        "steps/test_docker_build.py::test_auto_writes_nothing_into_the_project_and_works_beside_a_dockerfile"
    ],
    "BuildKit (build secrets, SSH, caches)": ["steps/test_docker_buildkit.py"],
    "For programs": ["cli/test_functions.py::test_the_json_document_is_all_there_is_on_standard_output"],
}


def test_every_claim_of_the_table_has_a_test():
    rows = pages.table("README.md", "What it does that `prefect deploy` does not")
    assert [row[0] for row in rows] == list(CLAIMS)
    for tests in CLAIMS.values():
        for test in tests:
            path, _, name = test.partition("::")
            tree = ast.parse((pages.ROOT / "tests" / path).read_text(encoding="utf-8"))
            names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
            assert name in names if name else names, test


def test_all_problems_come_at_once_with_place_and_remedy(cli):
    cli.write(
        "prefect.yaml",
        "build:\n- git_clone:\n    repository: x\n    reference: main\n- run_shell_scrip:\n- run_shell_script:\n    id: a\n",
    )
    (file,) = cli.stepengine("validate", "--format", "json").json["files"]
    found = [(each["code"], each["line"], each["column"]) for each in file["diagnostics"]]
    assert found == [("unknown-input", 4, 5), ("unknown-step", 5, 3), ("missing-input", 6, 3)]
    assert all(each["hint"] for each in file["diagnostics"])


def test_a_script_with_pipes_variables_and_cd(cli):
    (cli.directory / "inner").mkdir()
    script = "cd inner\n      name=world\n      echo hello $name from $(basename $PWD) | tr a-z A-Z"
    result = cli.result(f"build:\n- run_shell_script:\n    shell: true\n    script: |\n      {script}\n")
    assert result["pipelines"][0]["outputs"]["stdout"] == "HELLO WORLD FROM INNER"


@pytest.fixture
def clone(tmp_path):
    """What of this repository the two commands need."""
    target = tmp_path / "clone"
    ignore = shutil.ignore_patterns(".work", "__pycache__")
    shutil.copytree(pages.ROOT / "examples", target / "examples", ignore=ignore)
    shutil.copytree(pages.ROOT / "scripts", target / "scripts", ignore=ignore)
    shutil.copy(pages.ROOT / "pyproject.toml", target)
    return target


def program(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]), encoding="utf-8")
    path.chmod(0o755)


def installed(directory):
    """Make what `scripts/setup` takes for an environment that it has made."""
    for name, module in (("stepengine", "-m stepengine"), ("python", "")):
        program(directory / "bin" / name, f'exec {sys.executable} {module} "$@"')
    for group in ("user", "dev"):
        shutil.copy(pages.ROOT / "pyproject.toml", directory / f"stepengine-installed-{group}.toml")


@pytest.mark.parametrize("is_on_path", [True, False])
def test_the_quickstart_runs_offline_in_an_empty_home_and_again(clone, cli, is_on_path):
    environ = {
        "HOME": cli.environ["HOME"],
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "UV_OFFLINE": "1",
    }
    if is_on_path:
        program(cli.directory / "bin" / "stepengine", f'exec {sys.executable} -m stepengine "$@"')
        environ["PATH"] = f"{cli.directory / 'bin'}:{environ['PATH']}"
    else:
        program(cli.directory / "bin" / "python3", f'exec {sys.executable} "$@"')
        environ["PATH"] = f"{cli.directory / 'bin'}:/usr/bin:/bin"
        installed(clone / ".venv")
    for _ in range(2):
        done = subprocess.run(
            [clone / "examples" / "quickstart" / "run", "--format", "json"],
            env=environ,
            cwd=cli.directory,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    outputs = result["pipelines"][0]["outputs"]
    assert outputs["greeting"]["stdout"] == "Hello from version 1.4.2-python3.12!"
    morning, on_demand = result["deployments"]
    assert morning["version"] == on_demand["version"] == outputs["commit"]["stdout"]
    assert morning["tags"] == outputs["tags"]["additional_tags"]
    assert morning["work_pool"]["job_variables"]["env"] == {"APP_VERSION": "1.4.2-python3.12"}


def test_the_test_command_sets_up_and_hands_its_options_to_pytest(clone):
    installed(clone / ".venv")
    program(clone / ".venv" / "bin" / "python", '[ "$1" = -m ] || exit 0', 'echo "$@"')
    done = subprocess.run([clone / "scripts" / "test", "-k", "a b"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "-m pytest -k a b\n"), done.stderr


def test_an_old_python_is_told(clone):
    program(clone / "bin" / "python3", '[ "$1" = --version ] && echo Python 3.8.1 || exit 1')
    environ = {"PATH": f"{clone / 'bin'}:/usr/bin:/bin"}
    done = subprocess.run([clone / "scripts" / "setup"], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Python 3.8.1 is too old" in done.stderr


@pytest.mark.parametrize("block", [each for each in pages.blocks("README.md") if "setup" in each.words], ids=str)
def test_what_sets_up_is_one_command_that_is_there(block):
    (line,) = block.text.splitlines()
    path = pages.ROOT / line
    assert path.is_file()
    assert os.access(path, os.X_OK)

"""Where pull steps run, and that they leave the deploying machine as it was."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

SHELL = "prefect.deployments.steps.run_shell_script"
DIRECTORY = "prefect.deployments.steps.set_working_directory"
PIP = "prefect.deployments.steps.pip_install_requirements"


def test_without_an_image_pull_runs_in_a_fresh_directory_of_a_child_process(cli):
    result = cli.result(f"pull:\n- {SHELL}:\n    id: where\n    script: pwd\n")
    (pipeline,) = result["pipelines"]
    assert pipeline["pull"]["kind"] == "here"
    assert pipeline["pull"]["directory"] == pipeline["outputs"]["where"]["stdout"]
    assert not Path(pipeline["pull"]["directory"]).exists()
    assert str(cli.directory) not in pipeline["pull"]["directory"]


def test_a_directory_set_in_pull_is_there_for_the_next_pull_step_alone(cli):
    (cli.directory.parent / "elsewhere").mkdir()
    elsewhere = str(cli.directory.parent / "elsewhere")
    result = cli.result(f"pull:\n- {DIRECTORY}:\n    directory: {elsewhere}\n- {SHELL}:\n    script: pwd\n")
    (pipeline,) = result["pipelines"]
    assert pipeline["outputs"]["stdout"] == elsewhere
    assert pipeline["pull"]["directory"] == elsewhere


def test_outputs_of_build_reach_pull_and_types_are_kept(cli):
    cli.write("steps.py", "def make():\n    return {'data': {'a': [1, None]}}\n")
    cli.write("look.py", "def see(value):\n    print('saw', value)\n    return {'seen': value}\n")
    result = cli.result("build:\n- steps.make:\n    id: made\npull:\n- look.see:\n    value: '{{ made.data }}'\n")
    assert result["pipelines"][0]["outputs"]["seen"] == {"a": [1, None]}


def test_what_pull_installs_never_reaches_the_environment_of_stepengine(cli):
    package = cli.directory / "small"
    cli.write(
        "small/pyproject.toml", '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    cli.write("small/backend.py", _BACKEND)
    cli.write("look.py", "def see():\n    import small_thing\n    return {'place': small_thing.__file__}\n")
    result = cli.result(
        f"pull:\n- {SHELL}:\n    script: pip install --no-index --no-build-isolation {package}\n- look.see:\n    id: seen\n"
    )
    assert result["status"] == "succeeded", result["error"]
    place = result["pipelines"][0]["outputs"]["seen"]["place"]
    assert "stepengine-pull-" in place
    assert not any(Path(path, "small_thing.py").exists() for path in sys.path)


def test_skip_leaves_the_pull_steps_out_and_succeeds(cli):
    result = cli.result(f"pull:\n- {SHELL}:\n    script: touch {cli.directory}/ran\n", "--pull-in", "skip")
    assert result["status"] == "succeeded"
    assert result["pipelines"][0]["pull"]["kind"] == "skip"
    assert result["pipelines"][0]["steps"][0]["status"] == "skipped"
    assert not (cli.directory / "ran").exists()


def test_job_variables_that_are_one_placeholder_name_no_image(cli):
    text = f"pull:\n- {SHELL}:\n    script: pwd\ndeployments:\n- name: d\n  work_pool: {{job_variables: '{{{{ $JV | default({{}}) }}}}'}}\n"
    assert cli.result(text)["pipelines"][0]["pull"]["kind"] == "here"


def test_image_is_refused_where_there_is_none(cli):
    outcome = cli.run(f"pull:\n- {SHELL}:\n    script: pwd\n", "--pull-in", "image")
    assert outcome.code == 2
    assert "prefect.yaml:2:3: error: --pull-in image: the pipeline has no image [no-image]" in outcome.err
    assert "--pull-in image=NAME:TAG" in outcome.err


def test_an_image_whose_build_is_left_out_is_refused_before_anything_runs(cli):
    build = (
        "build:\n- prefect_docker.deployments.steps.build_docker_image:\n    id: b\n    image_name: app\n    tag: '1'\n"
    )
    pull = f"pull:\n- {SHELL}:\n    script: pwd\n"
    deployments = "deployments:\n- name: one\n  work_pool: {job_variables: {image: '{{ b.image }}'}}\n"
    outcome = cli.run(build + pull + deployments, "--pull-in", "image", "--only", "pull")
    assert outcome.code == 2
    assert "builds no image, for --only leaves build out" in outcome.err


@pytest.mark.parametrize("place", ["nowhere", "here=app:1", "skip=", "image=", "image:app"])
def test_a_place_that_there_is_not_is_refused(cli, place):
    outcome = cli.run(f"pull:\n- {SHELL}:\n    script: pwd\n", "--pull-in", place)
    assert (outcome.code, "none of auto, image, image=NAME, here, skip" in outcome.err) == (2, True)


def test_an_image_that_is_not_known_is_told_where_the_steps_run_here_instead(cli):
    build = "build:\n- prefect_docker.deployments.steps.build_docker_image:\n    image_name: app\n"
    outcome = cli.run(f"{build}pull:\n- {SHELL}:\n    script: pwd\n", "--only", "pull")
    assert outcome.code == 0
    assert "the image is not known here" in outcome.err
    assert "--pull-in image=NAME:TAG" in outcome.err


def test_a_place_that_cannot_be_had_is_a_failed_step_with_its_heading(cli):
    cli.environ["DOCKER_HOST"] = f"unix://{cli.directory}/no.sock"
    outcome = cli.run(f"pull:\n- {SHELL}:\n    script: pwd\n", "--pull-in", "image=app:1")
    assert outcome.code == 1
    assert outcome.err.startswith("pull run_shell_script (line 2)\n  failed after")
    assert "no Docker Engine answers" in outcome.err


def test_a_pull_step_that_crashes_is_a_failed_step(cli):
    cli.write("crash.py", "import os\ndef now():\n    print('last words', flush=True)\n    os._exit(9)\n")
    outcome = cli.run("pull:\n- crash.now:\n")
    assert outcome.code == 1
    assert "its process ended before it did (in a child process): exit status 9" in outcome.err


def test_a_pull_step_that_prints_binary_and_much_comes_through(cli):
    cli.write(
        "loud.py",
        "import os\ndef main():\n    os.write(1, bytes(range(256)) * 64 + b'\\n')\n    print('x' * 1_000_000)\n    return {'size': 'y' * 1_000_000}\n",
    )
    result = cli.result("pull:\n- loud.main:\n")
    assert result["status"] == "succeeded", result["error"]
    assert len(result["pipelines"][0]["outputs"]["size"]) == 1_000_000


def test_an_environment_variable_that_is_set_here_is_filled_in_for_pull(cli):
    cli.environ["STAGE"] = "prod"
    result = cli.result(f"pull:\n- {SHELL}:\n    script: echo {{{{ $STAGE }}}}\n")
    assert result["pipelines"][0]["outputs"]["stdout"] == "prod"


def test_a_step_that_is_not_known_here_may_be_known_to_the_worker(cli):
    outcome = cli.run("pull:\n- some_package.steps.fetch:\n    bucket: b\n")
    assert outcome.code == 1
    assert "warning" in outcome.err
    assert "No module named 'some_package'" in outcome.err


def test_pull_with_block_asks_the_engine_for_the_block(cli):
    source = cli.directory.parent / "storage"
    source.mkdir()
    (source / "flow.py").write_text("x = 1\n")
    cli.environ["STEPENGINE_BLOCKS"] = json.dumps({"local-file-system": {"mine": {"basepath": str(source)}}})
    result = cli.result(
        "pull:\n- prefect.deployments.steps.pull_with_block:\n    id: got\n"
        "    block_document_name: mine\n    block_type_slug: local-file-system\n"
        f"- {SHELL}:\n    script: ls {{{{ got.directory }}}}\n"
    )
    assert result["status"] == "succeeded", result["error"]
    assert result["pipelines"][0]["outputs"]["stdout"] == "flow.py"


_BACKEND = """
import zipfile

def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = "small_thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{directory}/{name}", "w") as wheel:
        wheel.writestr("small_thing.py", "x = 1\\n")
        wheel.writestr("small_thing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: small-thing\\nVersion: 1.0\\n")
        wheel.writestr("small_thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("small_thing-1.0.dist-info/RECORD", "")
    return name
"""

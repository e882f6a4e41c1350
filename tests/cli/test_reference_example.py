"""The documentation's example, on a real engine and a real registry with authentication."""

from __future__ import annotations

import json

import pytest

REFERENCE = """\
# Generic metadata about this project
name: demos
prefect-version: {version}

# build section allows you to manage and build docker images
build:
- prefect_docker.deployments.steps.build_docker_image:
    requires: prefect-docker>=0.3.1
    id: build-image
    dockerfile: auto
    image_name: docker.io/discdiver/docker-deployment
    tag: latest

# push section allows you to manage if and how this project is uploaded to remote locations
push:
- prefect_docker.deployments.steps.push_docker_image:
    requires: prefect-docker>=0.3.1
    image_name: '{{{{ build-image.image_name }}}}'
    tag: '{{{{ build-image.tag }}}}'
    credentials: '{{{{ prefect_docker.docker-registry-credentials.docker_registry_creds_name
      }}}}'

# pull section allows you to provide instructions for cloning this project in remote locations
pull:
- prefect.deployments.steps.set_working_directory:
    directory: /opt/my_directory

# the deployments section allows you to provide configuration for deploying flows
deployments:
- name: docker-deployment
  version: null
  tags: []
  description: null
  entrypoint: flows.py:docker_flow
  parameters: {{}}
  work_pool:
    name: docker-pool
    work_queue_name: null
    job_variables:
      image: '{{{{ build-image.image }}}}'
  schedule: null
"""

FLOW = 'from prefect import flow\n\n\n@flow\ndef docker_flow():\n    return "Hello, Docker!"\n'


@pytest.fixture
def reference(cli, services):
    cli.write("prefect.yaml", REFERENCE.format(version="2.11.5"))
    cli.write("flows.py", FLOW)
    cli.write("requirements.txt", "# nothing\n")
    blocks = {"docker-registry-credentials": {"docker_registry_creds_name": services.credentials}}
    cli.environ["STEPENGINE_BLOCKS"] = json.dumps(blocks)
    return cli


def test_it_validates_with_one_warning(reference):
    outcome = reference.stepengine("validate", "--format", "json")
    assert outcome.code == 0
    (file,) = outcome.json["files"]
    assert [found["code"] for found in file["diagnostics"]] == ["pull-directory"]
    assert "/opt/prefect/demos" in file["diagnostics"][0]["message"]


def test_its_plan_says_what_is_known_and_shows_no_password(reference, services):
    outcome = reference.stepengine("plan")
    assert outcome.code == 0
    assert services.password not in outcome.out
    assert "met by the built-in step, which counts as prefect-docker 0.7.4" in outcome.out
    assert "{{ build-image.tag }}  known after build-image" in outcome.out
    assert "***  secret" in outcome.out


def test_it_runs_build_push_pull_and_the_image_comes_back_by_its_digest(reference, services, image_name):
    setting = f"build-image.image_name={image_name}"
    outcome = reference.stepengine("run", "--set", setting, "--format", "json")
    assert outcome.code == 0, outcome.err
    assert services.password not in outcome.out + outcome.err
    result = outcome.json
    (pipeline,) = result["pipelines"]
    assert pipeline["pull"] == {"kind": "image", "image": f"{image_name}:latest", "directory": "/opt/my_directory"}
    assert result["deployments"][0]["work_pool"]["job_variables"]["image"] == f"{image_name}:latest"
    pushed = pipeline["steps"][1]["outputs"]
    by_digest = f"{image_name}@{pushed['digest']}"
    services.run("login", services.registry, "--username", services.username, "--password", services.password)
    services.run("image", "rm", "--force", f"{image_name}:latest")
    services.run("pull", by_digest)
    assert services.in_image(by_digest, "cat /opt/prefect/demos/flows.py") == FLOW
    services.run("image", "rm", "--force", by_digest)
    assert sorted(path.name for path in reference.directory.iterdir()) == [
        "flows.py",
        "prefect.yaml",
        "requirements.txt",
    ]


def test_a_base_without_the_directory_fails_the_rehearsal_and_names_where_the_code_is(reference, services, image_name):
    settings = [f"build-image.image_name={image_name}", f"build-image.base_image={services.base}"]
    outcome = reference.stepengine("run", *(word for setting in settings for word in ("--set", setting)))
    assert outcome.code == 1
    assert "/opt/my_directory" in outcome.err
    assert "dockerfile: auto put the project into /opt/prefect/demos" in outcome.err


def test_the_image_of_a_deployment_is_where_pull_runs(cli, services):
    text = f"""
pull:
- prefect.deployments.steps.run_shell_script:
    script: cat /etc/debian_version
deployments:
- name: one
  work_pool:
    job_variables:
      image: {services.base}
"""
    result = cli.result(text)
    assert result["status"] == "succeeded", result["error"]
    assert result["pipelines"][0]["pull"]["image"] == services.base
    containers = services.run("ps", "--all", "--quiet", "--filter", "label=org.stepengine.purpose=pull-rehearsal")
    assert containers == ""


def test_an_output_called_like_the_id_does_not_hide_the_image_that_was_built(cli, services):
    cli.write("mine.py", f"def build_docker_image():\n    return {{'image': {services.base!r}, 'tag': '1'}}\n")
    pull = "pull:\n- prefect.deployments.steps.run_shell_script:\n    script: cat /etc/debian_version\n"
    result = cli.result(f"build:\n- mine.build_docker_image:\n    id: tag\n{pull}")
    assert result["status"] == "succeeded", result["error"]
    assert result["pipelines"][0]["pull"]["image"] == services.base


def test_the_image_of_a_deployment_is_found_as_its_field_is_filled_in(cli, services):
    cli.environ["BASE_IMAGE"] = services.base
    text = """
pull:
- prefect.deployments.steps.run_shell_script:
    script: cat /etc/debian_version
deployments:
- name: unknown-here
  work_pool: {job_variables: {image: 'app:{{ $NOWHERE_SET }}'}}
- name: from-a-bare-name
  work_pool: {job_variables: {image: '{{ BASE_IMAGE }}'}}
"""
    result = cli.result(text)
    assert result["status"] == "succeeded", result["error"]
    assert result["pipelines"][0]["pull"]["image"] == services.base
    images = [each["work_pool"]["job_variables"]["image"] for each in result["deployments"]]
    assert images == ["app:{{ $NOWHERE_SET }}", services.base]


def test_the_pull_steps_alone_run_in_an_image_that_is_named(cli, services):
    text = "pull:\n- prefect.deployments.steps.run_shell_script:\n    script: cat /etc/debian_version\n"
    result = cli.result(text, "--only", "pull", "--pull-in", f"image={services.base}")
    assert result["status"] == "succeeded", result["error"]
    assert result["pipelines"][0]["pull"]["image"] == services.base


def test_a_step_that_the_image_does_not_have_is_told_with_the_remedy(cli, services):
    cli.write("mine.py", "def make(): ...\n")
    outcome = cli.run("pull:\n- mine.make: {}\n", "--pull-in", f"image={services.base}")
    assert outcome.code == 1
    assert "the step cannot be imported here: ModuleNotFoundError: No module named 'mine'" in outcome.err
    assert "copy it into the image, install its package there, or name its libraries" in outcome.err
    assert "importlib" not in outcome.err


def test_an_installed_step_that_names_its_libraries_is_carried_into_the_image(cli, services):
    cli.write("site/theirs-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    entries = "[stepengine.steps]\ncarried = theirs.steps:make\nalone = their_module:make\nleft = theirs.steps:left\n"
    cli.write("site/theirs-1.0.dist-info/entry_points.txt", entries)
    decorated = "from stepengine.plugin import step\n@step(libraries={})\ndef make(): return {{'here': {}}}\n"
    cli.write("site/theirs/__init__.py", "")
    text = "import helper_of_theirs\n" + decorated.format("['helper_of_theirs']", "helper_of_theirs.VALUE")
    cli.write("site/theirs/steps.py", text + "def left(): ...\n")
    cli.write("site/helper_of_theirs.py", "VALUE = 42\n")
    cli.write("site/their_module.py", decorated.format("[]", "__file__"))
    cli.environ["PYTHONPATH"] = str(cli.directory / "site")
    text = "pull:\n- carried: {id: a}\n- alone: {id: b}\n"
    result = cli.result(text, "--pull-in", f"image={services.base}")
    assert result["status"] == "succeeded", result["error"]
    outputs = result["pipelines"][0]["outputs"]
    assert (outputs["a"], outputs["b"]) == ({"here": 42}, {"here": "/.stepengine/libraries/their_module.py"})
    outcome = cli.run("pull:\n- left: {}\n", "--pull-in", f"image={services.base}")
    assert (outcome.code, "cannot be imported here" in outcome.err) == (1, True)


def test_a_repository_of_this_machine_is_not_in_the_image_and_that_is_said(cli, services):
    clone = f"pull:\n- prefect.deployments.steps.git_clone:\n    repository: file://{cli.directory}\n"
    outcome = cli.run(clone, "--pull-in", f"image={services.base}")
    assert outcome.code == 1
    assert "a container has none of this machine's directories; --pull-in here" in outcome.err


def test_an_image_without_python_is_told(cli, services):
    text = f"""
pull:
- prefect.deployments.steps.run_shell_script:
    script: pwd
deployments:
- name: one
  work_pool: {{job_variables: {{image: '{services.empty}'}}}}
"""
    outcome = cli.run(text)
    assert outcome.code == 1
    assert "has no python3" in outcome.err
    assert "--pull-in" in outcome.err


def test_git_clone_runs_in_the_image_with_what_is_carried_in(cli, services):
    text = f"""
pull:
- prefect.deployments.steps.run_shell_script:
    shell: true
    script: |
      git init --quiet --initial-branch main origin
      cd origin
      echo x = 1 > flow.py
      git add flow.py
      git -c user.name=x -c user.email=x@example.org commit --quiet -m first
- prefect.deployments.steps.git_clone:
    id: clone
    repository: file:///tmp/origin
- prefect.deployments.steps.run_shell_script:
    directory: '{{{{ clone.directory }}}}'
    script: ls
deployments:
- name: one
  work_pool: {{job_variables: {{image: '{services.base}'}}}}
"""
    text = text.replace("--initial-branch main origin", "--initial-branch main /tmp/origin").replace(
        "cd origin", "cd /tmp/origin"
    )
    result = cli.result(text)
    assert result["status"] == "succeeded", result["error"]
    assert result["pipelines"][0]["outputs"]["stdout"] == "flow.py"
    assert result["pipelines"][0]["outputs"]["clone"] == {"directory": "origin"}

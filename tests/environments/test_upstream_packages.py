"""Packages as their authors publish them, unmodified, run as steps in environments of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

SECRET = "k3y/of+the=bucket/99"


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """The environments of this module's tests: Prefect takes seconds to install."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def upstream(cli, cache):
    """The command, with environments that this module's tests share, and what uv has in the user's cache."""
    cli.environ["STEPENGINE_CACHE_DIR"] = str(cache)
    uv = os.path.join(os.path.dirname(sys.executable), "uv")
    done = subprocess.run([uv, "cache", "dir"], capture_output=True, text=True, check=True)
    cli.environ["UV_CACHE_DIR"] = done.stdout.strip()
    cli.environ["AWS_SECRET_ACCESS_KEY"] = SECRET
    return cli


AWS = """\
push:
- prefect_aws.deployments.steps.push_to_s3:
    id: push-code
    requires: prefect-aws>=0.5
    bucket: {bucket}
    folder: my-project
    credentials:
      aws_access_key_id: testing
      aws_secret_access_key: '{{{{ $AWS_SECRET_ACCESS_KEY }}}}'
    client_parameters:
      endpoint_url: {endpoint}
pull:
- prefect_aws.deployments.steps.pull_from_s3:
    requires: prefect-aws>=0.5
    bucket: '{{{{ push-code.bucket }}}}'
    folder: '{{{{ push-code.folder }}}}'
    credentials:
      aws_access_key_id: testing
      aws_secret_access_key: '{{{{ $AWS_SECRET_ACCESS_KEY }}}}'
    client_parameters:
      endpoint_url: {endpoint}
- run_shell_script:
    id: look
    script: cat flows/hello.txt
"""


def test_prefect_aws_pushes_to_a_bucket_and_pulls_from_it(upstream, bucket):
    upstream.write("flows/hello.txt", "hello from the bucket\n")
    text = AWS.format(bucket=bucket.name, endpoint=bucket.endpoint)
    outcome = upstream.run(text, "--install", "--format", "json")
    assert outcome.code == 0, outcome.err
    assert bucket.read("my-project/flows/hello.txt") == b"hello from the bucket\n"
    assert outcome.json["pipelines"][0]["outputs"]["look"]["stdout"] == "hello from the bucket"
    assert SECRET not in outcome.out + outcome.err


def test_the_inputs_of_a_step_of_an_environment_are_checked_before_it_runs(upstream, bucket):
    text = AWS.format(bucket=bucket.name, endpoint=bucket.endpoint).replace("folder: my", "foldr: my")
    outcome = upstream.run(text, "--install")
    assert outcome.code == 2
    assert "prefect.yaml:6:5: error: push_to_s3 has no input 'foldr'" in outcome.err
    assert upstream.stepengine("validate").code == 2


DOCKER = """\
build:
- prefect_docker.deployments.steps.build_docker_image:
    id: build-image
    requires: prefect-docker==0.7.4
    dockerfile: Dockerfile
    image_name: {registry}/upstream
    tag: v1
    pull: false
push:
- prefect_docker.deployments.steps.push_docker_image:
    requires: prefect-docker==0.7.4
    image_name: '{{{{ build-image.image_name }}}}'
    tag: '{{{{ build-image.tag }}}}'
    credentials: '{{{{ prefect_docker.docker-registry-credentials.mine }}}}'
"""


@pytest.mark.docker
def test_prefect_docker_runs_instead_of_the_steps_that_stand_for_it(upstream, services):
    upstream.environ["STEPENGINE_BLOCKS"] = json.dumps({"docker-registry-credentials": {"mine": services.credentials}})
    upstream.write("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n")
    text = DOCKER.format(registry=services.registry)
    arguments = ["--upstream", "prefect-docker", "--install", "--format", "json"]
    outcome = upstream.run(text, *arguments)
    assert outcome.code == 0, outcome.err
    image = outcome.json["pipelines"][0]["outputs"]["image"]
    labels = json.loads(services.run("image", "inspect", image))[0]["Config"]["Labels"]
    assert "io.prefect.version" in labels  # its own step sets it, the built-in one does not
    assert services.password not in outcome.out + outcome.err
    plan = upstream.stepengine("plan", "--upstream", "prefect-docker").out
    assert "prefect-docker 0.7.4" in plan
    assert "runs in an environment of its own" in plan


def test_upstream_names_what_there_is(cli):
    outcome = cli.run("build: []\n", "--upstream", "prefect-dokker")
    assert outcome.code == 2
    assert "there are: prefect, prefect-docker" in outcome.err


def test_two_steps_with_conflicting_requirements_run_in_one_pipeline(cli, package_index):
    for version in ("1.0", "2.0"):
        package_index.add("colour", version, {"colour.py": f"def tell():\n    return {{'version': '{version}'}}\n"})
    cli.environ = package_index.environ(cli.environ)
    outcome = cli.run(
        "build:\n- colour.tell: {id: old, requires: 'colour<2'}\n- colour.tell: {id: new, requires: 'colour>=2'}\n"
        "- run_shell_script:\n    id: both\n    script: echo {{ old.version }} {{ new.version }}\n",
        "--install",
        "--format",
        "json",
    )
    assert outcome.code == 0, outcome.err
    assert outcome.json["pipelines"][0]["outputs"]["both"]["stdout"] == "1.0 2.0"

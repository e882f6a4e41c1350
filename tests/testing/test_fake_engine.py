"""The fake engine: the built-in steps, the SDK and Docker's client use it unchanged."""

from __future__ import annotations

import os
import shutil
import subprocess

import docker
import docker.errors
import pytest

IMAGE = "registry.example.com/demos/app"
FILE = f"""
build:
- build_docker_image:
    id: image
    image_name: {IMAGE}
    tag: v1
    additional_tags: [latest]
    buildargs: {{VERSION: 3}}
    labels: {{team: data}}
    target: run
    platform: linux/arm64
push:
- push_docker_image:
    id: pushed
    image_name: '{{{{ image.image_name }}}}'
    tag: '{{{{ image.tag }}}}'
    additional_tags: '{{{{ image.additional_tags }}}}'
    credentials: '{{{{ prefect.blocks.docker-registry-credentials.mine }}}}'
"""
LOGIN = {"username": "me", "password": "secret-password", "registry_url": "registry.example.com"}


@pytest.fixture
def project(stepengine_project, stepengine_docker):
    stepengine_project.write_files(
        {
            "Dockerfile": "FROM python:3.12-slim AS run\nARG VERSION\n# a comment\nCOPY . \\\n  /app\n",
            "flows.py": "flow",
            "data/big.bin": b"\0\1",
            ".dockerignore": "prefect.yaml\nignored\n",
            "ignored": "",
        }
    )
    stepengine_project.set_block("docker-registry-credentials", "mine", LOGIN)
    return stepengine_project


def test_the_built_in_steps_build_and_push(project, stepengine_docker):
    outcome = project.run(FILE).assert_succeeded().assert_hidden("secret-password")
    build = stepengine_docker.assert_built(f"{IMAGE}:v1")
    assert build is stepengine_docker.assert_built(IMAGE)
    assert build.files.keys() == {"Dockerfile", "flows.py", "data/big.bin", ".dockerignore"}
    assert build.files["data/big.bin"] == b"\0\1"
    assert build.dockerfile.startswith("FROM python:3.12-slim")
    assert (build.arguments, build.labels) == ({"VERSION": "3"}, {"team": "data"})
    assert (build.target, build.platform) == ("run", "linux/arm64")
    assert outcome.outputs["image"]["image_id"] == build.image_id
    assert stepengine_docker.pulls == ["python:3.12-slim"]
    push = stepengine_docker.assert_pushed(f"{IMAGE}:v1")
    assert (push.username, push.password) == ("me", "secret-password")
    assert outcome.outputs["pushed"]["digest"] == push.digest
    assert [each.reference for each in stepengine_docker.pushes] == [f"{IMAGE}:v1", f"{IMAGE}:latest"]
    outcome.assert_printed(r"^Step 3/3 : COPY \. +/app$", step="image")


def test_the_same_build_has_the_same_id(project, stepengine_docker):
    project.run(FILE, "--only", "build").assert_succeeded()
    project.run(FILE, "--only", "build").assert_succeeded()
    project.write("flows.py", "another")
    project.run(FILE, "--only", "build").assert_succeeded()
    first, second, third = (build.image_id for build in stepengine_docker.builds)
    assert first == second != third


def test_failures_are_those_of_an_engine(project, stepengine_docker):
    stepengine_docker.fail_build("the command '/bin/sh -c make' returned a non-zero code: 2")
    project.run(FILE).assert_failed("the build failed at step 3/3, COPY .*returned a non-zero code: 2", step="image")
    stepengine_docker.fail_build("")
    stepengine_docker.fail_push("denied: requested access to the resource is denied")
    project.run(FILE).assert_failed("denied", step="pushed")
    stepengine_docker.fail_pull("manifest unknown")
    stepengine_docker.images.clear()
    project.run(FILE).assert_failed("python:3.12-slim can neither be pulled nor is it here: manifest unknown")


def test_a_registry_may_want_credentials(project, stepengine_docker):
    stepengine_docker.require_login("registry.example.com", "me", "another-password")
    project.run(FILE).assert_failed("registry.example.com refuses these credentials", step="pushed")
    assert stepengine_docker.pushes == []
    stepengine_docker.require_login("registry.example.com", "me", "secret-password")
    project.run(FILE).assert_succeeded()


def test_an_image_that_was_not_built_is_not_pushed(project, stepengine_docker):
    inputs = {"image_name": IMAGE, "tag": "v2"}
    project.run_step("push_docker_image", inputs).assert_failed("the engine has no image")
    stepengine_docker.add_image(f"{IMAGE}:v2")
    project.run_step("push_docker_image", inputs).assert_succeeded()


def test_assertions_say_what_there_was(project, stepengine_docker):
    with pytest.raises(AssertionError, match=r"other:v1 was not built; built was: nothing"):
        stepengine_docker.assert_built("other:v1")
    project.run(FILE)
    with pytest.raises(AssertionError, match=rf"other:v1 was not built; built was: {IMAGE}:v1, {IMAGE}:latest"):
        stepengine_docker.assert_built("other:v1")
    with pytest.raises(AssertionError, match=rf"other:latest was not pushed; pushed was: {IMAGE}:v1, {IMAGE}:latest"):
        stepengine_docker.assert_pushed("other:latest")


def test_the_sdk_uses_it(stepengine_docker, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    client = docker.DockerClient(base_url=stepengine_docker.host)
    try:
        assert client.ping()
        assert client.info()["OSType"] == "linux"
        image, _ = client.images.build(path=str(tmp_path), tag="app:1")
        assert image.tags == ["app:1"]
        assert client.images.get(image.id[7:19]).id == image.id
        assert image.tag("other", "2")
        assert client.images.pull("alpine", tag="3").tags == ["alpine:3"]
        assert "digest: sha256:" in client.images.push("other", tag="2")
        assert client.login("me", "pw", registry="example.com")["Status"] == "Login Succeeded"
        assert {tag for each in client.images.list() for tag in each.tags} == {"app:1", "other:2", "alpine:3"}
        client.images.remove("app:1")
        with pytest.raises(docker.errors.ImageNotFound):
            client.images.get("app:1")
        with pytest.raises(docker.errors.APIError, match="does not know POST /containers/create"):
            client.containers.create("other:2")
    finally:
        client.close()


@pytest.mark.skipif(shutil.which("docker") is None, reason="Docker's client is not installed")
def test_dockers_client_uses_it(stepengine_project, stepengine_docker, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM scratch\nLABEL a=b\n")

    def client(*arguments):
        environ = {**stepengine_project.environ, "DOCKER_BUILDKIT": "0"}
        done = subprocess.run(["docker", *arguments], env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    client("build", "--tag", "example.com/app:1", str(tmp_path))
    client("push", "example.com/app:1")
    client("pull", "alpine")
    stepengine_docker.assert_built("example.com/app:1")
    stepengine_docker.assert_pushed("example.com/app:1")
    assert stepengine_docker.pulls == ["alpine:latest"]
    assert "24.0.0" in client("version", "--format", "{{.Server.Version}}")


def test_the_environment_of_the_tests_stays(stepengine_docker):
    assert os.environ.get("DOCKER_HOST") != stepengine_docker.host

"""A file that builds, pushes and clones: recorded with a real engine, registry and git, replayed with none of them.

`cassettes/` has what `pytest --stepengine-record=all` recorded with `scripts/services up`.
"""

from __future__ import annotations

import socket
import subprocess
from time import perf_counter

import pytest

from stepengine.testing import Cassette

FILE = """
name: demos
build:
- prefect_docker.deployments.steps.build_docker_image:
    id: build-image
    requires: prefect-docker>=0.3.1
    image_name: '{{ $REGISTRY }}/tests/recorded'
    tag: v1
    dockerfile: Dockerfile
    build_backend: docker-py
    pull: false
push:
- prefect_docker.deployments.steps.push_docker_image:
    id: push-image
    requires: prefect-docker>=0.3.1
    image_name: '{{ build-image.image_name }}'
    tag: '{{ build-image.tag }}'
    credentials: '{{ prefect.blocks.docker-registry-credentials.tests }}'
pull:
- prefect.deployments.steps.git_clone:
    id: clone
    repository: '{{ $REPOSITORY }}'
- prefect.deployments.steps.set_working_directory:
    directory: '{{ clone.directory }}'
deployments:
- name: daily
  work_pool:
    job_variables:
      image: '{{ build-image.image }}'
"""
REPLAY_SECONDS = 0.1
"""For two docker steps, one git step and one more, and for reading, checking and planning the file."""


def prepare(project, base, registry, login):
    project.write_files(
        {"Dockerfile": f"FROM {base}\nCOPY flows.py /\n", "flows.py": "flow", ".dockerignore": "prefect.yaml\n"}
    )
    project.setenv("REGISTRY", registry)
    project.set_block("docker-registry-credentials", "tests", {**login, "registry_url": registry})


def check(outcome, registry, password):
    outcome.assert_succeeded().assert_hidden(password)
    assert outcome.deployments["daily"]["work_pool"]["job_variables"]["image"] == f"{registry}/tests/recorded:v1"
    assert outcome.outputs["push-image"]["digest"].startswith("sha256:")
    outcome.assert_printed("^Step 2/2 : COPY flows.py /", step="build-image")
    outcome.assert_printed("v1: digest: sha256:", step="push-image")
    outcome.assert_printed("^cloning file:", step="clone")
    assert outcome.result.pipelines[0].pull.directory.endswith("demo")


def offline(monkeypatch):
    """Have everything fail that replay must do without."""

    def refuse(*_args, **_named):
        raise AssertionError("a replay uses no network and no program")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)


@pytest.fixture
def cassette(stepengine_cassette, request, stepengine_project, stepengine_git):
    """The cassette beside this file, and the registry and password of the run."""
    repository = stepengine_git({"flows.py": "flow"})
    stepengine_project.setenv("REPOSITORY", repository.url)
    registry, password, base = "registry.example.com:5000", "any-other-password", "base"
    if request.config.getoption("--stepengine-record") != "none":
        services = request.getfixturevalue("services")
        registry, password, base = services.registry, services.password, services.base
    prepare(stepengine_project, base, registry, {"username": "stepengine", "password": password})
    stepengine_cassette.portable("registry", registry)
    return registry, password


def test_the_file_is_replayed_offline(cassette, stepengine_cassette, stepengine_project, monkeypatch, request):
    registry, password = cassette
    if request.config.getoption("--stepengine-record") == "none":
        offline(monkeypatch)
    check(stepengine_project.run(FILE, "--pull-in", "here"), registry, password)
    if not stepengine_cassette.recorded:
        stepengine_cassette.assert_all_played()


@pytest.mark.docker
def test_what_is_recorded_now_is_replayed_in_milliseconds(
    services, stepengine_project, stepengine_git, tmp_path, monkeypatch
):
    monkeypatch.setitem(stepengine_project.environ, "REPOSITORY", stepengine_git({"flows.py": "flow"}).url)
    prepare(
        stepengine_project,
        services.base,
        services.registry,
        {"username": services.username, "password": services.password},
    )
    path = tmp_path / "cassette.json"
    outcomes, seconds = [], []
    try:
        for mode in ("once", "none", "none", "none"):
            stepengine_project.cassette = Cassette(path, mode)
            for name, text in (("root", tmp_path), ("project", stepengine_project.directory)):
                stepengine_project.cassette.portable(name, str(text))
            if mode == "none":
                offline(monkeypatch)
            started = perf_counter()
            outcomes.append(stepengine_project.run(FILE, "--pull-in", "here"))
            seconds.append(perf_counter() - started)
            stepengine_project.cassette.save()
            check(outcomes[-1], services.registry, services.password)
    finally:
        monkeypatch.undo()
        services.run("image", "rm", "--force", f"{services.registry}/tests/recorded:v1")
    assert services.password not in path.read_text()
    steps = [[step._replace(outputs={}) for step in outcome.steps] for outcome in outcomes]
    assert [step.lines for step in steps[0]] == [step.lines for step in steps[1]]
    assert outcomes[0].outputs["push-image"] == outcomes[1].outputs["push-image"]
    assert min(seconds[1:]) < REPLAY_SECONDS

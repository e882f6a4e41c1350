"""What a user gets from `build_docker_image` with BuildKit, and how a build ends early."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from stepengine.plugin import Context, StepError
from stepengine_steps._docker.buildkit_inputs import argument_flags
from stepengine_steps.docker_build import build_docker_image
from support.docker_project import Recorder, Services

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.docker

SECRET = "correct-horse-battery"


def recording_client(directory: Path, services: Services) -> Path:
    """A docker client first on the PATH that keeps what it is called with."""
    log = directory / "argv"
    directory.mkdir()
    program = directory / "docker"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {log}\nexec {services.docker} "$@"\n')
    program.chmod(0o755)
    return log


@pytest.mark.parametrize(
    "secrets",
    [{"token": SECRET}, ["id=token,env=TOKEN"], [{"id": "token", "env": "TOKEN"}], 'id=token,src=tok,en "file"'],
    ids=["value", "variable", "mapping", "file"],
)
def test_a_build_secret_is_read_and_is_in_no_history_argv_or_output(
    services: Services, image_name: str, project: Path, tmp_path: Path, secrets: object
) -> None:
    if isinstance(secrets, str):
        (project / 'tok,en "file"').write_text(SECRET)
        secrets = ['id=token,"src=tok,en ""file"""']
    mount = "--mount=type=secret,id=token"
    (project / "Dockerfile").write_text(f"FROM {services.base}\nRUN {mount} sha256sum < /run/secrets/token > /sum\n")
    argv = recording_client(tmp_path / "bin", services)
    run = Recorder(project, environ={"TOKEN": SECRET, "PATH": f"{argv.parent}{os.pathsep}{os.environ['PATH']}"})
    made = build_docker_image(image_name, "Dockerfile", "v1", ["v2"], secrets=secrets, pull=False, context=run.context)
    assert services.in_image(made["image"], "cat /sum").split()[0] == hashlib.sha256(SECRET.encode()).hexdigest()
    assert made["image_id"] == services.run("image", "inspect", "--format", "{{.Id}}", f"{image_name}:v2").strip()
    assert "build" in argv.read_text()
    for text in (services.run("history", "--no-trunc", made["image"]), argv.read_text(), run.output):
        assert SECRET not in text


def test_auto_with_buildkit_writes_nothing_into_the_project(services: Services, image_name: str, project: Path) -> None:
    (project / "flows.py").write_text("1\n")
    (project / "Dockerfile").write_text("not a Dockerfile\n")
    made = build_docker_image(
        image_name,
        "auto",
        build_backend="buildx",
        base_image=services.base,
        pull=False,
        context=Recorder(project).context,
    )
    assert sorted(os.listdir(project)) == ["Dockerfile", "flows.py"]
    assert services.in_image(made["image"], "pwd; ls -A").split() == ["/opt/prefect/demos", "Dockerfile", "flows.py"]


def test_a_dockerfile_that_needs_buildkit_gets_it(services: Services, image_name: str, project: Path) -> None:
    (project / "Dockerfile").write_text(f"FROM {services.base}\nRUN --mount=type=cache,target=/c touch /c/x\n")
    made = build_docker_image(image_name, pull=False, context=Recorder(project).context)
    assert made["image_id"].startswith("sha256:")


def test_a_dockerfiles_own_ignore_file_comes_before_the_general_one(
    services: Services, image_name: str, project: Path
) -> None:
    (project / "Dockerfile").write_text(f"FROM {services.base}\nCOPY . /code\n")
    (project / "Dockerfile.dockerignore").write_text("a\nDockerfile*\n.dockerignore\n")
    (project / ".dockerignore").write_text("b\n")
    for name in "abc":
        (project / name).write_text("1")
    for backend in ("docker-py", "buildx"):
        run = Recorder(project)
        made = build_docker_image(
            image_name, "Dockerfile", backend, build_backend=backend, pull=False, context=run.context
        )
        assert {"b", "c"} <= set(services.in_image(made["image"], "ls -A /code").split())
        assert "a" not in services.in_image(made["image"], "ls -A /code").split()


def test_build_arguments_are_not_in_argv(services: Services, image_name: str, project: Path, tmp_path: Path) -> None:
    (project / "Dockerfile").write_text(f"FROM {services.base}\nARG API_KEY\nRUN test $API_KEY = {SECRET}\n")
    argv = recording_client(tmp_path / "bin", services)
    run = Recorder(project, environ={"PATH": f"{argv.parent}{os.pathsep}{os.environ['PATH']}"})
    build_docker_image(
        image_name, buildargs={"API_KEY": SECRET}, build_backend="buildx", pull=False, context=run.context
    )
    assert "API_KEY" in argv.read_text()
    assert SECRET not in argv.read_text()
    assert any("history" in warning for warning in run.warnings)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"buildargs": {"HTTPS_PROXY": f"http://me:{SECRET}@proxy:3128"}}, "the build argument HTTPS_PROXY holds a"),
        ({"buildargs": {"https_proxy": f"me:{SECRET}@proxy:3128"}}, "the build argument https_proxy holds a secret"),
        ({"buildargs": {"DOCKER_AUTH_CONFIG": SECRET}}, "the build argument DOCKER_AUTH_CONFIG holds a secret"),
        ({"buildargs": {"BUILDX_TOKEN": SECRET}}, "the build argument BUILDX_TOKEN holds a secret"),
        ({"cache_to": {"type": "s3", "secret_access_key": SECRET}}, "cache_to: secret_access_key holds a secret"),
        ({"cache_to": f"type=gha,TOKEN={SECRET}"}, "cache_to: token holds a secret"),
        ({"cache_from": [f'type=s3,"session_token={SECRET}"']}, "cache_from: session_token holds a secret"),
        ({"cache_from": f"type=gha,url=https://me:{SECRET}@h/x"}, "cache_from: url holds a secret"),
        ({"build_contexts": {"src": f"https://me:{SECRET}@h/o/r.git"}}, "build_contexts: the address of src has a"),
    ],
)
def test_a_secret_that_would_be_in_argv_is_refused(
    services: Services, project: Path, tmp_path: Path, inputs: dict[str, Any], message: str
) -> None:
    (project / "Dockerfile").write_text("FROM scratch\n")
    argv = recording_client(tmp_path / "bin", services)
    # It has buildx, whatever the machine's client has.
    (argv.parent / "docker").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {argv}\ntest "$2" = version\n')
    run = Recorder(project, environ={"PATH": f"{argv.parent}{os.pathsep}{os.environ['PATH']}"})
    with pytest.raises(StepError, match=message) as caught:
        build_docker_image("demo", build_backend="buildx", pull=False, context=run.context, **inputs)
    assert SECRET not in argv.read_text() + caught.value.message + caught.value.hint
    assert caught.value.hint


def test_arguments_named_like_variables_of_the_client_are_in_argv_only_where_it_reads_them(tmp_path: Path) -> None:
    context = Context(str(tmp_path), environ={"HTTP_PROXY": f"http://me:{SECRET}@proxy"})
    variables: dict[str, str] = {}
    arguments = {
        "DOCKER_PASSWORD": SECRET,
        "DOCKER_HOST": "tcp://other",
        "NO_PROXY": "localhost",
        "HTTP_PROXY": f"http://me:{SECRET}@proxy",
        "HTTPS_PROXY": None,
    }
    flags = list(argument_flags(arguments, context, variables))[1::2]
    assert flags == ["DOCKER_PASSWORD", "DOCKER_HOST=tcp://other", "NO_PROXY=localhost", "HTTP_PROXY", "HTTPS_PROXY"]
    assert variables == {"DOCKER_PASSWORD": SECRET}


def test_a_client_without_buildkit_is_passed_over(
    services: Services, image_name: str, project: Path, tmp_path: Path
) -> None:
    (tmp_path / "first").mkdir()
    broken = tmp_path / "first" / "docker"
    broken.write_text('#!/bin/sh\ntest "$1" = --version && echo Docker version 28.2.2, build 1 && exit\nexit 1\n')
    broken.chmod(0o755)
    (project / "Dockerfile").write_text(f"FROM {services.base}\n")
    run = Recorder(project, environ={"PATH": f"{broken.parent}{os.pathsep}{os.environ['PATH']}"})
    build_docker_image(image_name, build_backend="buildx", pull=False, context=run.context)
    run = Recorder(project, environ={"PATH": str(broken.parent)})
    with pytest.raises(StepError, match="needs BuildKit, and no docker client on the PATH has it"):
        build_docker_image(image_name, build_backend="buildx", pull=False, context=run.context)


@pytest.mark.parametrize(
    ("secrets", "message"),
    [
        (["id=token,env=NOT_SET_ANYWHERE"], "in no variable NOT_SET_ANYWHERE"),
        (["id=token,src=nowhere"], "in no file"),
        (["env=X"], "is not an id"),
        (["token"], "not well formed"),
        ({"a,env=HOME": "x"}, "is not an id"),
    ],
)
def test_secrets_that_are_not_well_formed_are_refused(
    services: Services, project: Path, secrets: object, message: str
) -> None:
    (project / "Dockerfile").write_text("FROM scratch\n")
    with pytest.raises(StepError, match=message):
        build_docker_image("demo", secrets=secrets, context=Recorder(project).context)


def test_the_engine_of_the_docker_context_in_use_is_asked(services: Services, project: Path, tmp_path: Path) -> None:
    meta = tmp_path / "config" / "contexts" / "meta" / hashlib.sha256(b"mine").hexdigest()
    meta.mkdir(parents=True)
    endpoint = {"Name": "mine", "Endpoints": {"docker": {"Host": "unix:///nowhere/mine.sock"}}}
    (meta / "meta.json").write_text(json.dumps(endpoint))
    (tmp_path / "config" / "config.json").write_text('{"currentContext": "mine"}')
    (project / "Dockerfile").write_text("FROM scratch\n")
    run = Recorder(project, environ={"DOCKER_CONFIG": str(tmp_path / "config"), "DOCKER_HOST": ""})
    with pytest.raises(StepError, match=r"no Docker Engine answers at unix:///nowhere/mine\.sock"):
        build_docker_image("demo", context=run.context)
    run = Recorder(project, environ={"DOCKER_CONTEXT": "other", "DOCKER_HOST": ""})
    with pytest.raises(StepError, match="the docker context 'other' cannot be read"):
        build_docker_image("demo", context=run.context)


BUILD = """
import sys
from stepengine.plugin import Context
from stepengine_steps.docker_build import build_docker_image
context = Context(sys.argv[1], emit=lambda kind, data: print(data.get("line", ""), flush=True))
build_docker_image(sys.argv[2], build_backend=sys.argv[3], pull=False, context=context)
"""


@pytest.mark.parametrize("backend", ["docker-py", "buildx"])
def test_an_interrupted_build_ends_in_the_engine_too(
    services: Services, image_name: str, project: Path, backend: str
) -> None:
    mark = f"sleep 300.{os.getpid()}"
    (project / "Dockerfile").write_text(f"FROM {services.base}\nRUN echo started; {mark}\n")
    command = [sys.executable, "-c", BUILD, str(project), image_name, backend]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        while "started" not in (line := child.stdout.readline()) or mark in line:
            assert line
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=30)
    assert "KeyboardInterrupt" in errors
    until = time.monotonic() + 20
    while mark.encode() in running_commands():
        assert time.monotonic() < until, "the build goes on"
        time.sleep(0.2)


def running_commands() -> bytes:
    commands = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    commands.append(file.read().replace(b"\0", b" "))
            except OSError:
                continue
    return b"\n".join(commands)

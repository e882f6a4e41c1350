"""What a user gets from `build_docker_image`, from a real engine."""

from __future__ import annotations

import contextlib
import http.server
import re
import select
import socket
import socketserver
import threading
from typing import TYPE_CHECKING

import pytest

from stepengine.plugin import StepError
from stepengine_steps._docker.engine import _events
from stepengine_steps.docker_build import build_docker_image
from support.docker_project import Recorder, Services

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.docker


def write(project: Path, **files: str) -> None:
    for name, text in files.items():
        (project / name.replace("__", ".")).write_text(text)


def listing(project: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in project.iterdir()}


def test_auto_installs_requirements_and_puts_the_project_into_the_image(
    services: Services, image_name: str, project: Path
) -> None:
    write(project, flows__py="print('hello')\n", requirements__txt="six\n")
    run = Recorder(project)
    made = build_docker_image(
        image_name, "auto", "latest", ["v1"], base_image=services.base, pull=False, context=run.context
    )
    image_id = services.run("image", "inspect", "--format", "{{.Id}}", f"{image_name}:v1").strip()
    assert made == {
        "image_name": image_name,
        "tag": "latest",
        "image": f"{image_name}:latest",
        "image_id": image_id,
        "additional_tags": ["v1"],
    }
    seen = services.in_image(made["image"], "pwd; ls -A; python flows.py; python -c 'import six'")
    assert seen.split() == ["/opt/prefect/demos", "flows.py", "requirements.txt", "hello"]
    assert "Step 1/" in run.output
    assert run.warnings == []


def test_auto_writes_nothing_into_the_project_and_works_beside_a_dockerfile(
    services: Services, image_name: str, project: Path
) -> None:
    write(project, Dockerfile="not a Dockerfile\n", flows__py="1\n", __dockerignore="*.log\n", debug__log="x")
    before = listing(project)
    made = build_docker_image(
        image_name, "auto", base_image=services.base, pull=False, context=Recorder(project).context
    )
    assert listing(project) == before
    seen = services.in_image(made["image"], "ls -A; cat Dockerfile").splitlines()
    assert seen == [".dockerignore", "Dockerfile", "flows.py", "not a Dockerfile"]


@pytest.mark.parametrize("name", ["my project", 'it\'s "quoted"', "$HOME", "back\\slash", "ünïcode", "-dash", "a#b"])
def test_auto_takes_any_directory_name(services: Services, image_name: str, tmp_path: Path, name: str) -> None:
    project = tmp_path / name
    project.mkdir()
    write(project, flows__py="1\n", requirements__txt="\n")
    run = Recorder(project)
    made = build_docker_image(image_name, "auto", base_image=services.base, pull=False, context=run.context)
    assert services.in_image(made["image"], "pwd; ls").splitlines() == [
        f"/opt/prefect/{name}",
        "flows.py",
        "requirements.txt",
    ]


def test_auto_starts_from_prefects_image_of_the_files_version(
    services: Services, image_name: str, project: Path
) -> None:
    run = Recorder(project, project={"prefect-version": "2.11.5"})
    made = build_docker_image(image_name, "auto", pull=False, context=run.context)
    assert re.search(r"FROM prefecthq/prefect:2\.11\.5-python3\.1[01]\b", run.output)
    services.in_image(made["image"], "test -d /opt/my_directory")


def test_an_unchanged_project_is_the_same_image_again(services: Services, image_name: str, project: Path) -> None:
    write(project, flows__py="1\n", __dockerignore="*.log\n")
    made = [
        build_docker_image(image_name, "auto", base_image=services.base, pull=False, context=Recorder(project).context)
        for _ in range(2)
    ]
    assert made[0]["image_id"] == made[1]["image_id"]


def test_the_generated_dockerfile_is_kept_on_request(services: Services, image_name: str, project: Path) -> None:
    context = Recorder(project).context
    build_docker_image(
        image_name, "auto", persist_dockerfile=True, base_image=services.base, pull=False, context=context
    )
    expected = f"FROM {services.base}\nCOPY . /opt/prefect/demos/\nWORKDIR /opt/prefect/demos/\n"
    assert (project / "Dockerfile.generated").read_text() == expected


def test_without_a_tag_the_image_is_tagged_with_the_time(services: Services, image_name: str, project: Path) -> None:
    write(project, Dockerfile=f"FROM {services.base}\n")
    made = build_docker_image(image_name, pull=False, context=Recorder(project).context)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dt\d\d-\d\d-\d\d-\d{6}-00-00", made["tag"])


def test_a_base_that_is_only_here_serves_with_a_warning(services: Services, image_name: str, project: Path) -> None:
    write(project, Dockerfile=f"FROM {services.base}\n")
    run = Recorder(project)
    build_docker_image(image_name, context=run.context)
    assert len(run.warnings) == 1
    assert re.match(rf"cannot pull {services.base} \(.+\); building on the one that is here", run.warnings[0])


def test_a_base_that_is_nowhere_is_named(services: Services, image_name: str, project: Path) -> None:
    write(project, Dockerfile="ARG TAG=none\nFROM stepengine.invalid/nothing:$TAG\n")
    with pytest.raises(
        StepError, match=r"the base image stepengine\.invalid/nothing:none can neither be pulled nor"
    ) as caught:
        build_docker_image(image_name, context=Recorder(project).context)
    assert caught.value.hint


@pytest.mark.parametrize("backend", ["docker-py", "buildx"])
def test_a_failing_instruction_is_named_and_its_output_shown(
    services: Services, image_name: str, project: Path, backend: str
) -> None:
    write(project, Dockerfile=f"FROM {services.base}\nRUN echo about to fail; exit 7\n")
    with pytest.raises(StepError, match=r"echo about to fail; exit 7.*\b7\b") as caught:
        build_docker_image(image_name, build_backend=backend, pull=False, context=Recorder(project).context)
    assert "about to fail" in caught.value.output
    assert caught.value.hint


def test_a_dockerfile_that_does_not_parse_fails_in_one_line(services: Services, image_name: str, project: Path) -> None:
    write(project, Dockerfile=f"FROM {services.base}\nRUM true\n")
    with pytest.raises(StepError, match=r"^dockerfile parse error line 2: unknown instruction: RUM$"):
        build_docker_image(image_name, pull=False, context=Recorder(project).context)


def test_dockerignore_keeps_files_out_even_the_dockerfile(services: Services, image_name: str, project: Path) -> None:
    write(project, Dockerfile=f"FROM {services.base}\nCOPY . /code\n", keep__txt="k", drop__log="d")
    write(project, __dockerignore="*\n!keep.txt\n")
    made = build_docker_image(image_name, pull=False, context=Recorder(project).context)
    assert services.in_image(made["image"], "ls -A /code").split() == ["keep.txt"]


def test_a_dockerfile_outside_of_the_context_works(services: Services, image_name: str, project: Path) -> None:
    write(project, Dockerfile=f"FROM {services.base}\nCOPY . /code\n")
    (project / "app").mkdir()
    (project / "app" / "main.py").write_text("1\n")
    made = build_docker_image(image_name, path="app", pull=False, context=Recorder(project).context)
    assert services.in_image(made["image"], "ls -A /code").split() == ["main.py"]


def test_symbolic_links_stay_links(services: Services, image_name: str, project: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("outside")
    write(project, Dockerfile=f"FROM {services.base}\nCOPY . /code\n")
    (project / "link").symlink_to(tmp_path / "secret.txt")
    (project / "loop").symlink_to(project)
    made = build_docker_image(image_name, pull=False, context=Recorder(project).context)
    assert (
        services.in_image(made["image"], "test ! -e /code/link && readlink /code/link").strip().endswith("secret.txt")
    )


def test_build_arguments_labels_and_target_reach_the_build(services: Services, image_name: str, project: Path) -> None:
    text = f"FROM {services.base} AS one\nARG FLAG\nARG FROM_ENVIRONMENT\n"
    text += "RUN echo $FLAG-$FROM_ENVIRONMENT > /flag\nFROM one\nRUN false\n"
    write(project, Dockerfile=text)
    run = Recorder(project, environ={"FROM_ENVIRONMENT": "here"})
    made = build_docker_image(
        image_name,
        buildargs={"FLAG": True, "FROM_ENVIRONMENT": None},
        labels={"team": "data"},
        target="one",
        pull=False,
        context=run.context,
    )
    assert services.in_image(made["image"], "cat /flag").strip() == "true-here"
    label = services.run("image", "inspect", "--format", "{{.Config.Labels.team}}", made["image"])
    assert label.strip() == "data"


def test_a_build_argument_named_like_a_secret_is_warned_of_and_masked(
    services: Services, image_name: str, project: Path
) -> None:
    write(project, Dockerfile=f"FROM {services.base}\nARG API_TOKEN\n")
    run = Recorder(project)
    build_docker_image(image_name, buildargs={"API_TOKEN": "hunter22"}, pull=False, context=run.context)
    assert len(run.warnings) == 1
    assert "API_TOKEN" in run.warnings[0]
    assert "hunter22" not in run.warnings[0]
    assert run.secrets == ["hunter22"]


def test_no_engine_is_one_clear_line(project: Path) -> None:
    write(project, Dockerfile="FROM scratch\n")
    run = Recorder(project, environ={"DOCKER_HOST": f"unix://{project}/no.sock"})
    with pytest.raises(StepError, match=r"^no Docker Engine answers at unix://.*no\.sock: No such file") as caught:
        build_docker_image("demo", context=run.context)
    assert "DOCKER_HOST" in caught.value.hint


def test_the_engine_is_the_one_of_the_pipelines_environment(services: Services, image_name: str, project: Path) -> None:
    write(project, Dockerfile=f"FROM {services.base}\n")
    with forwarder("/var/run/docker.sock") as (port, connections):
        run = Recorder(project, environ={"DOCKER_HOST": f"tcp://127.0.0.1:{port}"})
        build_docker_image(image_name, "Dockerfile", "latest", pull=False, context=run.context)
    assert connections
    services.run("image", "inspect", f"{image_name}:latest")


@contextlib.contextmanager
def forwarder(path: str) -> Iterator[tuple[int, list[object]]]:
    """A TCP port before a Unix socket; gives the port, and the connections that come."""
    connections: list[object] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            connections.append(self.client_address)
            with socket.socket(socket.AF_UNIX) as engine:
                engine.connect(path)
                while True:
                    ready, _, _ = select.select([self.request, engine], [], [], 10)
                    for source, target in ((self.request, engine), (engine, self.request)):
                        if source in ready:
                            if not (data := source.recv(65536)):
                                return
                            target.sendall(data)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_address[1], connections
        server.shutdown()


def test_a_missing_dockerfile_is_named(project: Path) -> None:
    with pytest.raises(StepError, match=r"there is no Dockerfile at .*demos.Dockerfile") as caught:
        build_docker_image("demo", context=Recorder(project).context)
    assert "auto" in caught.value.hint


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"build_backend": "docker-py", "secrets": {"a": "b"}}, "secrets: the builder docker-py cannot do that"),
        ({"build_backend": "kaniko"}, "the builder kaniko cannot be used here"),
        ({"path": "nowhere"}, "is not a directory"),
        ({"buildargs": {"--x": 1}}, "buildargs: '--x' is not a name"),
        ({"tag": "a b"}, "is not a tag"),
        ({"additional_tags": "v1"}, "additional_tags is not a list"),
        ({"dockerfile": "auto", "base_image": "a b\nRUN evil"}, "is not an image"),
    ],
)
def test_wrong_inputs_are_refused_before_the_engine_is_asked(
    project: Path, inputs: dict[str, object], message: str
) -> None:
    write(project, Dockerfile="FROM scratch\n")
    run = Recorder(project, environ={"DOCKER_HOST": "unix:///nowhere.sock"})
    with pytest.raises(StepError, match=re.escape(message)):
        build_docker_image("demo", context=run.context, **inputs)


@pytest.mark.parametrize("answer", ["<html>\n<h1>Log in</h1></html>", ""])
def test_what_is_no_engine_is_told_with_what_it_answers(project: Path, answer: str) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *_arguments: object) -> None:
            pass

    write(project, Dockerfile="FROM scratch\n")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        run = Recorder(project, environ={"DOCKER_HOST": f"tcp://127.0.0.1:{server.server_address[1]}"})
        shown = re.escape(repr(" ".join(answer.split())))
        with pytest.raises(StepError, match=rf"at tcp://127\.0\.0\.1:\d+: the answer is not an engine's: {shown}$"):
            build_docker_image("demo", context=run.context)
        server.shutdown()


def test_an_answer_that_is_no_event_is_told() -> None:
    assert list(_events([b'{"a": 1}\n{"b"', b": 2}"])) == [{"a": 1}, {"b": 2}]
    for answer in (b"<html>\n", b"1"):
        with pytest.raises(StepError, match="the engine answered what is no event: "):
            list(_events([answer]))

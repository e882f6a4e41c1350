"""What the engine and a worker say to each other, and over which connections."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from stepengine.catalogue.spec import unreadable_spec
from stepengine.errors import StepError
from stepengine.plugin import Context
from stepengine.pulling.container import ContainerTransport, _context_endpoint, connect
from stepengine.workers.worker_place import WorkerPlace
from stepengine_steps._docker.engine import _context_endpoint as built_with
from stepengine_steps._docker.engine import connect as connect_builds


def test_a_relative_docker_config_is_the_one_that_builds_read(tmp_path):
    meta = tmp_path / "docker" / "contexts" / "meta" / hashlib.sha256(b"mine").hexdigest()
    meta.mkdir(parents=True)
    (tmp_path / "docker" / "config.json").write_text(json.dumps({"currentContext": "mine"}))
    (meta / "meta.json").write_text(json.dumps({"Endpoints": {"docker": {"Host": "tcp://127.0.0.1:1"}}}))
    environ = {"HOME": str(tmp_path), "DOCKER_CONFIG": "docker"}
    context = Context(str(tmp_path), environ=environ)
    endpoint = _context_endpoint(environ, str(tmp_path))
    assert endpoint["host"] == built_with(context)["base_url"] == "tcp://127.0.0.1:1"
    assert connect(environ, str(tmp_path)) is None
    with pytest.raises(StepError, match="no Docker Engine answers at tcp:"), connect_builds(context):
        pass


def test_a_docker_context_whose_key_is_missing_is_told_for_builds_and_for_pull(tmp_path):
    name = hashlib.sha256(b"mine").hexdigest()
    contexts = tmp_path / ".docker" / "contexts"
    for directory in (contexts / "meta" / name, contexts / "tls" / name / "docker"):
        directory.mkdir(parents=True)
    (contexts / "meta" / name / "meta.json").write_text(
        json.dumps({"Endpoints": {"docker": {"Host": "tcp://127.0.0.1:1"}}})
    )
    for file in ("ca.pem", "cert.pem"):
        (contexts / "tls" / name / "docker" / file).write_text("")
    environ = {"HOME": str(tmp_path), "DOCKER_CONTEXT": "mine"}
    with pytest.raises(StepError, match="Path to a certificate and key"):
        connect(environ)
    with (
        pytest.raises(StepError, match="Path to a certificate and key"),
        connect_builds(Context(str(tmp_path), environ=environ)),
    ):
        pass


def open_sockets():
    links = []
    for each in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            links.append(os.readlink(each))
    return sorted(link for link in links if link.startswith("socket:"))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="/proc")
def test_no_connection_is_left_open(services, tmp_path):
    before = open_sockets()
    transport = ContainerTransport(connect(os.environ), services.base, [])
    transport.end()
    transport._waiting.join(10)
    assert open_sockets() == before
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "silent.sock"))
        server.listen()
        connections = []

        def hang_up():
            for _ in range(2):
                connections.append(server.accept()[0])
                with suppress(OSError):  # the first one only looks whether somebody listens
                    connections[-1].sendall(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        assert connect({"DOCKER_HOST": f"unix://{tmp_path}/silent.sock", "HOME": str(tmp_path)}) is None
        thread.join(10)
        for each in connections:
            each.close()
    assert open_sockets() == before


def test_what_goes_to_and_fro_is_in_no_log_of_the_engine(services):
    transport = ContainerTransport(connect(os.environ), services.base, [])
    try:
        place = WorkerPlace(transport, "there", project={}, block=lambda _type, _name: None)
        spec = unreadable_spec("posixpath.basename", "posixpath:basename")
        assert place.call(spec, {"p": "/a/do-not-log-this"}, lambda _kind, _data: None) == "do-not-log-this"
        (found,) = json.loads(services.run("inspect", transport.name))
        assert found["HostConfig"]["LogConfig"]["Type"] == "none"
        assert not found["LogPath"] or "do-not-log-this" not in Path(found["LogPath"]).read_text()
    finally:
        transport.end()


class _Asking:
    """A worker that asks for two blocks, and says what it was told."""

    lost = None

    def __init__(self):
        self.answers = []
        asking = [{"need_block": ["secret", "named"]}, {"need_block": ["secret", "other"]}]
        self._lines = iter([{"environ": {}, "directory": "/"}, *asking, {"result": None, "directory": "/"}])

    def send(self, data):
        self.answers.append(json.loads(data))

    def receive(self):
        return json.dumps(next(self._lines)).encode()

    def end(self):
        return ""


@pytest.mark.parametrize(
    ("distribution", "context", "named", "other"),
    [
        ("stepengine 1", "context", "block", "error"),
        ("theirs 1", "context", "block", "block"),
        ("theirs 1", "", "error", "error"),
        ("", "", "error", "error"),
    ],
)
def test_only_a_step_that_can_ask_for_a_block_is_given_one(distribution, context, named, other):
    transport = _Asking()
    place = WorkerPlace(transport, "here", project={}, block=lambda type_slug, name: [type_slug, name])
    spec = unreadable_spec("a.pull_with_block", "a:b", distribution=distribution)._replace(context=context)
    inputs = {"block_type_slug": "secret", "block_document_name": "named"}
    place.call(spec, inputs, lambda _kind, _data: None)
    assert [next(iter(each)) for each in transport.answers[2:]] == [named, other]


def test_a_set_is_passed_on_as_a_list_both_ways(cli):
    cli.write("odd.py", "def make(value=None):\n    return {'made': {1}, 'given': value}\n")
    result = cli.result("build:\n- odd.make:\n    id: b\npull:\n- odd.make:\n    id: p\n    value: '{{ b.made }}'\n")
    assert result["pipelines"][0]["outputs"]["p"] == {"made": [1], "given": [1]}


def test_half_a_surrogate_pair_can_be_printed_in_pull_as_in_build(cli):
    cli.write("odd.py", "def say():\n    print('half \\ud800')\n")
    outcome = cli.run("build:\n- odd.say:\npull:\n- odd.say:\n")
    assert outcome.code == 0, outcome.err
    assert outcome.err.count("half \\ud800") == 2

"""What is left, and what is told, where a pull rehearsal is interrupted or goes wrong."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import signal
import time
from pathlib import Path

import pytest

from stepengine.errors import StepError
from stepengine.pulling.container import ContainerTransport, connect, ensure_image
from stepengine.pulling.throwaway import ThrowawayTransport
from stepengine.workers.worker_place import WorkerPlace

SHELL = "prefect.deployments.steps.run_shell_script"
LABEL = "label=org.stepengine.purpose=pull-rehearsal"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and /bin/sh")


def wait_until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to pass"
        time.sleep(0.05)


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def start_sleeping(cli, tmp_path, command="exec sleep 300"):
    pid_file = tmp_path / "pid"
    cli.write("prefect.yaml", f"pull:\n- {SHELL}:\n    shell: true\n    script: 'echo $$ > {pid_file}; {command}'\n")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    cli.environ["TMPDIR"] = str(temporary)
    process = cli.start("run")
    wait_until(lambda: pid_file.exists() and pid_file.read_text().strip())
    return process, int(pid_file.read_text()), temporary


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", ["exec sleep 300", 'trap "" TERM; while :; do sleep 1; done'])
def test_an_interruption_ends_the_program_of_a_pull_step_however_it_resists(cli, tmp_path, number, command):
    process, pid, temporary = start_sleeping(cli, tmp_path, command)
    process.send_signal(number)
    process.communicate(timeout=30)
    assert not is_alive(pid)
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("pause", [0.05, 0.3])
def test_further_interruptions_end_the_program_of_a_pull_step_at_once(cli, tmp_path, pause):
    process, pid, temporary = start_sleeping(cli, tmp_path, 'trap "" TERM INT; while :; do sleep 1; done')
    started = time.monotonic()
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(pause)
    process.communicate(timeout=30)
    assert time.monotonic() - started < 4  # less than the grace of the first
    assert process.returncode == 130
    assert not is_alive(pid)
    assert list(temporary.iterdir()) == []


def test_killing_stepengine_ends_the_program_of_a_pull_step(cli, tmp_path):
    process, pid, _ = start_sleeping(cli, tmp_path)
    process.kill()
    process.wait()
    wait_until(lambda: not is_alive(pid))
    process.stdout.close()
    process.stderr.close()


def test_killing_stepengine_takes_the_container_with_it(cli, services):
    text = f"""
name: killed
pull:
- {SHELL}:
    shell: true
    script: echo the step runs; sleep 300
deployments:
- name: one
  work_pool: {{job_variables: {{image: '{services.base}'}}}}
"""
    cli.write("prefect.yaml", text)

    def containers():
        return set(services.run("ps", "--all", "--quiet", "--filter", LABEL).split())

    before = containers()
    process = cli.start("run")
    try:
        assert any("the step runs" in line for line in process.stderr)
        ours = containers() - before
    finally:
        process.kill()
        process.communicate()
    assert ours
    wait_until(lambda: not ours & containers())


def test_a_second_interruption_leaves_no_container(cli, services):
    text = f"pull:\n- {SHELL}:\n    shell: true\n    script: trap '' TERM INT; echo the step runs; sleep 300\n"
    cli.write("prefect.yaml", text)
    before = containers(services)
    with cli.start("run", "--format", "json", "--pull-in", f"image={services.base}") as process:
        assert any("the step runs" in line for line in process.stderr)
        during = containers(services) - before
        for _ in range(3):
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads(out)["status"] == "interrupted"
    deadline = time.monotonic() + 10
    while containers(services) & during and time.monotonic() < deadline:  # those of other runs go in a moment
        time.sleep(0.1)
    assert not containers(services) & during


def containers(services):
    return set(services.run("ps", "--all", "--quiet", "--filter", LABEL).split())


def test_a_container_that_was_never_started_is_removed_by_a_later_run(services, monkeypatch):
    """Its process was killed between making and starting it, so nothing else will."""
    client, ours = connect(os.environ), connect(os.environ)
    labels = {"org.stepengine.purpose": "pull-rehearsal"}
    left = client.containers.create(services.base, ["true"], labels=labels)
    ContainerTransport(ours, services.base, []).end()
    assert left.id in [each.id for each in client.containers.list(all=True)]  # it may be another run's, just made
    monkeypatch.setattr("stepengine.pulling.container._STARTED_SECONDS", -60)
    ContainerTransport(connect(os.environ), services.base, []).end()
    assert left.id not in [each.id for each in client.containers.list(all=True)]
    client.close()


def test_the_exit_status_of_a_worker_that_ends_by_itself_in_a_container_is_told(services):
    client = connect(os.environ)
    transport = ContainerTransport(client, services.base, [])
    transport.send(b"[]\n")  # no hello: the worker fails
    while transport.receive():
        pass
    assert "exit status 1" in transport.end()
    assert services.run("ps", "--all", "--quiet", "--filter", f"name={transport.name}") == ""
    client.close()


class _Refusing:
    lost = None
    ended = False

    def send(self, _data):
        raise KeyboardInterrupt

    def receive(self):
        return b""

    def end(self):
        self.ended = True
        return ""


def test_a_place_that_is_interrupted_while_it_is_made_ends_its_worker():
    transport = _Refusing()
    with pytest.raises(KeyboardInterrupt):
        WorkerPlace(transport, "here", project={}, block=lambda _type, _name: None)
    assert transport.ended


def test_a_place_that_cannot_be_made_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("stepengine.pulling.throwaway.make_throwaway", full)
    with pytest.raises(StepError, match="cannot make a directory for the pull steps: No space left") as caught:
        ThrowawayTransport(str(tmp_path), os.environ)
    assert "TMPDIR" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_container_that_cannot_be_filled_is_removed(services, monkeypatch):
    def interrupted(_targets):
        raise KeyboardInterrupt

    monkeypatch.setattr("stepengine.pulling.container._archive", interrupted)
    monkeypatch.setattr("os.urandom", lambda size: b"\xfa" * size)
    client = connect(os.environ)
    with pytest.raises(KeyboardInterrupt):
        ContainerTransport(client, services.base, [])
    assert services.run("ps", "--all", "--quiet", "--filter", "name=stepengine-pull-fafafafafafa") == ""
    client.close()


@pytest.mark.parametrize("host", ["nonsense", "tcp://host:port", "tcp://[::1", "gopher://x"])
def test_an_address_of_the_engine_that_means_nothing_is_told(host, tmp_path):
    with pytest.raises(StepError, match="the Docker Engine's address is not valid") as caught:
        connect({"DOCKER_HOST": host, "HOME": str(tmp_path)})
    assert "DOCKER_HOST" in caught.value.hint


def test_an_engine_that_does_not_answer_is_none(tmp_path):
    assert connect({"DOCKER_HOST": "tcp://127.0.0.1:1", "HOME": str(tmp_path)}) is None


def test_the_current_docker_context_is_honoured(tmp_path):
    meta = tmp_path / ".docker" / "contexts" / "meta" / hashlib.sha256(b"mine").hexdigest()
    meta.mkdir(parents=True)
    (tmp_path / ".docker" / "config.json").write_text(json.dumps({"currentContext": "mine"}))
    home = {"HOME": str(tmp_path)}
    (meta / "meta.json").write_text(json.dumps({"Endpoints": {"docker": {"Host": "tcp://127.0.0.1:1"}}}))
    assert connect(home) is None
    (meta / "meta.json").write_text("{}")
    with pytest.raises(StepError, match="the docker context 'mine' cannot be read"):
        connect(home)
    with pytest.raises(StepError, match="the docker context 'other' cannot be read"):
        connect({**home, "DOCKER_CONTEXT": "other"})


@pytest.mark.parametrize("image", ["no such image", "UPPER/x", "a:b:c"])
def test_a_name_that_no_image_can_have_is_told(services, image):
    client = connect(os.environ)
    with pytest.raises(StepError, match=r"the image .* cannot be") as caught:
        ensure_image(client, image, lambda _line: None)
    assert "--pull-in" in caught.value.hint
    client.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_engine_that_goes_away_is_told_with_the_name_of_what_may_be_left(services, tmp_path):
    link = tmp_path / "docker.sock"
    link.symlink_to("/var/run/docker.sock")
    client = connect({"DOCKER_HOST": f"unix://{link}", "HOME": str(tmp_path)})
    transport = ContainerTransport(client, services.base, [])
    place = WorkerPlace(transport, "there", project={}, block=lambda _type, _name: None)
    link.unlink()
    client.close()
    transport._socket.shutdown(2)
    with pytest.raises(StepError, match="the Docker Engine went away during the rehearsal") as caught:
        place._hear()
    name = transport.name
    assert name in caught.value.hint
    wait_until(lambda: services.run("ps", "--all", "--quiet", "--filter", f"name={name}") == "")
    client.close()
    del caught, transport, place, client
    gc.collect()  # the SDK leaves a socket open where it cannot connect


@pytest.mark.parametrize(
    "value",
    ["{(1, 2): 3}", "loop()", "10 ** 5000", "{'x': Bad()}"],
    ids=["tuple keys", "recursion", "huge", "str fails"],
)
def test_an_output_that_cannot_be_passed_on_fails_its_step(cli, value):
    cli.write(
        "odd.py",
        "class Bad:\n    def __str__(self):\n        raise RuntimeError('no text')\n"
        "def loop():\n    found = []\n    found.append(found)\n    return found\n"
        f"def make():\n    return {{'value': {value}}}\n",
    )
    outcome = cli.run("pull:\n- odd.make:\n")
    assert outcome.code == 1
    assert "its output 'value" in outcome.err
    assert " cannot be passed on: " in outcome.err


def test_a_step_that_raises_keyboard_interrupt_fails(cli):
    cli.write("odd.py", "def stop():\n    raise KeyboardInterrupt\n")
    outcome = cli.run("pull:\n- odd.stop:\n")
    assert outcome.code == 1
    assert "KeyboardInterrupt" in outcome.err


def test_a_forked_child_that_returns_from_the_step_does_not_answer_for_it(cli):
    cli.write(
        "odd.py",
        "import os\ndef fork():\n    child = os.fork()\n    if child == 0:\n        print('child here')\n"
        "        return {'from': 'child'}\n    os.waitpid(child, 0)\n    return {'from': 'parent'}\n",
    )
    result = cli.result("pull:\n- odd.fork:\n    id: first\n- odd.fork:\n    id: second\n")
    assert result["status"] == "succeeded", result["error"]
    outputs = result["pipelines"][0]["outputs"]
    assert outputs["first"] == outputs["second"] == {"from": "parent"}

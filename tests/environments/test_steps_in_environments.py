"""Steps in an isolated environment: however they end, the run tells of it, and nothing of them stays."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

from support.isolation import wait_until

KIT = """\
import ctypes, os, signal, subprocess, sys, time

def segfault():
    print("before", flush=True)
    ctypes.string_at(0)

def leave():
    os._exit(3)

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

def exit():
    sys.exit(5)

def recurse():
    return recurse()

def fork_and_leave():
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    os._exit(3)

def fork():
    if os.fork() == 0:
        return {"from": "child"}
    os.wait()
    return {"from": "parent"}

def close_all():
    os.closerange(0, 1024)

def say():
    return {"said": "yes"}

def big(size: int):
    return {"text": "x" * size, "length": size}

def lines(count: int):
    for number in range(count):
        print("line", number)
    return {"count": count}

def binary():
    sys.stdout.buffer.write(bytes(range(256)) * 40)
    sys.stdout.flush()
    os.write(1, b"\\xff\\xfe{\\"result\\": 1}\\n")
    return {"said": "yes"}

def read():
    return {"read": sys.stdin.read()}

def leave_child(own_session: bool = False):
    child = subprocess.Popen(["sleep", "60"], start_new_session=own_session)
    return {"pid": child.pid}

def wait():
    child = subprocess.Popen(["sleep", "60"])
    try:
        open("waiting", "w").write(str(child.pid))
        time.sleep(60)
    finally:
        open("finally", "w").close()

def stay():
    open("waiting", "w").close()
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass

def move():
    os.makedirs("below", exist_ok=True)
    os.chdir("below")
    os.environ["LEFT"] = "behind"
    os.environ["PATH"] = os.environ["PATH"] + os.pathsep + "/added"

def tell():
    return {"directory": os.path.basename(os.getcwd()), "left": os.environ.get("LEFT"), "path": os.environ["PATH"],
            "home": os.environ.get("VIRTUAL_ENV")}
"""


@pytest.fixture
def kit(isolated, package_index):
    package_index.add("kit", "1.0", {"kit.py": KIT})
    package_index.add("kit2", "1.0", {"kit2.py": KIT})
    return isolated


def run(kit, name, **inputs):
    """Run a step and one after it."""
    lines = "".join(f"    {each}: {json.dumps(value)}\n" for each, value in inputs.items())
    kit.write("prefect.yaml", f"build:\n- kit.{name}:\n    id: it\n    requires: kit\n{lines}")
    outcome = kit.stepengine("run", "--install", "--format", "json")
    return outcome, outcome.json["pipelines"][0]["steps"][0]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("segfault", "SIGSEGV"),
        ("leave", "exit status 3"),
        ("kill", "SIGKILL"),
        ("exit", "SystemExit: 5"),
        ("recurse", "RecursionError"),
        ("fork_and_leave", "exit status 3"),
        ("close_all", "ended"),
    ],
)
def test_a_step_that_crashes_is_a_failed_step(kit, name, told):
    started = time.monotonic()
    outcome, step = run(kit, name)
    assert outcome.code == 1
    assert step["status"] == "failed"
    message = outcome.json["error"]["message"]
    assert told in message
    assert "\n" not in message
    assert "damaged" not in outcome.json["error"]["hint"]
    assert time.monotonic() - started < 20


def test_a_step_that_forks_returns_once(kit):
    outcome, step = run(kit, "fork")
    assert outcome.code == 0, outcome.err
    assert step["outputs"] == {"from": "parent"}


@pytest.mark.parametrize("size", [1 << 20, 20 << 20])
def test_outputs_may_be_large(kit, size):
    outcome, step = run(kit, "big", size=size)
    assert outcome.code == 0, outcome.err[-500:]
    assert step["outputs"] == {"text": "x" * size, "length": size}


def test_a_hundred_thousand_lines_are_all_shown(kit):
    outcome, _ = run(kit, "lines", count=100_000)
    assert outcome.code == 0
    assert outcome.err.count("line ") >= 100_000
    assert "line 99999" in outcome.err


def test_what_is_no_text_on_standard_output_is_output_and_no_message(kit):
    outcome, step = run(kit, "binary")
    assert outcome.code == 0
    assert step["outputs"] == {"said": "yes"}


def test_standard_input_is_empty(kit):
    _, step = run(kit, "read")
    assert step["outputs"] == {"read": ""}


@pytest.mark.parametrize("own_session", [False, True])
def test_children_that_a_step_leaves_do_not_keep_the_run(kit, alive, own_session):
    started = time.monotonic()
    outcome, step = run(kit, "leave_child", own_session=own_session)
    assert outcome.code == 0
    assert time.monotonic() - started < 15
    if own_session:
        os.kill(step["outputs"]["pid"], signal.SIGKILL)
    else:
        assert not alive(step["outputs"]["pid"])


def test_an_interruption_reaches_the_step_and_its_children(kit, alive):
    assert kit.install(("kit.say", "kit")).code == 0
    kit.write_steps(("kit.wait", "kit"))
    process = kit.start("run", "--format", "json")
    waiting = kit.directory / "waiting"
    wait_until(lambda: waiting.exists() and waiting.read_text(), "the step")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert json.loads(out)["status"] == "interrupted"
    assert (kit.directory / "finally").exists()
    assert not alive(int(waiting.read_text()))


def test_a_step_that_does_not_want_to_end_is_ended(kit):
    assert kit.install(("kit.say", "kit")).code == 0
    kit.write_steps(("kit.stay", "kit"))
    process = kit.start("run")
    wait_until((kit.directory / "waiting").exists, "the step")
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130


def test_what_a_step_changes_reaches_steps_of_other_environments_and_of_none(kit):
    kit.write("own.py", KIT)
    kit.write(
        "prefect.yaml",
        "build:\n- own.tell:\n    id: before\n- kit.move:\n    requires: kit\n- kit.tell:\n    id: same\n    requires: kit\n"
        "- kit2.tell:\n    id: other\n    requires: kit2\n- own.tell:\n    id: here\n",
    )
    outcome = kit.stepengine("run", "--install", "--format", "json")
    assert outcome.code == 0, outcome.err
    outputs = outcome.json["pipelines"][0]["outputs"]
    before, same, other, here = (outputs[each] for each in ("before", "same", "other", "here"))
    for each in (same, other, here):
        assert each["directory"] == "below"
        assert each["left"] == "behind"
    assert here["path"] == before["path"] + os.pathsep + "/added"
    assert here["home"] == before["home"]
    assert same["home"] != other["home"]
    for each in (same, other):
        assert each["path"] == os.path.join(each["home"], "bin") + os.pathsep + here["path"]


def test_an_environment_s_own_packages_go_before_what_the_run_s_pythonpath_has(isolated):
    isolated.index.add("colour", "2.0", {"colour.py": "VERSION = '2.0'\n"})
    isolated.write("elsewhere/colour.py", "VERSION = 'of PYTHONPATH'\n")
    isolated.write("elsewhere/helper.py", "NAME = 'helper'\n")
    isolated.write(
        "own.py",
        "import colour, os\n\ndef tell():\n    import helper\n"
        "    return {'version': colour.VERSION, 'name': helper.NAME, 'path': os.environ['PYTHONPATH']}\n",
    )
    isolated.environ["PYTHONPATH"] = str(isolated.directory / "elsewhere")
    result = isolated.result("build:\n- own.tell: {id: told, requires: 'colour>=2'}\n", "--install")
    assert result["pipelines"][0]["outputs"]["told"] == {
        "version": "2.0",
        "name": "helper",
        "path": isolated.environ["PYTHONPATH"],
    }


def test_a_module_that_the_environment_lacks_is_told_with_what_to_require(isolated):
    isolated.index.add("colour", "2.0")
    isolated.write("own.py", "import of_nobody\n\ndef tell(): ...\n")
    outcome = isolated.run("build:\n- own.tell: {requires: colour}\n", "--install")
    assert outcome.code == 1
    assert "No module named 'of_nobody'" in outcome.err
    assert "help: add the distribution that has it to the step's `requires`" in outcome.err


def test_modules_beside_the_file_hide_none_of_python_s_own(isolated):
    isolated.index.add("colour", "2.0", {"colour.py": "def tell():\n    return {'told': True}\n"})
    isolated.write("queue.py", "raise SystemExit('this is not it')\n")
    outcome = isolated.run("build:\n- colour.tell: {requires: colour}\n", "--install")
    assert outcome.code == 0, outcome.err


def test_two_distributions_of_an_environment_with_one_step_name_are_both_named(isolated):
    for name in ("colour", "shade"):
        entry = f"[stepengine.steps]\ntint = {name}:tell\n"
        isolated.index.add(name, "1.0", {f"{name}.py": "def tell(): ...\n"}, entry_points=entry)
    outcome = isolated.run("build:\n- tint: {requires: [colour, shade]}\n", "--install")
    assert outcome.code == 2
    assert "the step tint has two providers: colour 1.0 and shade 1.0" in outcome.err


def test_a_name_with_a_colon_is_known_in_an_environment_too(isolated):
    isolated.index.add(
        "colour", "1.0", {"colour/deep.py": "def tell():\n    return {'told': True}\n", "colour/__init__.py": ""}
    )
    outcome = isolated.run("build:\n- colour.deep:tell: {requires: colour}\n", "--install")
    assert outcome.code == 0, outcome.err


def test_a_distribution_that_requires_stepengine_needs_no_other_copy_of_it(either_project):
    code = (
        "from stepengine.plugin import Context\n\ndef tell(context: Context):\n    return {'told': context.directory}\n"
    )
    either_project.index.add("colour", "1.0", {"colour.py": code}, requires=["stepengine>=0.1"])
    outcome = either_project.run("build:\n- colour.tell: {requires: colour}\n", "--install")
    assert outcome.code == 0, outcome.err
    assert either_project.stepengine("lock").code == 0
    assert "stepengine" not in (either_project.directory / "prefect.lock.toml").read_text().split("version")[1]


def test_nothing_that_a_step_started_outlives_a_run_that_was_killed(isolated):
    isolated.index.add("colour", "1.0")
    isolated.write(
        "own.py",
        "import subprocess, time\n\ndef start():\n    child = subprocess.Popen(['sleep', '300'])\n"
        "    print('child', child.pid, flush=True)\n    time.sleep(300)\n",
    )
    isolated.run("build:\n- run_shell_script: {requires: colour, script: 'true'}\n", "--install")
    isolated.write("prefect.yaml", "build:\n- own.start: {requires: colour}\n")
    with isolated.start("run") as process:
        line = next(line for line in process.stderr if "child" in line)
        process.kill()
    pid = int(line.split()[-1])
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "the child's end")

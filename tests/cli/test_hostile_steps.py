"""Steps that misbehave: the run stays whole, its document one, its exit code true, and its secrets hidden."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import time

import pytest

SHELL = "prefect.deployments.steps.run_shell_script"
TOKEN = "tok_abcdefghijklmnopqrstuvwxyz0123"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="forks, signals and /bin/sh")


def run(cli, body, *options):
    """Run a function of the project, and a step after it."""
    cli.environ["MY_TOKEN"] = TOKEN
    cli.write("mine.py", f"import os, sys, threading, time\n{body}\n")
    text = f"build:\n- mine.make:\n    id: a\n- {SHELL}:\n    id: b\n    script: echo after\n"
    outcome = cli.run(text, "--format", "json", *options)
    assert TOKEN not in outcome.out + outcome.err
    return outcome


def statuses(outcome):
    return [step["status"] for step in outcome.json["pipelines"][0]["steps"]]


@pytest.mark.parametrize(
    "body",
    [
        "def make():\n    if os.fork() == 0:\n        print('child')\n        return {'x': 1}\n    os.wait()\n    return {'x': 2}",
        "def make():\n    if os.fork() == 0:\n        raise ValueError\n    os.wait()\n    return {'x': 2}",
        "from stepengine.plugin import Context\ndef make(context: Context):\n    if os.fork() == 0:\n"
        "        context.write('child')\n        return {'x': 1}\n    os.wait()\n    return {'x': 2}",
        "def make():\n    sys.stdout.close()\n    sys.stderr.close()\n    return {'x': 2}",
        "def make():\n    sys.stdout = sys.stderr = None\n    return {'x': 2}",
        "def make():\n    os.close(1)\n    os.close(2)\n    return {'x': 2}",
    ],
)
def test_what_a_step_does_to_the_process_stays_its_own(cli, body):
    outcome = run(cli, body)
    assert (outcome.code, statuses(outcome)) == (0, ["succeeded", "succeeded"]), outcome.err
    outputs = outcome.json["pipelines"][0]["outputs"]
    assert (outputs["a"], outputs["b"]["stdout"]) == ({"x": 2}, "after")
    assert outcome.err.count("  after\n") == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("def make():\n    os._exit(0)", "it called os._exit(0)"),
        ("def make():\n    raise SystemExit(0)", "SystemExit: 0"),
        (
            "class Odd(dict):\n    def items(self):\n        raise RuntimeError('no items')\ndef make():\n    return Odd(a=1)",
            "RuntimeError: no items",
        ),
        (
            "class Odd:\n    @property\n    def __class__(self):\n        raise RuntimeError('no class')\n"
            "def make():\n    return {'a': Odd()}",
            "RuntimeError: no class",
        ),
    ],
)
def test_a_step_that_ends_the_process_or_cannot_be_read_has_failed(cli, body, message):
    outcome = run(cli, body)
    assert (outcome.code, statuses(outcome)) == (1, ["failed", "skipped"])
    assert message in outcome.json["error"]["message"]
    assert "secrecy" not in outcome.json["error"]["output"]  # our own frames are not what its author needs


def test_numbers_that_json_cannot_have_become_text(cli):
    outcome = run(cli, "def make():\n    return {'x': float('nan'), 'y': [float('-inf')], 'z': 1.5}")
    assert outcome.json["pipelines"][0]["outputs"]["a"] == {"x": "nan", "y": ["-inf"], "z": 1.5}


def test_secrets_are_hidden_in_all_that_a_module_and_its_threads_print(cli):
    body = (
        "import logging, subprocess, warnings\nfrom stepengine.plugin import Context\nT = os.environ['MY_TOKEN']\n"
        "print('imported', T)\n"
        "def late():\n    time.sleep(0.3)\n    print('late', T)\n"
        "def make(context: Context):\n    print('printed', T)\n    logging.error('logged %s', T)\n    warnings.warn(T)\n"
        "    subprocess.run('echo child $MY_TOKEN; echo child $MY_TOKEN >&2', shell=True)\n"
        "    threading.Thread(target=late).start()\n"
    )
    outcome = run(cli, body)
    for words in ("imported ***", "printed ***", "ERROR:root:logged ***", "UserWarning: ***", "child ***", "late ***"):
        assert words in outcome.err


def test_secrets_are_hidden_in_what_an_installed_module_prints_when_it_is_imported(cli):
    site = cli.directory / "site"
    cli.write("site/loud-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: loud\nVersion: 1.0\n")
    entries = "[stepengine.steps]\nloud = loud_step:main\n[stepengine]\nloud = loud_hooks\n"
    cli.write("site/loud-1.0.dist-info/entry_points.txt", entries)
    for module in ("loud_step", "loud_hooks"):
        cli.write(f"site/{module}.py", f"import os\nprint('{module}', os.environ['MY_TOKEN'])\nmain = lambda: None\n")
    cli.environ.update(PYTHONPATH=str(site), MY_TOKEN=TOKEN)
    outcome = cli.run("build:\n- loud: {}\n", "--format", "json")
    assert outcome.code == 0
    assert "loud_step ***" in outcome.err
    assert TOKEN not in outcome.out + outcome.err


@pytest.mark.parametrize(
    "script",
    [
        'printf %s "$MY_SECRET" | base64; exit 1',
        'printf %s "$MY_SECRET" | fold -w 1; exit 1',
        'printf %s "$MY_SECRET" | fold -w 70; echo oops >&2; exit 1',
        'printf %s "$MY_SECRET" | head -c 12; exit 1',
    ],
)
@pytest.mark.parametrize("stream", ["true", "false"])
@pytest.mark.parametrize("section", ["build", "pull"])
def test_the_end_of_the_output_shows_no_end_of_a_secret(cli, script, stream, section):
    secret = base64.b64encode(bytes(range(256)) * 6).decode()[:2000]
    cli.environ["MY_SECRET"] = secret
    text = f"{section}:\n- {SHELL}:\n    shell: true\n    stream_output: {stream}\n    script: {json.dumps(script)}\n"
    outcome = cli.run(text, "--format", "json", "--pull-in", "here")
    assert outcome.code == 1
    encoded = base64.b64encode(secret.encode()).decode()
    shown = "".join(outcome.json["error"]["output"].split()) + "".join(outcome.err.split())
    for form in (secret, encoded):
        assert not [at for at in range(0, len(form) - 8, 4) if form[at : at + 8] in shown]


def test_a_step_that_prints_much_ends_when_nobody_reads(cli):
    cli.write("mine.py", "def make():\n    for number in range(200_000):\n        print('x' * 50, number)\n")
    cli.write("prefect.yaml", "build:\n- mine.make: {}\n")
    with subprocess.Popen(
        cli.command("run"), cwd=cli.directory, env=cli.environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        process.stderr.readline()
        process.stderr.close()
        assert process.wait(60) == 141


def test_a_step_that_swallows_the_interruption_is_the_last_one(cli):
    body = "def make():\n    try:\n        open('waiting', 'w').close()\n        time.sleep(30)\n    except BaseException:\n        return {'x': 1}\n"
    cli.write("mine.py", f"import time\n{body}")
    cli.write("prefect.yaml", f"build:\n- mine.make: {{}}\n- {SHELL}:\n    script: touch ran\n")
    with cli.start("run", "--format", "json") as process:
        deadline = time.monotonic() + 30
        while not (cli.directory / "waiting").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert (process.returncode, json.loads(out)["status"]) == (130, "interrupted")
    assert not (cli.directory / "ran").exists()


def test_a_thread_that_a_step_leaves_ends_its_work(cli):
    body = "def make():\n    threading.Thread(target=lambda: (time.sleep(0.5), open('done', 'w').close())).start()"
    assert run(cli, body).code == 0
    assert (cli.directory / "done").exists()


@pytest.mark.parametrize("name", ["json", "tempfile", "venv", "asyncio", "traceback", "docker", "packaging"])
@pytest.mark.parametrize("section", ["build", "pull"])
def test_modules_beside_the_file_do_not_stand_in_for_those_that_the_engine_imports(cli, name, section):
    cli.write(f"{name}.py", "raise SystemExit('not the one that is meant')\n")
    cli.write("mine.py", "async def make():\n    from neighbour import VALUE\n    return {'x': VALUE}\n")
    cli.write("neighbour.py", "VALUE = 42\n")
    outcome = cli.run(f"{section}:\n- mine.make: {{id: a}}\n", "--format", "json", "--pull-in", "here")
    assert outcome.code == 0, outcome.err
    assert outcome.json["pipelines"][0]["outputs"]["a"] == {"x": 42}


@pytest.mark.parametrize("section", ["build", "pull"])
@pytest.mark.parametrize(
    "body",
    [
        "def make():\n    sys.stdout.reconfigure(encoding='ascii', errors='strict')\n    print('one')",
        "import io\ndef make():\n    sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')\n    print('one')",
        "import io\ndef make():\n    sys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding='utf-8')\n    print('one')",
        "import io\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')\ndef make():\n    print('one')",
        "sys.stdout.reconfigure(encoding='utf-8')\ndef make():\n    print('one')",
        "import io\ndef make():\n    print('one')\n    sys.stdout = io.StringIO()",
        "def make():\n    print('one', flush=True)\n    os.close(1)\n    os.close(2)",
    ],
)
def test_streams_are_as_they_were_for_the_next_step(cli, tmp_path, section, body):
    cli.write("mine.py", f"import os, sys\n{body}\n")
    cli.write("after.py", "import sys\ndef make():\n    print('two é')\n    print('three', file=sys.stderr)\n")
    cli.write("prefect.yaml", f"{section}:\n- mine.make: {{}}\n- after.make: {{}}\n")
    log = tmp_path / "log"
    with log.open("w") as file:  # a file can be sought in, and a pipe cannot
        command = cli.command("run", "--pull-in", "here")
        done = subprocess.run(command, cwd=cli.directory, env=cli.environ, stdout=file, stderr=file, check=False)
    lines = log.read_text(encoding="utf-8").splitlines()
    assert done.returncode == 0, lines
    told = [line.strip() for line in lines if line.startswith("  ") and " in " not in line]
    assert sorted(told) == ["one", "three", "two é"]


def test_a_line_of_many_megabytes_takes_linear_time(cli):
    cli.write("mine.py", "def make():\n    print('x' * 30_000_000)\n    print()\n    print('end', end='')\n")
    started = time.monotonic()
    outcome = cli.run("build:\n- mine.make: {}\n")
    assert outcome.code == 0
    assert time.monotonic() - started < 15
    assert [len(line) for line in outcome.err.splitlines()[1:4]] == [30_000_002, 2, 5]


def test_a_generator_is_no_step(cli):
    cli.write("mine.py", "def make():\n    yield 1\n")
    outcome = cli.run("build:\n- mine.make: {}\n")
    assert (outcome.code, "nothing of it" in outcome.err) == (1, True)


def test_a_script_whose_path_is_none_is_told(cli):
    cli.write("prefect.yaml", 'build:\n- "a\\0.py:make": {}\n')
    outcome = cli.stepengine("validate")
    assert outcome.code == 2
    assert "cannot be read" in outcome.err

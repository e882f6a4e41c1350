"""`stepengine run`, interrupted: children end, the report is whole, the exit code is 130."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

SHELL = "prefect.deployments.steps.run_shell_script"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_the_children_reports_and_is_exit_130(cli, alive, number):
    cli.write(
        "prefect.yaml",
        f"build:\n- {SHELL}:\n    id: slow\n    script: sh -c 'echo $$ > pid; sleep 60 & wait'\n"
        f"- {SHELL}:\n    id: next\n    script: echo no\n",
    )
    process = cli.start("run", "--format", "json")
    pid_file = cli.directory / "pid"
    deadline = time.monotonic() + 20
    while not (pid_file.exists() and pid_file.read_text().strip()) and time.monotonic() < deadline:
        time.sleep(0.02)
    child = int(pid_file.read_text())
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert not alive(child)
    assert '"status": "interrupted"' in out
    assert "slow was interrupted" in err
    assert "not run: build next" in err


@pytest.mark.parametrize("at", ["import", "source"])
def test_an_interruption_outside_of_a_step_gives_the_document_as_well(cli, at):
    site = cli.directory / "site"
    wait = "open('waiting', 'w').close()\n{indent}time.sleep(60)\n"
    cli.write("site/slow-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: slow\nVersion: 1.0\n")
    entries = "[stepengine.steps]\nslow = slow_step:main\n[stepengine]\nslow = slow_source\n"
    cli.write("site/slow-1.0.dist-info/entry_points.txt", entries)
    cli.write("site/slow_step.py", "import time\ndef main(): ...\n" + wait.format(indent=""))
    cli.write(
        "site/slow_source.py",
        "import time\nfrom stepengine.plugin import ReferenceSource\n"
        "def lookup(path):\n    " + wait.format(indent="    ") + "def stepengine_sources(environ, directory):\n"
        "    yield ReferenceSource('prefect.variables', 'there', lookup, lambda: [])\n",
    )
    steps = {
        "import": "build:\n- slow: {}\n",
        "source": f"build:\n- {SHELL}:\n    script: echo {{{{ prefect.variables.source }}}}\n",
    }
    cli.environ["PYTHONPATH"] = str(site)
    cli.write("prefect.yaml", steps[at])
    with cli.start("run", "--format", "json") as process:
        deadline = time.monotonic() + 30
        while not (cli.directory / "waiting").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    document = json.loads(out)
    assert document["status"] == "interrupted"
    assert "interrupted" in document["error"]["message"]

"""What is measured: the files, the contestants' commands, and the goals."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, NamedTuple

from measuring import Command, Ratio, median, ratio, run_in_turn
from peers import PROBES, prefect_server, program, versions, with_uv
from table import Row, memory, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from measuring import Sample

OURS = "stepengine"
PREFECT = "Prefect's `run_steps`, its server up"
STEPS = 1000
PREFECT_STEPS = 50
FURTHER_STEPS = 200
COLD = "prefect-aws>=0.5"
SLOW_ROUNDS = 3
"""Rounds of what takes Prefect a minute each."""

ONE_STEP = 'build:\n- prefect.deployments.steps.run_shell_script:\n    script: "true"\n'
DIRECTORY_STEP = "- prefect.deployments.steps.set_working_directory:\n    directory: .\n"
DEPLOYMENT = """\
- name: deployment-{0}
  version: null
  tags: [team-{1}, nightly]
  description: Loads table {0}
  entrypoint: flows/load.py:load_{0}
  parameters:
    table: table_{0}
    limit: {0}
  work_pool:
    name: pool-{1}
    work_queue_name: default
    job_variables:
      image: '{{{{ build-image.stdout }}}}'
      env:
        REGION: eu-west-1
  schedules:
  - cron: "{1} 8 * * *"
    timezone: UTC
    active: true
"""


class Bench(NamedTuple):
    """Where everything is.

    Attributes:
        own: stepengine's environment.
        peers: The peers' environment.
        work: A directory for files.
        environ: The environment of every contestant.
        rounds: How often each runs.
        deployments: How many the large file has.
    """

    own: str
    peers: str
    work: str
    environ: Mapping[str, str]
    rounds: int
    deployments: int

    def probe(self, environment: str, name: str, *arguments: str, environ: Mapping[str, str] | None = None) -> Command:
        """Give the command of a probe in an environment."""
        argv = [program(environment, "python"), os.path.join(PROBES, f"{name}.py"), *arguments]
        return Command(argv, environ or self.environ, is_probe=True)

    def path(self, name: str) -> str:
        """Give the path of a file."""
        return os.path.join(self.work, name)


def write_files(bench: Bench) -> None:
    """Write the files that the contestants run."""
    files = {
        "one.yaml": ONE_STEP,
        "steps.yaml": "build:\n" + DIRECTORY_STEP * STEPS,
        "nothing.py": "def nothing():\n    return {}\n",
        "here.yaml": "build:\n" + "- nothing.nothing: {}\n" * FURTHER_STEPS,
        "isolated.yaml": "build:\n" + "- nothing.nothing: {requires: iniconfig}\n" * FURTHER_STEPS,
        "cold.yaml": f"build:\n- nothing.nothing: {{requires: {COLD}}}\n",
        "Taskfile.yml": 'version: "3"\ntasks:\n  default:\n    cmds: ["true"]\n',
        "justfile": "default:\n    true\n",
        "dodo.py": "def task_one():\n    return {'actions': ['true']}\n",
        "playbook.yml": "- hosts: localhost\n  gather_facts: false\n  tasks:\n  - command: 'true'\n",
    }
    for name, text in files.items():
        with open(bench.path(name), "w", encoding="utf-8") as file:
            file.write(text)
    with open(bench.path("large.yaml"), "w", encoding="utf-8") as file:
        file.write('build:\n- run_shell_script:\n    id: build-image\n    script: "true"\ndeployments:\n')
        # One by one: what this process once held would count as its children's peak (see `run_once`).
        file.writelines(DEPLOYMENT.format(number, number % 20) for number in range(bench.deployments))


def whole_process(bench: Bench) -> list[Row]:
    """Run a file with one `true` step, as a person would."""
    with prefect_server(bench.peers, bench.environ) as with_server:
        commands = _one_step_commands(bench)
        probe = os.path.join(PROBES, "run_prefect.py")
        prefect = Command([program(bench.peers, "python"), probe, bench.path("one.yaml")], with_server)
        samples = run_in_turn({**commands, PREFECT: prefect}, bench.rounds)
    rows = _compare(samples, "`run` of one `true` step, whole process", {"go-task": "≤ 1.0"})
    return [*rows, _memory_row(samples, next(name for name in samples if name.startswith("go-task")))]


def _one_step_commands(bench: Bench) -> dict[str, Command]:
    version = versions(bench.peers)
    lines: dict[str, list[str]] = {
        f"just {version['rust-just']}": ["just", "--justfile", bench.path("justfile")],
        f"go-task {version['go-task-bin']}": ["task", "--dir", bench.work],
        f"doit {version['doit']}": ["doit", "-f", bench.path("dodo.py"), "--db-file", bench.path("doit.db")],
        f"ansible-playbook {version['ansible-core']}": [
            *("ansible-playbook", "-i", "localhost,", "-c", "local"),
            *("-e", f"ansible_python_interpreter={program(bench.peers, 'python')}", bench.path("playbook.yml")),
        ],
    }
    ours = Command([program(bench.own, "stepengine"), "run", bench.path("one.yaml")], bench.environ)
    peers = {name: Command([program(bench.peers, line[0]), *line[1:]], bench.environ) for name, line in lines.items()}
    return {OURS: ours, **peers}


def _memory_row(samples: Mapping[str, list[Sample]], peer: str) -> Row:
    compared = ratio(samples[OURS], samples[peer], "peak_mib")
    ours, theirs = (memory(median(samples[name], "peak_mib")) for name in (OURS, peer))
    return Row("peak memory of the same process", peer, ours, theirs, compared, None, "≤ 40 MiB")


def bare_start(bench: Bench) -> list[Row]:
    """Start and stop: `--version` against Python itself."""
    commands = {
        OURS: Command([program(bench.own, "stepengine"), "--version"], bench.environ),
        "`python -c pass`": Command([program(bench.own, "python"), "-c", "pass"], bench.environ),
    }
    return _compare(run_in_turn(commands, bench.rounds), "`--version`, whole process", {"`python": "≤ 2.0"})


def cost_per_step(bench: Bench) -> list[Row]:
    """Run many cheap steps in one process."""
    path = bench.path("steps.yaml")
    with prefect_server(bench.peers, bench.environ) as with_server:
        commands = {
            OURS: bench.probe(bench.own, "steps_stepengine", path, str(STEPS)),
            PREFECT: bench.probe(bench.peers, "steps_prefect", path, str(PREFECT_STEPS), environ=with_server),
        }
        samples = run_in_turn(commands, bench.rounds)
    return _compare(samples, "one step in a running process", {"Prefect": "≤ 42 µs"})


def validation(bench: Bench) -> list[Row]:
    """Read and check a large file."""
    path = bench.path("large.yaml")
    commands = {
        OURS: bench.probe(bench.own, "load_stepengine", path),
        "Prefect's loader": bench.probe(bench.peers, "load_prefect", path),
    }
    samples = run_in_turn(commands, min(bench.rounds, SLOW_ROUNDS))
    return _compare(samples, f"validate {bench.deployments:,} deployments", {"Prefect": "≤ 1.0"})


def validation_memory(bench: Bench) -> list[Row]:
    """Compare the peak of validation with the parsed document, both in what Python allocates: the same each time."""
    ours, parsed = (
        int(subprocess.run(probe.argv, env=bench.environ, check=True, stdout=subprocess.PIPE).stdout) / 2**20
        for probe in (
            bench.probe(bench.own, "memory_stepengine", bench.path("large.yaml")),
            bench.probe(bench.peers, "memory_parsed", bench.path("large.yaml")),
        )
    )
    what = f"peak memory to validate {bench.deployments:,} deployments"
    peer = "the document that PyYAML makes of it"
    compared = Ratio(*[ours / parsed] * 3)
    return [Row(what, peer, memory(ours), memory(parsed), compared, None, "≤ 4.0")]


def isolated_step(bench: Bench) -> list[Row]:
    """Run steps of an isolated environment, and the same in the running process."""
    program_ = program(bench.own, "stepengine")
    environ = with_uv(bench.peers, bench.environ)
    subprocess.run([program_, "run", bench.path("isolated.yaml"), "--install", "--quiet"], env=environ, check=True)
    here = "the same step in the running process"
    commands = {
        OURS: bench.probe(bench.own, "further_steps", program_, bench.path("isolated.yaml"), environ=environ),
        here: bench.probe(bench.own, "further_steps", program_, bench.path("here.yaml"), environ=environ),
    }
    samples = run_in_turn(commands, bench.rounds)
    return _compare(samples, "a further step of an isolated environment", {here: "≤ 5 ms more"})


def cold_environment(bench: Bench) -> list[Row]:
    """Make an environment of packages that are in the installer's cache, and run a step in it."""
    ours = (program(bench.own, "stepengine"), bench.path("cold.yaml"))
    pip = "venv and `pip install`"
    commands = {
        OURS: bench.probe(bench.own, "cold_stepengine", *ours, environ=with_uv(bench.peers, bench.environ)),
        pip: bench.probe(bench.peers, "cold_pip", COLD),
    }
    rounds = 2 if bench.rounds == 1 else min(bench.rounds, SLOW_ROUNDS)  # the first one fills the caches
    return _compare(run_in_turn(commands, rounds), f"an environment for `{COLD}`, and a step in it", {pip: "≤ 0.2"})


def _compare(samples: Mapping[str, list[Sample]], what: str, goals: Mapping[str, str]) -> list[Row]:
    rows = []
    ours = samples[OURS]
    for name, theirs in samples.items():
        if name != OURS:
            goal = next((goal for prefix, goal in goals.items() if name.startswith(prefix)), "")
            shown = (seconds(median(each, "wall_s")) for each in (ours, theirs))
            rows.append(Row(what, name, *shown, ratio(ours, theirs, "wall_s"), ratio(ours, theirs, "cpu_s"), goal))
    return rows


CASES: dict[str, Callable[[Bench], list[Row]]] = {
    "run": whole_process,
    "version": bare_start,
    "step": cost_per_step,
    "validate": validation,
    "memory": validation_memory,
    "isolated": isolated_step,
    "cold": cold_environment,
}

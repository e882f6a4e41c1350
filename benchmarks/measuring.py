"""Running commands in turn, and what they cost."""

from __future__ import annotations

import json
import os
import statistics
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Command(NamedTuple):
    """What one contestant runs.

    Attributes:
        argv: The program and its arguments.
        environ: Its whole environment.
        is_probe: Whether the program measures itself, and prints a `Sample` as its last line of output; else the whole
            process is what counts.
    """

    argv: Sequence[str]
    environ: Mapping[str, str]
    is_probe: bool = False


class Sample(NamedTuple):
    """What one run cost.

    Attributes:
        wall_s: Seconds that went by.
        cpu_s: Seconds of processor time, user and system, of the process and of its children.
        peak_mib: The most memory that it, or one of its children, had resident at once.
    """

    wall_s: float
    cpu_s: float
    peak_mib: float


class Ratio(NamedTuple):
    """A quotient of two contestants' costs, round by round: its median and its quartiles."""

    median: float
    low: float
    high: float


def run_once(command: Command) -> Sample:
    """Run a command with its output piped.

    Raises:
        RuntimeError: it failed.
    """
    read, write = os.pipe()
    actions = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
    actions += [(os.POSIX_SPAWN_DUP2, write, number) for number in (1, 2)]
    started = perf_counter()
    pid = os.posix_spawn(command.argv[0], command.argv, command.environ, file_actions=actions)
    os.close(write)
    with open(read, "rb") as pipe:
        output = pipe.read()
    _, status, usage = os.wait4(pid, 0)
    wall = perf_counter() - started
    text = output.decode("utf-8", "replace")
    if status != 0:
        raise RuntimeError(f"{' '.join(command.argv)} exited with {os.waitstatus_to_exitcode(status)}:\n{text}")
    if command.is_probe:
        return Sample(**json.loads(text.splitlines()[-1]))
    # The kernel tells no child's peak as less than its parent's memory at its start: this process holds little.
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def run_in_turn(commands: Mapping[str, Command], rounds: int) -> dict[str, list[Sample]]:
    """Run each command once a round, so that what disturbs the machine disturbs all of them.

    Args:
        commands: By the contestants' names.
        rounds: How many; one more is run first, and does not count, where the rounds are several.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    names = list(commands)
    for number in range(-1 if rounds > 1 else 0, rounds):
        for name in names:
            sample = run_once(commands[name])
            if number >= 0:
                samples[name].append(sample)
        names.append(names.pop(0))  # nobody always follows the same neighbour
    return samples


def median(samples: Sequence[Sample], field: str) -> float:
    """Give the median of one field."""
    return statistics.median(getattr(sample, field) for sample in samples)


def ratio(ours: Sequence[Sample], theirs: Sequence[Sample], field: str) -> Ratio:
    """Compare one field round by round."""
    quotients = sorted(getattr(a, field) / getattr(b, field) for a, b in zip(ours, theirs, strict=True))
    if len(quotients) < 2:
        return Ratio(quotients[0], quotients[0], quotients[0])
    low, middle, high = statistics.quantiles(quotients, n=4, method="inclusive")
    return Ratio(middle, low, high)

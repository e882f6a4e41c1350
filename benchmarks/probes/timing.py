"""What the probes share: they run in either environment, and import nothing that costs anything."""

from __future__ import annotations

import json
import resource
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def report(work: Callable[[], object], divisor: int = 1) -> None:
    """Do the work, and print what it cost as a `Sample`.

    Args:
        work: It; what it returns is kept until the clocks are read.
        divisor: How many times it does what is to be measured.
    """
    wall, cpu = perf_counter(), _cpu_seconds()
    kept = work()
    cost = {"wall_s": (perf_counter() - wall) / divisor, "cpu_s": (_cpu_seconds() - cpu) / divisor}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**cost, "peak_mib": peak}))
    del kept


def _cpu_seconds() -> float:
    """Give the processor time of this process and of the children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)

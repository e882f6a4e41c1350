"""A file's steps after the first, as the command runs them; the cost of one: `further_steps.py STEPENGINE FILE`."""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys

program, path = sys.argv[1:]
done = subprocess.run([program, "run", path, "--format", "json"], check=True, stdout=subprocess.PIPE)
steps = json.loads(done.stdout)["pipelines"][0]["steps"]
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
# The first one starts what the others find started. CPU time is not told by step: that of the whole is shared out.
cost = {
    "wall_s": statistics.median(step["duration_s"] for step in steps[1:]),
    "cpu_s": (usage.ru_utime + usage.ru_stime) / len(steps),
    "peak_mib": usage.ru_maxrss / 1024,
}
print(json.dumps(cost))

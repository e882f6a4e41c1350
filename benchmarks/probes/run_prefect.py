"""Run a file's build steps once by Prefect's `run_steps`, the nearest that it has to a run: `run_prefect.py FILE`."""

from __future__ import annotations

import asyncio
import sys

import yaml
from prefect.deployments.steps.core import run_steps

with open(sys.argv[1], encoding="utf-8") as file:
    steps = yaml.safe_load(file)["build"]
asyncio.run(run_steps(steps))

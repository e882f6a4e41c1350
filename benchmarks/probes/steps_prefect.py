"""A file's steps by Prefect's `run_steps`: `steps_prefect.py FILE COUNT`; the cost of one step."""

from __future__ import annotations

import asyncio
import sys

import yaml
from prefect.deployments.steps.core import run_steps
from timing import report

path, count = sys.argv[1], int(sys.argv[2])
with open(path, encoding="utf-8") as file:
    steps = yaml.safe_load(file)["build"]


def quiet(*_arguments: object, **_options: object) -> None:
    """Stand in for `print`."""


asyncio.run(run_steps(steps[:1], print_function=quiet))  # what it loads once is not a step's cost
report(lambda: asyncio.run(run_steps(steps[:count], print_function=quiet)), count)

"""A file's steps by stepengine's runner: `steps_stepengine.py FILE COUNT`; the cost of one step."""

from __future__ import annotations

import os
import sys
from typing import Any

from timing import report

from stepengine.catalogue.registry import Registry
from stepengine.cli.project import find_entry_points, read_document
from stepengine.planning.plan import make_plan
from stepengine.running.runner import run_plan
from stepengine.secrecy.secrets import Secrets
from stepengine.validation import validate_document
from stepengine.world import World

NOT_ASKED: Any = None

path, count = sys.argv[1], int(sys.argv[2])
directory = os.path.dirname(path)
registry = Registry(directory, find_entry_points())
file = validate_document(read_document(path), registry)
secrets = Secrets()
secrets.add_environment(os.environ)


def resolve(_namespace: str, _path: tuple[object, ...]) -> object:
    raise LookupError


world = World(directory, os.environ, registry.load, NOT_ASKED, NOT_ASKED, resolve, secrets)
plan = make_plan(file, file.pipelines, ("build", "push", "pull"), world)


def work() -> object:
    """Run all steps, every event handed to a listener that does nothing."""
    result = run_plan(plan, world, lambda _event: None)
    if result.status != "succeeded" or len(result.pipelines[0].steps) != count:
        raise SystemExit(f"the steps did not run: {result.failure}")
    return result


report(work, count)

"""Read and validate a file by Prefect's own loader, as `prefect deploy` begins: `load_prefect.py FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

from prefect.cli.deploy._config import _load_deploy_configs_and_actions
from rich.console import Console
from timing import report


def load() -> object:
    """Read, parse, and check everything."""
    deployments, _ = loaded = _load_deploy_configs_and_actions(Path(sys.argv[1]), console=Console(stderr=True))
    if not deployments:
        raise SystemExit("the file has problems")
    return loaded


report(load)

"""Measure stepengine against its peers; see README.md."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile

from cases import CASES, Bench, write_files
from peers import REPOSITORY, clean_environment, default_directory, program, set_up_own, set_up_peers
from table import render_table, update_text


def main() -> int:
    options = _options()
    peers = options.peers or os.path.join(options.cache, "peers")
    if options.setup:
        set_up_peers(peers)
    elif not os.path.exists(program(peers, "python")):
        print(f"there are no peers in {peers}: make them with --setup", file=sys.stderr)
        return 2
    readme = os.path.join(REPOSITORY, "README.md")
    if options.readme:
        _update(readme, "")  # markers that are not there are better told of now than in ten minutes
    own = os.path.join(options.cache, "own")
    set_up_own(own, program(peers, "python"))
    rows = []
    with tempfile.TemporaryDirectory() as work:
        bench = Bench(own, peers, work, clean_environment(work), options.rounds, options.deployments)
        write_files(bench)
        for name in options.only or CASES:
            print(f"measuring: {name}", file=sys.stderr)
            rows += CASES[name](bench)
    table = f"{render_table(rows)}\n\n{_conditions(options.rounds, own)}"
    print(table)
    if options.readme:
        _update(readme, table)
    return 0


def _update(path: str, table: str) -> None:
    with open(path, encoding="utf-8") as file:
        text = file.read()
    updated = update_text(text, table)
    if table:
        with open(path, "w", encoding="utf-8") as file:
            file.write(updated)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--setup", action="store_true", help="install the peers first")
    parser.add_argument("--peers", metavar="DIR", help="the peers' environment; by default one in the cache")
    parser.add_argument("--cache", metavar="DIR", default=default_directory(), help="where environments are kept")
    parser.add_argument("--rounds", "-n", type=int, default=20, metavar="N", help="how often each command runs (20)")
    parser.add_argument("--deployments", type=int, default=10_000, metavar="N", help="of the large file (10000)")
    parser.add_argument("--only", action="append", choices=list(CASES), help="measure this alone; may be repeated")
    parser.add_argument("--readme", action="store_true", help="write the table into the README as well")
    return parser.parse_args()


def _conditions(rounds: int, own: str) -> str:
    python = subprocess.run(
        [program(own, "python"), "--version"], check=True, capture_output=True, text=True
    ).stdout.strip()
    return (
        f"Medians of {rounds} runs in turn (of the large file: 3), ratios with their quartiles; "
        f"{python}, {platform.system()} {platform.machine()}, {os.cpu_count()} CPUs."
    )


if __name__ == "__main__":
    sys.exit(main())

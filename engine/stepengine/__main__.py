"""The command `stepengine`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command; `--version` alone is answered before anything is imported.

    Returns:
        The exit code; `docs/command-line.md` lists them.
    """
    if sys.argv[1:] in (["--version"], ["-V"]):
        from stepengine import __version__

        print(f"stepengine {__version__}")  # noqa: T201 - the answer
        return 0
    from stepengine.cli import run_command

    return run_command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

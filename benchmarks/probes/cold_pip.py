"""An environment made by venv and pip: `cold_pip.py REQUIREMENT`; pip has the packages in its cache."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from timing import report

requirement = sys.argv[1]

with tempfile.TemporaryDirectory() as directory:

    def work() -> None:
        """Make it."""
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", directory], check=True)
        python = os.path.join(directory, "bin", "python")
        install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", requirement]
        subprocess.run([*install, "--disable-pip-version-check"], check=True)

    report(work)

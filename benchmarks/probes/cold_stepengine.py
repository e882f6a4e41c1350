"""A run that makes an environment first: `cold_stepengine.py STEPENGINE FILE`; uv has the packages in its cache."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from timing import report

program, path = sys.argv[1:]

with tempfile.TemporaryDirectory() as cache:
    environ = {**os.environ, "STEPENGINE_CACHE_DIR": cache}
    report(lambda: subprocess.run([program, "run", path, "--install", "--quiet"], check=True, env=environ))

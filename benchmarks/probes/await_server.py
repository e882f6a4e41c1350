"""Wait until a Prefect server answers: `await_server.py URL SECONDS`.

A program of its own: its imports would add to the memory of the process that measures, and the kernel tells no child's
peak as less than that.
"""

from __future__ import annotations

import contextlib
import sys
import time
import urllib.request

url, seconds = sys.argv[1], float(sys.argv[2])
deadline = time.monotonic() + seconds
while time.monotonic() < deadline:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
        if answer.read() == b"true":
            sys.exit(0)
    time.sleep(0.2)
sys.exit(f"{url} did not answer within {seconds:.0f} s")

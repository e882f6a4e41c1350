"""What a parsed document takes, in bytes: the plain objects that PyYAML makes of it. `memory_parsed.py FILE`."""

from __future__ import annotations

import gc
import sys
import tracemalloc

import yaml

with open(sys.argv[1], encoding="utf-8") as stream:
    text = stream.read()
loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same objects, sooner
tracemalloc.start()
document = yaml.load(text, Loader=loader)  # noqa: S506 - both are safe
gc.collect()
print(tracemalloc.get_traced_memory()[0])

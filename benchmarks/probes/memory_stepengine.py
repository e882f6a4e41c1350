"""What validating a file takes at its peak, in bytes: `memory_stepengine.py FILE`."""

from __future__ import annotations

import os
import sys
import tracemalloc

from stepengine.catalogue.registry import Registry
from stepengine.cli.project import read_document
from stepengine.validation import validate_document

registry = Registry(os.path.dirname(sys.argv[1]))
validate_document(read_document(os.path.join(os.path.dirname(sys.argv[1]), "one.yaml")), registry)  # what is imported
tracemalloc.start()
file = validate_document(read_document(sys.argv[1]), registry)
print(tracemalloc.get_traced_memory()[1])

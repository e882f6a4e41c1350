"""Read and validate a file by stepengine, and show nothing: `load_stepengine.py FILE`."""

from __future__ import annotations

import os
import sys

from timing import report

from stepengine.catalogue.registry import Registry
from stepengine.cli.project import read_document
from stepengine.validation import validate_document


def load() -> object:
    """Read, parse, and check everything."""
    file = validate_document(read_document(sys.argv[1]), Registry(os.path.dirname(sys.argv[1])))
    if file.diagnostics:
        raise SystemExit(f"the file has problems: {file.diagnostics[0]}")
    return file


report(load)

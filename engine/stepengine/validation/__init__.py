"""From located nodes to a checked file: every problem at once, each with its place.

What Prefect accepts and would run is never an error here; what is likely not meant is a warning.
"""

from __future__ import annotations

from stepengine.validation.file import validate_document

__all__ = ["validate_document"]

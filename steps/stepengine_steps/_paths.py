"""Where a path lies."""

from __future__ import annotations

import os


def is_within(path: str, root: str) -> bool:
    """Tell whether a path is a directory or lies in it.

    Args:
        path: Absolute, with its links resolved.
        root: The directory; the same.
    """
    root = os.path.normcase(root)
    try:
        return os.path.commonpath((root, os.path.normcase(path))) == root
    except ValueError:  # on two drives of Windows
        return False

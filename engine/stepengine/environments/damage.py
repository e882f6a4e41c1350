"""Whether an environment has all the files that were installed into it."""

from __future__ import annotations

import os

from stepengine.environments.layout import packages_of


def find_damage(directory: str) -> str:
    """Give the path of a file that is gone, or has another size than what was installed; empty where there is none.

    It takes a look at each file: for when something has failed. What was installed is told by the records of
    https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file.

    Args:
        directory: The environment's.
    """
    import csv

    packages = packages_of(directory)
    try:
        names = sorted(name for name in os.listdir(packages) if name.endswith(".dist-info"))
    except OSError:
        return packages
    for name in names:
        try:
            with open(os.path.join(packages, name, "RECORD"), encoding="utf-8", newline="") as file:
                for path, _, size in csv.reader(file):
                    if not path.endswith(".pyc") and not _is_whole(os.path.join(packages, path), size):
                        return os.path.normpath(os.path.join(packages, path))
        except (OSError, ValueError, csv.Error):
            return os.path.join(packages, name, "RECORD")
    return ""


def _is_whole(path: str, size: str) -> bool:
    try:
        return not size.isdigit() or os.stat(path).st_size == int(size)
    except OSError:
        return False

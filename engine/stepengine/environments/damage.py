"""Whether an environment has all the files that were installed into it, and what to do where it has not."""

from __future__ import annotations

import os


def find_damage(packages: str) -> str:
    """Give the path of a file that is gone, or has another size than what was installed; empty where there is none.

    It takes a look at each file: for when something has failed. What was installed is told by the records of
    https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file.

    Args:
        packages: The environment's directory of packages.
    """
    import csv

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


def how_to_renew(key: str) -> str:
    """Give the line that tells how to have the environment of a key made anew."""
    return f"remove it, and have it made anew: stepengine env prune {key}"


def damage_hint(packages: str, key: str) -> str:
    """Give the line that tells of an environment's damage; empty where it has none."""
    damaged = find_damage(packages)
    return f"the environment is damaged, {damaged} is not as it was installed: {how_to_renew(key)}" if damaged else ""


def _is_whole(path: str, size: str) -> bool:
    try:
        return not size.isdigit() or os.stat(path).st_size == int(size)
    except OSError:
        return False

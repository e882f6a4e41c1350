"""The names of Prefect's own images, and the versions of Python that they come with."""

from __future__ import annotations

import re
import sys
from typing import Any

from stepengine.plugin import StepError

REPOSITORY = "prefecthq/prefect"
DEFAULT_TAG = "3-latest"

# The first release whose package says that it supports a Python version, and so has an image with it.
_HIGHEST_PYTHON = (((3, 6), (3, 14)), ((3, 4), (3, 13)), ((2, 16), (3, 12)), ((0,), (3, 11)))


def highest_python(release: tuple[int, ...]) -> tuple[int, int]:
    """Give the highest Python that a release of Prefect has an image for.

    Args:
        release: Its numbers, as many as are known: `(2, 11, 5)`. A major version alone stands for its newest release.
    """
    padded = release if len(release) > 1 else (*release, 1_000_000)
    return next(python for since, python in _HIGHEST_PYTHON if padded >= since)


def base_image(prefect_version: Any) -> str:
    """Give the image that a flow of a project runs in: `prefecthq/prefect:VERSION-pythonX.Y`.

    Python is the one that runs this, as in Prefect, or the highest that the release has an image for.

    Args:
        prefect_version: The file's `prefect-version`: a version, a part of one (`3`, `3.x`), or None.

    Raises:
        StepError: there is no image of such a version.
    """
    if prefect_version is None or prefect_version == "":
        return f"{REPOSITORY}:{DEFAULT_TAG}"
    from packaging.version import InvalidVersion, Version

    hint = "correct prefect-version at the top of the file, or give the step a base_image"
    try:
        version = Version(re.sub(r"(\.[xX*])+$", "", str(prefect_version).strip()))
    except InvalidVersion as error:
        raise StepError(f"prefect-version {str(prefect_version)!r} is not a version", hint=hint) from error
    if version.local or version.epoch:
        raise StepError(f"Prefect publishes no image of the version {version}", hint=hint)
    major, minor = min(highest_python(version.release), sys.version_info[:2])
    return f"{REPOSITORY}:{version.public}-python{major}.{minor}"

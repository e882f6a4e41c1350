"""Compute the tags of an image by the convention of Prefect's images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepengine.plugin import StepError, step

if TYPE_CHECKING:
    from typing import Any

_TAG_LENGTH = 128


@step(outputs=["tag", "additional_tags"], touches=[])
def image_tags(
    version: str | float,
    python_version: str | float | None = None,
    commit: str | None = None,
    flavor: str | None = None,
    latest_python: str | float | None = None,
) -> dict[str, Any]:
    """Compute an image's tags by the convention of Prefect's images.

    For 2.11.5 with Python 3.11: `2.11.5-python3.11`, and the tags that move on with every release, `2.11-python3.11`,
    `2-python3.11` and, with the highest supported Python, `2-latest`; and `sha-COMMIT-python3.11`. A prerelease moves
    none.

    Args:
        version: The release (PEP 440).
        python_version: The image's Python, as X.Y; the one that runs this where it is left out.
        commit: The commit that it was made from, in full or abbreviated.
        flavor: A variant of the image, such as `conda`: a suffix to all tags.
        latest_python: The Python that `…-latest` has; the highest of Prefect's release `version` where it is left out.

    Returns:
        `tag`: the image's own tag.
        `additional_tags`: the tags that move on to it, for the step that builds and the step that pushes.

    Raises:
        StepError: an input is not what it should be, or the version cannot be a tag.
    """
    import sys

    release, numbers, moves = _version(version)
    python = _python("python_version", python_version) or f"{sys.version_info[0]}.{sys.version_info[1]}"
    suffix = f"-{_flavor(flavor)}" if flavor else ""
    tags = [f"{release}-python{python}{suffix}"]
    if moves:
        tags += [f"{part}-python{python}{suffix}" for part in _moving(numbers)]
        if python == (_python("latest_python", latest_python) or _highest(numbers)):
            tags.append(f"{numbers[0]}-latest{suffix}")
    if commit:
        tags.append(f"sha-{_commit(commit)}-python{python}{suffix}")
    tag, *additional = dict.fromkeys(tags)
    if too_long := [each for each in (tag, *additional) if len(each) > _TAG_LENGTH]:
        raise StepError(f"{too_long[0]!r} is too long for a tag", hint=f"a tag has up to {_TAG_LENGTH} characters")
    return {"tag": tag, "additional_tags": additional}


def _version(version: object) -> tuple[str, tuple[int, ...], bool]:
    """Read a version: its text, its numbers, and whether it is a release that tags move on to."""
    from packaging.version import InvalidVersion, Version

    try:
        parsed = Version(str(version))
    except InvalidVersion as error:
        raise StepError(
            f"version: {str(version)!r} is not a version", hint="write one such as 2.11.5 or 2.11.5rc1"
        ) from error
    if parsed.epoch or parsed.local:
        hint = "a tag has neither ! nor +; build from a release, or give its public version"
        raise StepError(f"version: {parsed} cannot be a tag", hint=hint)
    return parsed.public, parsed.release, not parsed.is_prerelease


def _moving(numbers: tuple[int, ...]) -> list[str]:
    return [".".join(map(str, numbers[:length])) for length in (2, 1) if length <= len(numbers)]


def _python(name: str, value: object) -> str:
    import re

    if value is None or value == "":
        return ""
    if isinstance(value, bool) or not re.fullmatch(r"3\.(?:0|[1-9][0-9]?)", str(value), re.ASCII):
        hint = 'write it as "3.12"; with quotes, or YAML makes 3.1 of 3.10'
        raise StepError(f"{name}: {str(value)!r} is not a version of Python, as X.Y", hint=hint)
    if value == 3.1:  # noqa: PLR2004 - what YAML makes of an unquoted 3.10; no image has a Python 3.1
        return "3.10"
    return str(value)


def _highest(numbers: tuple[int, ...]) -> str:
    from stepengine_steps._docker.prefect_images import highest_python

    return ".".join(map(str, highest_python(numbers)))


def _commit(commit: str) -> str:
    import re

    if not re.fullmatch(r"[0-9a-fA-F]{7,64}", str(commit), re.ASCII):
        raise StepError(
            f"commit: {commit!r} is not a commit", hint="give 7 to 64 hexadecimal digits (git rev-parse HEAD)"
        )
    return str(commit).lower()


def _flavor(flavor: str) -> str:
    import re

    if not re.fullmatch(r"[a-z0-9]+(?:[_.-][a-z0-9]+)*", str(flavor), re.ASCII):
        raise StepError(f"flavor: {flavor!r} is not a flavour", hint="use lower case letters and digits, such as conda")
    return str(flavor)

"""The name of a new distribution, and that of its package."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from stepengine.diagnostics.diagnostic import one_line
from stepengine.errors import UsageError
from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Collection

MAX_LENGTH = 100
"""Longer names make no paths everywhere: wheels and directories of metadata have the name in theirs."""

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
"""PEP 508, "Names"."""

_TAKEN = (
    *("prefect", "prefect-docker", "stepengine", "stepengine-plugins", "stepengine-steps"),
    *("test", "tests", "pytest", "mypy", "hatchling", "ruff"),
)
"""What would stand in the place of something else, be it installed here or not."""


class Names(Record):
    """What a distribution is called.

    Attributes:
        distribution: Its name, normalized (PEP 503): `acme-s3`.
        package: The package that it installs: `acme_s3`.
    """

    distribution: str
    package: str


def check_name(name: str, installed: Collection[str]) -> Names:
    """Read the name of a new distribution.

    Args:
        name: As it was given, in any spelling: `Acme.S3`.
        installed: The normalized names of the distributions that are installed here.

    Raises:
        UsageError: no distribution may be called so, no package may, or something else is.
    """
    shown = one_line(name if len(name) <= MAX_LENGTH else f"{name[:20]}…")
    if len(name) > MAX_LENGTH:
        raise UsageError(f"the name {shown} has {len(name)} characters", hint=f"take one of at most {MAX_LENGTH}")
    if not _NAME.fullmatch(name):
        hint = "letters A to Z, digits, '-', '_' and '.'; a letter or a digit at both ends: acme-steps"
        raise UsageError(f"{shown!r} is no name of a distribution", hint=hint)
    distribution = re.sub(r"[-_.]+", "-", name).lower()
    names = Names(distribution, distribution.replace("-", "_"))
    reason = _unfit(names, installed)
    if reason:
        raise UsageError(f"{shown} cannot be the name: {reason}", hint="take another one, such as acme-steps")
    return names


def _unfit(names: Names, installed: Collection[str]) -> str:
    """Say why a name does not do; nothing where it does."""
    import importlib.util
    import keyword

    package = names.package
    if not package.isidentifier():
        return f"no package of Python can be called {package}"
    if keyword.iskeyword(package):
        return f"{package} is a word of Python's language"
    if package in sys.stdlib_module_names:
        return f"{package} is a module of Python's standard library"
    if names.distribution in _TAKEN or names.distribution in installed:
        return f"there is a distribution {names.distribution} already"
    if importlib.util.find_spec(package) is not None:
        return f"a package {package} is installed here"
    return ""

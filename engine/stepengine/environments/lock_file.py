"""`prefect.lock.toml`: the exact packages, and their hashes, for each set of requirements of a file."""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING, Any

from stepengine.environments.reading import list_of_texts
from stepengine.errors import UsageError
from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stepengine.environments.requirement_set import RequirementSet

FILE_NAME = "prefect.lock.toml"

_VERSION = 1
_HEADER = """\
# Written by `stepengine lock`: what the steps of the file beside it require, exactly.
# `stepengine run` installs these versions alone, and only archives that have one of these hashes.

"""


class LockedPackage(Record):
    """A package of a lock.

    Attributes:
        requirement: `name==version`, or `name @ address`; with a marker where it is not for every machine.
        hashes: Those of its archives, as `algorithm:digest`.
    """

    requirement: str
    hashes: tuple[str, ...]

    @property
    def line(self) -> str:
        """It as installers read it: https://pip.pypa.io/en/stable/topics/secure-installs/#hash-checking-mode."""
        return " ".join([self.requirement, *(f"--hash={each}" for each in self.hashes)])


class LockedSet(Record):
    """A set of requirements, and what meets it.

    Attributes:
        requirements: The set.
        packages: All that it takes, what the requirements need in turn included.
    """

    requirements: RequirementSet
    packages: tuple[LockedPackage, ...]


class Lock(Record):
    """A lock.

    Attributes:
        path: Of its file.
        python: The versions of Python that it is for, as a specifier.
        sets: By requirement set.
    """

    path: str
    python: str
    sets: dict[RequirementSet, LockedSet]


def read_lock(path: str) -> Lock | None:
    """Read a lock; None where there is no such file.

    Raises:
        UsageError: it cannot be read, or is none.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise UsageError(f"{path} is no file", hint="remove it")
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", hint="make it readable, or remove it") from error
    return parse_lock(data, path)


def parse_lock(data: bytes, path: str) -> Lock:
    """Read a lock's text.

    Args:
        data: It.
        path: Of its file, for messages.

    Raises:
        UsageError: it is none.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    from packaging.specifiers import SpecifierSet

    again = "remove it, and write it anew: stepengine lock"
    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is no lock: {' '.join(str(error).split())}", hint=again) from error
    version = document.get("version")
    if version != _VERSION:
        hint = again if version is None or not isinstance(version, int) or version < _VERSION else "update stepengine"
        raise UsageError(f"{path} is a lock of version {version!r}, not {_VERSION}", hint=hint)
    try:
        sets = [_read_set(each) for each in document.get("sets", [])]
        (python,) = list_of_texts([document["python"]])
        SpecifierSet(python)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        told = " ".join(str(error).split())
        raise UsageError(f"{path} is no lock: something of it is missing or wrong: {told}", hint=again) from error
    return Lock(path, python, {each.requirements: each for each in sets})


def _read_set(document: dict[str, Any]) -> LockedSet:
    from stepengine.catalogue.requirements import requirement_problem
    from stepengine.environments.requirement_set import requirement_set

    requirements = list_of_texts(document["requirements"])
    for problem in filter(None, map(requirement_problem, requirements)):
        raise ValueError(problem)
    packages = tuple(_read_package(each) for each in document["packages"])
    return LockedSet(requirement_set(requirements), packages)


def _read_package(document: dict[str, Any]) -> LockedPackage:
    from stepengine.catalogue.requirements import requirement_problem

    (requirement,), hashes = list_of_texts([document["requirement"]]), list_of_texts(document["hashes"])
    # Both become lines of a file that an installer reads: nothing else may be in them.
    problem = requirement_problem(requirement)
    if problem:
        raise ValueError(problem)
    for each in hashes:
        algorithm, _, digest = each.partition(":")
        if not algorithm.isalnum() or not digest or digest.strip("0123456789abcdef"):
            raise ValueError(f"{each!r} is no hash")
    if not hashes:
        raise ValueError(f"{requirement} has no hash")
    return LockedPackage(requirement, hashes)


def render_lock(python: str, sets: Iterable[LockedSet]) -> str:
    """Give a lock's text; the same for the same, in whatever order.

    Args:
        python: The versions of Python that it is for, as a specifier.
        sets: What it locks.
    """
    import tomli_w

    tables = [
        {
            "requirements": list(each.requirements.requirements),
            "packages": [
                {"requirement": package.requirement, "hashes": sorted(package.hashes)}
                for package in sorted(each.packages)
            ],
        }
        for each in sorted(sets)
    ]
    return _HEADER + tomli_w.dumps({"version": _VERSION, "python": python, "sets": tables})


def write_lock(path: str, text: str) -> None:
    """Write a lock, whole or not at all.

    Raises:
        UsageError: it cannot be written.
    """
    import tempfile

    temporary, path = "", os.path.realpath(path)
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", newline="\n", dir=os.path.dirname(path) or ".", prefix=".stepengine-", delete=False
        ) as file:
            temporary = file.name
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException as error:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        if not isinstance(error, OSError):
            raise
        raise UsageError(
            f"{path} cannot be written: {error.strerror}", hint="make room, or make it writable"
        ) from error

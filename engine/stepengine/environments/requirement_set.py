"""The requirements that one environment is made for."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from stepengine.environments.index_settings import without_credentials
from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stepengine.environments.index_settings import IndexSettings
    from stepengine.environments.lock_file import LockedPackage

_FORMAT = "1"


class RequirementSet(Record):
    """Requirements that are met together.

    Attributes:
        requirements: Each in its normal form, in order, once (PEP 503 names, PEP 508 texts).
    """

    requirements: tuple[str, ...]

    def __str__(self) -> str:
        return ", ".join(self.requirements)


def requirement_set(texts: Iterable[str]) -> RequirementSet:
    """Bring requirements into the form in which two sets that ask for the same are the same.

    Args:
        texts: Valid requirements (PEP 508); those whose markers do not hold here stay: the set is of no one machine.
    """
    return RequirementSet(tuple(sorted({_normal(text) for text in texts})))


def _normal(text: str) -> str:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    requirement = Requirement(text)
    requirement.name = canonicalize_name(requirement.name)
    return str(requirement)


def environment_key(wanted: RequirementSet, settings: IndexSettings, locked: Iterable[LockedPackage] | None) -> str:
    """Give the name of the environment for a set of requirements: what is made of other things has another.

    Args:
        wanted: The set.
        settings: Where packages are looked for.
        locked: The exact packages of a lock. What they hold is told by their hashes, wherever they come from.
    """
    import hashlib

    digest = hashlib.sha256()

    def add(*parts: str) -> None:
        for part in parts:
            digest.update(part.encode("utf-8", "surrogateescape") + b"\0")

    add(_FORMAT, *interpreter_identity())
    if locked is None:
        add("requirements", *wanted.requirements)
        # A token that is another one each day finds the same packages.
        add("settings", *(without_credentials(part) for pair in settings.deciding for part in pair))
        add("files", *(part for text in wanted.requirements for part in _local_state(text)))
    else:
        add("locked", *(package.line for package in locked))
    return digest.hexdigest()[:20]


def interpreter_identity() -> tuple[str, ...]:
    """Give what tells this interpreter from others: packages that were built for one need not fit another."""
    base = os.path.realpath(getattr(sys, "_base_executable", sys.executable) or sys.executable)
    return sys.implementation.name, sys.version, sys.platform, base


def _local_state(requirement: str) -> tuple[str, ...]:
    """Give what changes when a distribution on this machine does, which a requirement names by its address."""
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    _, at, address = requirement.partition(" @ ")
    parts = urlsplit(address.partition(" ;")[0])
    if not at or parts.scheme != "file":
        return ()
    path = url2pathname(parts.path)
    newest, count = 0, 0
    paths = [path] if os.path.isfile(path) else []
    for directory, names, files in os.walk(path):
        names[:] = [name for name in names if not name.startswith(".") and not _is_built(name)]
        paths += [os.path.join(directory, name) for name in files if not name.startswith(".")]
    for each in paths:
        try:
            newest = max(newest, os.stat(each).st_mtime_ns)
        except OSError:
            continue
        count += 1
    return path, str(newest), str(count)


def _is_built(name: str) -> bool:
    """Whether a directory comes of building or running a distribution."""
    return name in ("__pycache__", "build", "dist") or name.endswith(".egg-info")

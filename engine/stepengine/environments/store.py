"""The environments of a user: made once, found by their key, never used half-made."""

from __future__ import annotations

import errno
import os
import shutil
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from stepengine.environments.file_lock import FileLock
from stepengine.environments.layout import interpreter_of, packages_of
from stepengine.environments.reading import list_of_texts
from stepengine.errors import RequirementError
from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_MANIFEST = "stepengine.json"
"""Written last: a directory without it is half made."""

_REMOVED = ".removed-"
_LOCK = ".lock"
_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


def cache_directory(environ: Mapping[str, str]) -> str:
    """Give the directory of what may be removed at any time: `STEPENGINE_CACHE_DIR`, else the system's for the user."""
    named = environ.get("STEPENGINE_CACHE_DIR")
    if named:
        return os.path.abspath(os.path.expanduser(named))
    from platformdirs import user_cache_dir

    return user_cache_dir("stepengine", appauthor=False)


class Environment(Record):
    """An isolated environment that is whole.

    Attributes:
        key: Its name among the user's.
        directory: Where it is.
        requirements: What it was made for.
        packages: What is in it, each as `name version`.
        locked: Whether it was made of a lock's packages.
    """

    key: str
    directory: str
    requirements: tuple[str, ...]
    packages: tuple[str, ...]
    locked: bool


class Found(Record):
    """What is under a key.

    Attributes:
        key: It.
        environment: The environment; None where it is half made or damaged.
        problem: What is wrong with it; empty where nothing is.
        used: When it was last used, in seconds since the epoch.
        size: Bytes.
    """

    key: str
    environment: Environment | None
    problem: str
    used: float
    size: int


class Store:
    """The environments under one directory.

    Args:
        directory: It; made when something is put into it.
    """

    def __init__(self, directory: str) -> None:
        self.directory = os.path.join(directory, "environments")

    def find(self, key: str) -> Environment | None:
        """Give the environment of a key; None where there is none that is whole."""
        return self._read(key)[0]

    def use(self, environment: Environment) -> FileLock:
        """Keep an environment from being removed until the lock is released, and note that it was used.

        Raises:
            OSError: it cannot be.
        """
        lock = self._lock(environment.key)
        try:
            lock.take(shared=True)
        except OSError as error:
            if error.errno not in _READ_ONLY:
                raise
            return lock  # in a cache that is another's, or part of an image: only its owner can remove it
        with suppress(OSError):  # of another user's cache, perhaps: when it is used last matters to its owner
            os.utime(os.path.join(environment.directory, _MANIFEST))
        return lock

    def make(
        self,
        key: str,
        fill: Callable[[str, Sequence[int]], None],
        facts: Mapping[str, Any],
        on_wait: Callable[[], None],
    ) -> Environment:
        """Make the environment of a key, unless another run makes it in the meantime.

        Args:
            key: It.
            fill: Makes it in the directory that it is given; what it starts holds the given descriptors.
            facts: `requirements` and `locked`.
            on_wait: Called where another run has the key.

        Raises:
            RequirementError: it cannot be made.
        """
        directory = os.path.join(self.directory, key)
        try:
            os.makedirs(self.directory, mode=0o700, exist_ok=True)
            lock = self._lock(key)
            lock.take(on_wait=on_wait)
        except OSError as error:
            raise _unwritable(self.directory, error) from error
        try:
            found = self.find(key)
            if found is not None:
                return found
            self._remove(directory)
            fill(directory, (lock.descriptor,) if os.name != "nt" else ())
            _write_manifest(directory, facts)
            return self._made(key)
        except BaseException as error:
            self._remove(directory)
            lock.release(remove=True)
            if isinstance(error, OSError):
                raise _unwritable(self.directory, error) from error
            raise
        finally:
            lock.release()

    def _made(self, key: str) -> Environment:
        made, problem = self._read(key)
        if made is None:
            directory = os.path.join(self.directory, key)
            raise RequirementError(f"the environment in {directory} is not as it was made: {problem}")
        return made

    def list(self) -> Iterator[Found]:
        """Give all that there is, half-made and damaged ones too, by key."""
        try:
            names = sorted(os.listdir(self.directory))
        except OSError:
            return
        for name in names:
            directory = os.path.join(self.directory, name)
            if not name.endswith(_LOCK):
                environment, problem = self._read(name)
                yield Found(name, environment, problem, _used(directory), _size(directory))

    def remove(self, key: str) -> bool:
        """Remove what is under a key; tell whether nobody uses it.

        Raises:
            OSError: it cannot be removed.
        """
        if key.startswith(_REMOVED):
            _delete(os.path.join(self.directory, key))
            return True
        lock = self._lock(key)
        if not lock.try_take():
            return False
        try:
            self._remove(os.path.join(self.directory, key), strict=True)
        finally:
            lock.release(remove=True)
        return True

    def _lock(self, key: str) -> FileLock:
        return FileLock(os.path.join(self.directory, f"{key}{_LOCK}"))

    def _read(self, key: str) -> tuple[Environment | None, str]:
        import json

        directory = os.path.join(self.directory, key)
        if key.startswith(_REMOVED):
            return None, "removed in part"
        try:
            with open(os.path.join(directory, _MANIFEST), encoding="utf-8") as file:
                facts = json.load(file)
            requirements, distributions = list_of_texts(facts["requirements"]), facts["distributions"]
            packages = tuple(f"{each['name']} {each['version']}" for each in distributions)
            missing = [each["name"] for each in distributions if not _has(directory, each["directory"])]
            locked = bool(facts["locked"])
        except FileNotFoundError:
            return None, "half made"
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None, "damaged: its description cannot be read"
        if not os.path.exists(interpreter_of(directory)):
            return None, "damaged: its interpreter is gone"
        if missing:
            return None, f"damaged: it lacks {missing[0]}"
        return Environment(key, directory, requirements, packages, locked), ""

    def _remove(self, directory: str, *, strict: bool = False) -> None:
        """Remove an environment; by another name, so that what is half removed is not taken for it."""
        if not os.path.lexists(directory):
            return
        parent, key = os.path.split(directory)
        away = os.path.join(parent, f"{_REMOVED}{key}-{os.getpid()}-{time.monotonic_ns()}")
        try:
            os.rename(directory, away)
            _delete(away)
        except OSError:
            if strict:
                raise


def _delete(path: str) -> None:
    """Delete whatever is there, and never what a link points to; somebody else may do the same at once.

    Raises:
        OSError: it cannot be deleted.
    """
    while os.path.lexists(path):
        with suppress(FileNotFoundError):
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)


def _write_manifest(directory: str, facts: Mapping[str, Any]) -> None:
    import json

    # Their names: https://packaging.python.org/en/latest/specifications/recording-installed-packages/
    directories = sorted(name for name in os.listdir(packages_of(directory)) if name.endswith(".dist-info"))
    found = []
    for each in directories:
        name, _, version = each.removesuffix(".dist-info").partition("-")
        found.append({"name": name.replace("_", "-"), "version": version, "directory": each})
    path = os.path.join(directory, _MANIFEST)
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump({**facts, "distributions": found}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(f"{path}.new", path)


def _has(directory: str, distribution: str) -> bool:
    return os.path.exists(os.path.join(packages_of(directory), distribution, "METADATA"))


def _used(directory: str) -> float:
    for path in (os.path.join(directory, _MANIFEST), directory):
        try:
            return os.lstat(path).st_mtime
        except OSError:
            continue
    return 0.0


def _size(directory: str) -> int:
    total = 0
    if not os.path.isdir(directory) or os.path.islink(directory):
        return 0
    for parent, _, names in os.walk(directory):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(parent, name)).st_size
    return total


def _unwritable(directory: str, error: OSError) -> RequirementError:
    hint = "make room there, or set STEPENGINE_CACHE_DIR to another directory"
    return RequirementError(f"no environment can be made in {directory}: {error.strerror or error}", hint=hint)

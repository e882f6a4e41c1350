"""The build context: a directory as a tar stream, in bounded memory, without what `.dockerignore` leaves out."""

from __future__ import annotations

import os
import stat
import tarfile
from typing import TYPE_CHECKING, NamedTuple

from stepengine.plugin import StepError
from stepengine_steps._docker.dockerignore import Rules, ignore_file, read_patterns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_CHUNK = 1 << 18
_BLOCK = tarfile.BLOCKSIZE


class Entry(NamedTuple):
    """One member of a build context.

    Attributes:
        name: Its path in the context, with `/`.
        path: Where it is.
        status: What `os.lstat` says of it.
    """

    name: str
    path: str
    status: os.stat_result


def load_rules(directory: str, dockerfile: str = "") -> tuple[Rules, str]:
    """Read the rules for a build context.

    Args:
        directory: The context.
        dockerfile: The Dockerfile's path; empty where it is not a file.

    Returns:
        The rules, and the text that they are from (empty where there is none).

    Raises:
        StepError: the file cannot be read, or has a pattern that is not well formed.
    """
    path = ignore_file(directory, dockerfile)
    if path is None:
        return Rules([]), ""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            text = file.read()
    except OSError as error:
        raise _unreadable(path, error) from error
    return Rules(read_patterns(text), path), text


def walk_context(directory: str, rules: Rules, keep: Sequence[str] = ()) -> Iterator[Entry]:
    """Give a context's members, each directory before what is in it, in the order of their names.

    Symbolic links are members themselves and are never followed. Sockets and devices are left out: no image can hold
    the former, and the latter would be those of this machine.

    Args:
        directory: The context.
        rules: What to leave out.
        keep: Names of files that are members whatever the rules say: the engine reads them itself.

    Raises:
        StepError: a directory that belongs to the context cannot be read.
    """
    forced = {part for name in keep for part in _with_parents(name)}
    pending: list[tuple[str, str, list[bool], bool]] = [("", directory, [], True)]
    while pending:
        name, path, applied, is_open = pending.pop()
        if name:
            try:
                status = os.lstat(path)
            except FileNotFoundError:
                continue  # gone since its directory was listed
            except OSError as error:
                raise _unreadable(path, error) from error
            excluded, applied = rules.match(name, applied)
            if (not excluded or name in forced) and _fits(status):
                yield Entry(name, path, status)
            is_open = stat.S_ISDIR(status.st_mode) and (not excluded or name in forced or rules.may_return(name))
        if is_open:
            pending += _children(name, path, applied)


def _children(name: str, path: str, applied: list[bool]) -> list[tuple[str, str, list[bool], bool]]:
    try:
        names = sorted(os.listdir(path), reverse=True)
    except OSError as error:
        raise _unreadable(path, error) from error
    return [(f"{name}/{child}" if name else child, os.path.join(path, child), applied, False) for child in names]


def _with_parents(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.rpartition("/")[0]


def _fits(status: os.stat_result) -> bool:
    kind = stat.S_IFMT(status.st_mode)
    return kind in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFIFO)


def stream_context(entries: Iterator[Entry], extra: Mapping[str, bytes]) -> Iterator[bytes]:
    """Give a build context as the pieces of a tar file.

    Owners are left out, as Docker's client does, so that the same files build the same layers whoever owns them.

    Args:
        entries: The members.
        extra: Members that are no files, by name; they replace files of the same name.

    Raises:
        StepError: a file cannot be read, or got shorter meanwhile.
    """
    for name, data in extra.items():
        info = tarfile.TarInfo(name)
        info.size = len(data)
        yield _header(info) + data + _padding(len(data))
    for entry in entries:
        if entry.name not in extra:
            yield from _member(entry)
    yield bytes(2 * _BLOCK)


def _member(entry: Entry) -> Iterator[bytes]:
    status = entry.status
    info = tarfile.TarInfo(entry.name)
    info.mode = stat.S_IMODE(status.st_mode) if os.name == "posix" else 0o755
    info.mtime = int(status.st_mtime)
    try:
        if stat.S_ISREG(status.st_mode):
            yield from _regular(entry, info)
            return
        if stat.S_ISLNK(status.st_mode):
            info.type, info.linkname = tarfile.SYMTYPE, os.readlink(entry.path)
        else:
            info.type = tarfile.DIRTYPE if stat.S_ISDIR(status.st_mode) else tarfile.FIFOTYPE
    except OSError as error:
        raise _unreadable(entry.path, error) from error
    yield _header(info)


def _regular(entry: Entry, info: tarfile.TarInfo) -> Iterator[bytes]:
    with open(entry.path, "rb") as file:
        info.size = left = os.fstat(file.fileno()).st_size
        yield _header(info)
        while left:
            chunk = file.read(min(_CHUNK, left))
            if not chunk:
                raise StepError(
                    f"{entry.path} became shorter while it was read", hint="stop what writes to it, or ignore it"
                )
            left -= len(chunk)
            yield chunk
    yield _padding(info.size)


def _header(info: tarfile.TarInfo) -> bytes:
    # GNU's format carries names as the bytes that they are, of any length.
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _padding(size: int) -> bytes:
    return bytes(-size % _BLOCK)


def _unreadable(path: str, error: OSError) -> StepError:
    return StepError(
        f"cannot read {path}: {error.strerror}",
        hint="make it readable, or leave it out of the build with .dockerignore",
    )

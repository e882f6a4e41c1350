"""Copies of local directories."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stepengine.plugin import StepError
from stepengine_steps._paths import is_within

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from stepengine.plugin import Context


def copy_directory(
    source: str,
    target: str,
    context: Context,
    *,
    leave_out: Collection[str] = (),
    is_ignored: Callable[[str, bool], bool] = lambda _path, _is_directory: False,
) -> None:
    """Copy a directory's content, with its permissions and the symbolic links to what is in it.

    Args:
        source: The directory; absolute.
        target: An empty directory.
        context: The run; told of what is left out.
        leave_out: Absolute paths that are not copied: the target's own place.
        is_ignored: Tells of a path relative to `source`, with `/`, and whether it is a directory.

    Raises:
        StepError: `source` is no directory that can be read, or a file cannot be copied.
    """
    root = os.path.realpath(source)
    if not os.path.isdir(root):
        what = "is no directory" if os.path.exists(root) else "does not exist"
        raise StepError(f"{source} {what}", hint="check the path; it is one of the machine that runs the step")

    def copy(relative: str) -> None:
        with os.scandir(os.path.join(root, relative)) as entries:
            for entry in sorted(entries, key=lambda found: found.name):
                copy_entry(entry, f"{relative}/{entry.name}" if relative else entry.name)

    def copy_entry(entry: os.DirEntry[str], relative: str) -> None:
        is_directory = entry.is_dir(follow_symlinks=False)
        if entry.path in leave_out or is_ignored(relative, is_directory):
            return
        path = os.path.join(target, relative)
        if entry.is_symlink():
            link = _inner_link(entry.path, root)
            if link is None:
                context.warn(f"{relative} is left out: it is a symbolic link that leads out of {source}")
            else:
                os.symlink(link, path, target_is_directory=os.path.isdir(entry.path))
        elif is_directory:
            os.mkdir(path)
            copy(relative)
        elif entry.is_file(follow_symlinks=False):
            shutil.copy2(entry.path, path)
        else:
            context.warn(f"{relative} is left out: it is neither a file nor a directory")

    with _copying(source):
        copy("")


def _inner_link(path: str, root: str) -> str | None:
    """Give what a symbolic link's copy has to hold to lead to the copy of the same; None where it leads out of `root`.

    `../source/file` in a directory `source` leads back into it, but the copy's directory is called otherwise.
    """
    place = os.path.realpath(path)
    if not is_within(place, root):
        return None
    link = os.readlink(path)
    parent = position = os.path.dirname(path)
    for part in link.replace(os.altsep or os.sep, os.sep).split(os.sep):
        position = os.path.realpath(os.path.join(position, part))
        if os.path.isabs(link) or not is_within(position, root):
            return os.path.relpath(place, parent)
    return link


@contextmanager
def _copying(source: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = error.filename or source
        hint = "check its permissions and the disk"
        raise StepError(f"cannot copy {what}: {error.strerror or error}", hint=hint) from error

"""The directory that stored files are put into: complete, or as it was before."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stepengine.plugin import StepError
from stepengine_steps._paths import is_within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepengine.plugin import Context


def resolve_target(name: str, context: Context) -> str:
    """Give the absolute path of a directory in the working directory.

    Args:
        name: Its path; from outside, and so perhaps hostile.
        context: The run.

    Raises:
        StepError: it is not in the working directory, or something else is there.
    """
    parts = name.replace("\\", "/").split("/")
    if not name or ".." in parts or "\0" in name or os.path.isabs(name) or os.path.splitdrive(name)[0]:
        raise StepError(
            f"{name!r} is no place for files: it does not lie in the working directory",
            hint="name a bucket or folder without `..`",
        )
    target = os.path.normpath(os.path.join(context.directory, name))
    base = os.path.realpath(context.directory)
    parent = os.path.realpath(os.path.dirname(target))
    if target == os.path.normpath(context.directory) or not is_within(parent, base):
        raise StepError(f"{name} leads out of the working directory", hint="remove the symbolic link that it passes")
    if os.path.islink(target) or (os.path.exists(target) and not os.path.isdir(target)):
        raise StepError(f"{name} is in the way: it is no directory", hint="remove or rename it")
    return target


@contextmanager
def staged(target: str, context: Context, *, replace: bool) -> Iterator[str]:
    """Give an empty directory that takes the place of `target` when all went well, and is removed otherwise.

    Args:
        target: The directory in the end; absolute.
        context: The run.
        replace: Whether what `target` holds goes; else the new files are laid over it.
    """
    name = f".{os.path.basename(target)}.{os.urandom(4).hex()}"
    staging = os.path.join(context.directory, f"{name}.part")
    try:
        with _writing(target, context):
            os.mkdir(staging)
        yield staging
        with _writing(target, context):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if not os.path.exists(target):
                os.rename(staging, target)
            elif replace:
                _swap(staging, target, os.path.join(context.directory, f"{name}.old"))
            else:
                _lay_over(staging, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def _writing(target: str, context: Context) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = os.path.relpath(target, context.directory)
        raise StepError(f"cannot write {where}: {error.strerror}", hint="check its permissions and the disk") from error


def _swap(staging: str, target: str, aside: str) -> None:
    try:
        os.rename(target, aside)
        os.rename(staging, target)
    except BaseException:  # an interruption, too
        if os.path.lexists(aside) and not os.path.lexists(target):
            os.rename(aside, target)
        raise
    shutil.rmtree(aside)


def _lay_over(source: str, target: str) -> None:
    with os.scandir(source) as entries:
        for entry in entries:
            path = os.path.join(target, entry.name)
            if os.path.islink(path):
                os.unlink(path)  # what it points to is not ours to write
            if entry.is_dir(follow_symlinks=False) and os.path.isdir(path):
                _lay_over(entry.path, path)
            else:
                os.replace(entry.path, path)

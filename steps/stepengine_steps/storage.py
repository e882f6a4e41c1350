"""Pull files from where they are stored."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from stepengine.plugin import Context, StepError, step

if TYPE_CHECKING:
    from stepengine_steps._storage.blocks import BlockData


@step(
    outputs=["directory"],
    provides="prefect==3.8.8",
    libraries=["fsspec", "git", "gitdb", "smmap"],
    touches=["files", "network"],
)
def pull_from_remote_storage(url: str, *, context: Context, **settings: Any) -> dict[str, str]:
    """Copy a folder of a remote storage into the working directory.

    All of it is there before anything in the working directory changes. Files of an earlier pull that the storage no
    longer has stay, as does whatever else is in the directory.

    Args:
        url: The folder: `s3://bucket/folder`, or any other URL that fsspec knows.
        context: The run.
        settings: Settings of the fsspec filesystem (`key` and `secret` of S3, say).

    Returns:
        `directory`: the directory with the files, relative to the working directory: host (or bucket) and path.

    Raises:
        StepError: nothing is there, it cannot be reached, or a package that reaches it is not installed.
    """
    from stepengine_steps._storage import remote, target

    remote.hide_secrets(settings, context)
    name = remote.local_name(url, context)
    if not name:
        raise StepError(f"{url} names no bucket or folder", hint="add it to the URL")
    path = target.resolve_target(name, context)
    with target.staged(path, context, replace=False) as staging:
        remote.download(url, settings, staging, context, leave_out=(path,))
    return {"directory": _relative(path, context)}


@step(
    outputs=["directory"],
    provides="prefect==3.8.8",
    libraries=["fsspec", "git", "gitdb", "smmap"],
    touches=["files", "network"],
)
def pull_with_block(block_document_name: str, block_type_slug: str, *, context: Context) -> dict[str, str]:
    """Copy the files that a storage block stands for into the working directory.

    Args:
        block_document_name: The block's name.
        block_type_slug: Its type: `local-file-system`, `remote-file-system`, `smb`, `s3-bucket`, `gcs-bucket`,
            `azure-blob-storage-container`, `github-repository`, `gitlab-repository` or `bitbucket-repository`.
        context: The run.

    Returns:
        `directory`: the directory with the files, named after the type and the name; what it held before is gone.

    Raises:
        StepError: the type is not known, the block's data is incomplete, or the files cannot be had.
    """
    from stepengine_steps._storage import blocks, remote, target

    if block_type_slug not in blocks.known_slugs():
        known = ", ".join(blocks.known_slugs())
        raise StepError(f"blocks of type {block_type_slug} cannot be pulled with", hint=f"use one of: {known}")
    name = f"{block_type_slug}-{block_document_name}"
    if "/" in name or "\\" in name:
        raise StepError(f"{block_document_name!r} is no name of a block", hint="use letters, digits and -")
    content = context.block(block_type_slug, block_document_name)
    data = blocks.BlockData(f"{block_type_slug}/{block_document_name}", content)
    remote.hide_secrets(content, context)
    if block_type_slug in blocks.REPOSITORIES:
        return _clone(data, name, *blocks.REPOSITORIES[block_type_slug], context)
    path = target.resolve_target(name, context)
    with target.staged(path, context, replace=True) as staging:
        if block_type_slug == blocks.LOCAL:
            _copy(data, path, staging, context)
        else:
            url, settings = blocks.REMOTE[block_type_slug](data)
            remote.local_name(url, context)
            remote.download(url, settings, staging, context, leave_out=(path,))
    return {"directory": _relative(path, context)}


def _clone(data: BlockData, name: str, url_key: str, credentials_key: str, context: Context) -> dict[str, str]:
    from stepengine_steps.git import git_clone

    return git_clone(
        data.text(url_key),
        branch=data.get("reference"),
        credentials=data.get(credentials_key),
        clone_directory_name=name,
        context=context,
    )


def _copy(data: BlockData, path: str, staging: str, context: Context) -> None:
    from stepengine_steps._paths import is_within
    from stepengine_steps._storage.ignore import read_ignore_file
    from stepengine_steps._storage.local import copy_directory

    source = os.path.realpath(context.resolve(data.get("basepath") or "."))
    if is_within(source, os.path.realpath(path)):
        raise StepError(f"{source} would be replaced by its own copy", hint="change the block's basepath")
    ignore_file = os.path.join(source, ".prefectignore")
    text = ""
    if os.path.isfile(ignore_file):
        try:
            with open(ignore_file, encoding="utf-8", errors="replace") as file:
                text = file.read()
        except OSError as error:
            raise StepError(f"cannot read {ignore_file}: {error.strerror}", hint="make it readable") from error
    leave_out = (os.path.realpath(path), os.path.realpath(staging))
    copy_directory(source, staging, context, leave_out=leave_out, is_ignored=read_ignore_file(text))


def _relative(path: str, context: Context) -> str:
    return os.path.relpath(path, context.directory)

"""Files of any storage that fsspec reaches."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from stepengine.plugin import StepError, is_secret_name

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from stepengine.plugin import Context

BATCH_FILES = 100
"""How many files are asked for at once: so often progress is shown and an interruption heeded."""

_PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "az": "adlfs",
    "sftp": "paramiko",
    "ssh": "paramiko",
    "smb": "smbprotocol",
    "http": "aiohttp requests",
    "https": "aiohttp requests",
    "github": "requests",
}
_HINTS = (
    (re.compile(r"NoSuchBucket|bucket does not exist", re.IGNORECASE), "check the bucket's name and region"),
    (
        re.compile(r"403|AccessDenied|Forbidden|InvalidAccessKey|SignatureDoesNotMatch|credential", re.IGNORECASE),
        "check the credentials and what they may read",
    ),
    (re.compile(r"unexpected keyword argument"), "check the names of the settings"),
    (re.compile(r"connect|resolve|timed? ?out", re.IGNORECASE), "check the network and the storage's address"),
)


def hide_secrets(settings: Mapping[str, Any], context: Context) -> None:
    """Have the values masked whose names say that they are secrets."""
    for name, value in settings.items():
        if isinstance(value, dict):
            hide_secrets(value, context)
        elif isinstance(value, str) and value and is_secret_name(name):
            context.secret(value)


def local_name(url: str, context: Context) -> str:
    """Give the path in the working directory that Prefect puts a URL's files into: its host (or bucket) and path.

    Passwords are no part of it, and are masked from here on.
    """
    from urllib.parse import unquote, urlsplit

    # Of a chain (zip://*::s3://bucket/file.zip) the last link says where the files are.
    parts = urlsplit(url.rpartition("::")[2])
    host = parts.netloc
    user, at, server = host.rpartition("@")
    if at and ":" in user and parts.scheme != "github":  # there it is owner:repository
        user, _, password = user.partition(":")
        context.secret(password)
        context.secret(unquote(password))
        host = f"{user}@{server}"
    if os.name == "nt":
        host = host.replace(":", "_")
    return "/".join(part for part in (host, *parts.path.split("/")) if part and part != ".")


def shown(url: str) -> str:
    """Give a URL as it may be shown: without a password."""
    return re.sub(r"(?<=://)([^/@:]*):[^/@]*@", r"\1:***@", url)


def download(
    url: str, settings: Mapping[str, Any], target: str, context: Context, *, leave_out: Collection[str] = ()
) -> None:
    """Copy all that is under a URL into an empty directory.

    Args:
        url: The folder.
        settings: Those of the fsspec filesystem.
        target: The directory; absolute.
        context: The run.
        leave_out: Absolute paths that are no part of a folder of this machine.

    Raises:
        StepError: nothing is there, it cannot be reached, or a name leads out of the directory.
    """
    scheme = url.partition("://")[0].partition("::")[0]
    try:
        filesystem, root = _open(url, scheme, settings)
        if type(filesystem).__name__ == "LocalFileSystem":
            from stepengine_steps._storage.local import copy_directory

            own = {os.path.realpath(path) for path in (target, *leave_out)}
            copy_directory(root, target, context, leave_out=own)
        else:
            _fetch(filesystem, root, shown(url), target, context)
    except (StepError, KeyboardInterrupt):
        raise
    except FileNotFoundError as error:
        raise StepError(f"nothing is at {shown(url)}", hint="check the bucket and the folder") from error
    except Exception as error:  # each storage library raises errors of its own
        text = f"{type(error).__name__}: {error}".splitlines()[0]
        hint = next((hint for pattern, hint in _HINTS if pattern.search(f"{text} {error}")), "")
        raise StepError(f"cannot read {shown(url)}: {text}", hint=hint) from error


def _open(url: str, scheme: str, settings: Mapping[str, Any]) -> tuple[Any, str]:
    import logging

    import fsspec
    from fsspec.core import url_to_fs

    for name in ("asyncio", *_PACKAGES.get(scheme, "fsspec").split()):
        # Where nobody listens, Python prints what libraries log (with tracebacks) to standard error.
        logging.getLogger(name).addHandler(logging.NullHandler())
    if "://" not in url:
        raise StepError(f"{url} is no URL of a storage", hint="begin it with its protocol: s3://, gs://, az://")
    try:
        filesystem, root = url_to_fs(url, skip_instance_cache=True, **settings)
    except ImportError as error:
        package = _PACKAGES.get(scheme)
        hint = f"pip install {package}" if package else str(error)
        raise StepError(f"{scheme}:// needs a package that is not installed: {package or error}", hint=hint) from error
    except ValueError as error:
        if scheme in fsspec.available_protocols():
            raise
        import difflib

        close = difflib.get_close_matches(scheme, fsspec.available_protocols(), n=1)
        hint = f"did you mean {close[0]}://?" if close else "use one that fsspec knows: s3, gs, az, sftp, ..."
        raise StepError(f"{scheme}:// is no protocol of a storage", hint=hint) from error
    except TypeError as error:
        raise StepError(f"{scheme}:// cannot be used with these settings: {error}", hint="check their names") from error
    return filesystem, root


def _fetch(filesystem: Any, root: str, url: str, target: str, context: Context) -> None:
    root = root.rstrip("/")
    found = filesystem.find(root, withdirs=True, detail=True)
    if not found and not filesystem.isdir(root):
        raise FileNotFoundError(root)
    if list(found) == [root] and found[root].get("type") != "directory":
        raise StepError(f"{url} is a file", hint="give the URL of the folder that it is in")
    files: list[tuple[str, str, Any]] = []
    for path, info in found.items():
        parts = _parts(path, root, url)
        if not parts:
            continue
        local = os.path.join(target, *parts)
        if info.get("type") == "directory" or path.endswith("/"):
            os.makedirs(local, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(local), exist_ok=True)
            files.append((path, local, info.get("size")))
    for start in range(0, len(files), BATCH_FILES):
        batch = files[start : start + BATCH_FILES]
        filesystem.get([path for path, _, _ in batch], [local for _, local, _ in batch])
        for path, local, size in batch:
            if isinstance(size, int) and os.path.getsize(local) != size:
                raise StepError(f"{path} came incomplete", hint="run again: it may have changed meanwhile")
        context.progress(url, f"{start + len(batch)} of {len(files)} files")


def _parts(path: str, root: str, url: str) -> list[str]:
    """Give the components of a remote path below `root`; what the other side calls a name is not to be trusted."""
    inner = path.removeprefix(f"{root}/") if root else path
    parts = [part for part in inner.split("/") if part not in ("", ".")]
    foreign = root and path.rstrip("/") != root and not path.startswith(f"{root}/")
    unsafe = any(
        part == ".." or "\0" in part or (os.name == "nt" and re.search(r'[\\:*?"<>|]', part)) for part in parts
    )
    if foreign or unsafe:
        raise StepError(
            f"{url} holds a name that leads out of its folder: {path!r}",
            hint="remove it from the storage; nothing was written",
        )
    return [] if path.rstrip("/") == root else parts

"""Pure-Python wheels written by hand: no build backend, no network, the same bytes every time."""

from __future__ import annotations

import base64
import hashlib
import re
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a ZIP archive can state."""

FILE_MODE = 0o100644 << 16
PROGRAM_MODE = 0o100755 << 16


def normalize(name: str) -> str:
    """Give a project's name as the simple API spells it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def make_wheel(
    directory: Path,
    name: str,
    version: str,
    files: Mapping[str, str | bytes] | None = None,
    *,
    requires: Sequence[str] = (),
    extras: Mapping[str, Sequence[str]] | None = None,
    entry_points: str = "",
    requires_python: str = "",
    scripts: Mapping[str, str | bytes] | None = None,
) -> Path:
    r"""Write a wheel ("Binary distribution format" of the PyPA specifications).

    Args:
        directory: Where it goes; made if it is missing.
        name: The project's name, in any spelling.
        version: Its version.
        files: What it installs, by paths with `/`; by default a package of its name with a `__version__`.
        requires: What it requires, each as in `Requires-Dist`, written as it is.
        extras: What each extra requires besides.
        entry_points: The text of its entry_points.txt: `[console_scripts]\nnoise = noise:main\n`.
        requires_python: The versions of Python that it is for: `>=3.10`.
        scripts: Programs that go beside the interpreter; a first line `#!python` is for the installer to replace.

    Returns:
        The wheel; one that was there is replaced.
    """
    stem = f"{normalize(name).replace('-', '_')}-{version.replace('-', '_')}"
    if files is None:
        files = {f"{normalize(name).replace('-', '_')}/__init__.py": f'__version__ = "{version}"\n'}
    programs = {f"{stem}.data/scripts/{script}": text for script, text in (scripts or {}).items()}
    info = {
        "METADATA": _metadata(name, version, requires, extras or {}, requires_python),
        "WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "entry_points.txt": entry_points,
    }
    contents = {**files, **programs, **{f"{stem}.dist-info/{file}": text for file, text in info.items() if text}}
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{stem}-py3-none-any.whl"
    # Stored, not deflated: what zlib makes of a text depends on its version.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        record = ""
        for file, text in contents.items():
            data = text.encode() if isinstance(text, str) else text
            _write(archive, file, data, PROGRAM_MODE if file in programs else FILE_MODE)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record += f"{file},sha256={digest},{len(data)}\n"
        own = f"{stem}.dist-info/RECORD"
        _write(archive, own, f"{record}{own},,\n".encode(), FILE_MODE)
    return path


def read_metadata(wheel: Path) -> bytes | None:
    """Give the METADATA of a wheel; None where it is no archive or has none."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for file in archive.namelist():
                if re.fullmatch(r"[^/]+\.dist-info/METADATA", file):
                    return archive.read(file)
    except zipfile.BadZipFile:
        pass
    return None


def _metadata(
    name: str, version: str, requires: Sequence[str], extras: Mapping[str, Sequence[str]], requires_python: str
) -> str:
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    if requires_python:
        lines.append(f"Requires-Python: {requires_python}")
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    for extra, requirements in extras.items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [f"Requires-Dist: {_for_extra(requirement, extra)}" for requirement in requirements]
    return "".join(f"{line}\n" for line in lines)


def _for_extra(requirement: str, extra: str) -> str:
    needed, _, marker = requirement.partition(";")
    condition = f'extra == "{extra}"'
    return f"{needed.strip()} ; ({marker.strip()}) and {condition}" if marker else f"{needed.strip()} ; {condition}"


def _write(archive: zipfile.ZipFile, file: str, data: bytes, mode: int) -> None:
    entry = zipfile.ZipInfo(file, EARLIEST)
    entry.create_system = 3  # Unix on every platform: without it the mode means nothing
    entry.external_attr = mode
    archive.writestr(entry, data)

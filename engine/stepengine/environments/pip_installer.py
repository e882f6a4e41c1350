"""pip and venv, where there is no uv: https://pip.pypa.io/en/stable/cli/pip_install/."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

from stepengine.environments.installing import InstallError, temporary_file, with_defaults
from stepengine.environments.layout import interpreter_of
from stepengine.environments.lock_file import LockedPackage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepengine.environments.installing import InstallerProcess

_DEFAULTS = {"PIP_DEFAULT_TIMEOUT": "20", "PIP_RETRIES": "2"}
_OWN = {
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
    "PIP_PROGRESS_BAR": "off",
    "PIP_USER": "0",
    "PIP_REQUIRE_VIRTUALENV": "0",
}
_SINCE = (22, 3)
"""pip's first version that has `--python`: https://pip.pypa.io/en/stable/news/#v22-3."""

_ENGINE = "stepengine"
_NEITHER = "there is neither uv nor pip"


class PipInstaller:
    """Makes environments with venv, and installs with pip: this interpreter's, or else Python's own.

    Args:
        process: Runs it.
        offline: Whether it may use no index.
    """

    name = "pip"

    def __init__(self, process: InstallerProcess, *, offline: bool) -> None:
        self._process = process
        self._options = ["--no-index"] if offline else []
        self._variables = with_defaults(_OWN, process.environ, _DEFAULTS)

    def make(self, directory: str, lines: Sequence[str], *, hashed: bool, keep: Sequence[int]) -> None:
        """Make an environment; see `Installer.make`."""
        has_pip = _has_pip()
        _make_venv(directory, with_pip=not has_pip)
        python = interpreter_of(directory)
        command = [sys.executable, "-m", "pip", "--python", python] if has_pip else [python, "-m", "pip"]
        options = ["--require-hashes", "--no-deps"] if hashed else []
        self._run([*command, "install"], lines, options, hashed=hashed, keep=keep)

    def _run(
        self,
        command: Sequence[str],
        lines: Sequence[str],
        options: Sequence[str],
        *,
        hashed: bool = False,
        keep: Sequence[int] = (),
    ) -> None:
        """Run pip with a requirements file: it may hold credentials, so nobody else can read it, and it goes again."""
        self._process.hide("\n".join(lines))
        with tempfile.TemporaryDirectory(prefix="stepengine-") as scratch:
            path = temporary_file(scratch, "requirements.txt", lines)
            log = os.path.join(scratch, "log")
            variables = self._variables
            if hashed:  # constraints have no hashes, and a lock was made by them
                variables = {**variables, "PIP_CONSTRAINT": temporary_file(scratch, "no-constraints.txt", [])}
            else:
                _write_stand_in(scratch)
                options = [*options, "--find-links", scratch]
            given = ["--requirement", path, "--log", log]
            self._process.run(
                [*command, *given, *options, *self._options], scratch, variables, hashed=hashed, keep=keep, log=log
            )

    def resolve(self, requirements: Sequence[str]) -> tuple[LockedPackage, ...]:
        """Find out what meets requirements, on this platform; see `Installer.resolve`.

        The report: https://pip.pypa.io/en/stable/reference/installation-report/.
        """
        import json

        if not _has_pip():
            raise InstallError(_NEITHER, hint="install uv: https://docs.astral.sh/uv/getting-started/installation/")
        with tempfile.TemporaryDirectory(prefix="stepengine-") as scratch:
            report = os.path.join(scratch, "report.json")
            command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed"]
            self._run(command, requirements, ["--report", report])
            with open(report, encoding="utf-8") as file:
                document = json.load(file)
        found = (each for each in document["install"] if each["metadata"]["name"] != _ENGINE)
        return tuple(_read_install(each) for each in found)


def _write_stand_in(directory: str) -> None:
    """Write a wheel of the engine's name that holds nothing: the engine goes into the environment by itself.

    The form: https://packaging.python.org/en/latest/specifications/binary-distribution-format/.
    """
    import zipfile

    from stepengine import __version__

    info = f"{_ENGINE}-{__version__}.dist-info"
    files = {
        "METADATA": f"Metadata-Version: 2.1\nName: {_ENGINE}\nVersion: {__version__}\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: stepengine\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": f"{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n",
    }
    with zipfile.ZipFile(os.path.join(directory, f"{_ENGINE}-{__version__}-py3-none-any.whl"), "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{info}/{name}", text)


def _read_install(document: dict[str, Any]) -> LockedPackage:
    metadata, download = document["metadata"], document["download_info"]
    name, version = metadata["name"], metadata["version"]
    hashes = (download.get("archive_info") or {}).get("hashes") or {}
    if not hashes:
        message = f"{name} {version} has no hash: a lock cannot tell that it is the same next time"
        raise InstallError(message, hint="require a release of it, or the address of an archive")
    requirement = f"{name} @ {download['url']}" if document.get("is_direct") else f"{name}=={version}"
    return LockedPackage(requirement, tuple(sorted(f"{kind}:{digest}" for kind, digest in hashes.items())))


def _has_pip() -> bool:
    """Whether this interpreter has a pip that can install into another environment."""
    from importlib_metadata import PackageNotFoundError, version

    try:
        major, minor = version("pip").split(".")[:2]
        return (int(major), int(minor)) >= _SINCE
    except (PackageNotFoundError, ValueError):
        return False


def _make_venv(directory: str, *, with_pip: bool) -> None:
    import venv

    try:
        venv.EnvBuilder(symlinks=os.name != "nt", with_pip=with_pip).create(directory)
    except subprocess.CalledProcessError as error:  # Debian parts ensurepip from Python
        hint = "install uv: https://docs.astral.sh/uv/getting-started/installation/"
        raise InstallError(_NEITHER, hint=hint) from error

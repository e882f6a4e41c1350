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
        path = temporary_file(directory, "stepengine-requirements.txt", lines)
        options = ["--require-hashes", "--no-deps"] if hashed else []
        self._process.run(
            [*command, "install", "--requirement", path, *options, *self._options],
            os.path.dirname(directory),
            {**self._variables, "PIP_CONSTRAINT": ""} if hashed else self._variables,
            keep=keep,
        )

    def resolve(self, requirements: Sequence[str], directory: str) -> tuple[LockedPackage, ...]:
        """Find out what meets requirements, on this platform; see `Installer.resolve`.

        The report: https://pip.pypa.io/en/stable/reference/installation-report/.
        """
        import json

        if not _has_pip():
            raise InstallError(_NEITHER, hint="install uv: https://docs.astral.sh/uv/getting-started/installation/")
        with tempfile.TemporaryDirectory(dir=directory) as scratch:
            path = temporary_file(scratch, "requirements.txt", requirements)
            report = os.path.join(scratch, "report.json")
            command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"]
            self._process.run(
                [*command, "--report", report, "--requirement", path, *self._options], scratch, self._variables
            )
            with open(report, encoding="utf-8") as file:
                document = json.load(file)
        return tuple(_read_install(each) for each in document["install"])


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
    import importlib.util

    return importlib.util.find_spec("pip") is not None


def _make_venv(directory: str, *, with_pip: bool) -> None:
    import venv

    try:
        venv.EnvBuilder(symlinks=os.name != "nt", with_pip=with_pip).create(directory)
    except subprocess.CalledProcessError as error:  # Debian parts ensurepip from Python
        hint = "install uv: https://docs.astral.sh/uv/getting-started/installation/"
        raise InstallError(_NEITHER, hint=hint) from error

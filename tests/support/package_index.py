"""A package index on loopback that real uv and real pip install from, with faults on demand, as a pytest plugin.

From a test:

    package_index.add("noise", "1.0", requires=["tone>=2"])
    package_index.fail(500, "tone")
    subprocess.run([..., "-m", "pip", "install", "noise"], env=package_index.environ())
"""

from __future__ import annotations

import hashlib
import math
import os
import threading
from dataclasses import dataclass
from email.parser import BytesParser
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import pytest

from support.package_index_server import IndexServer, Listed, Request
from support.wheels import make_wheel, normalize, read_metadata

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

    Fault = int | Literal["hang", "cut", "tamper"]
    Part = Literal["page", "metadata", "wheel"]


@dataclass
class _Fault:
    kind: Fault
    project: str | None
    part: Part | None
    left: float


class PackageIndex:
    """An index that lists the wheels that were added to it, and nothing else.

    Args:
        directory: Where the wheels and the installers' caches are.

    Attributes:
        requests: All that came in, in order.
        speaks_json: Whether pages are given as JSON (PEP 691) to those who prefer it; else always as HTML (PEP 503).
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.requests: list[Request] = []
        self.speaks_json = True
        self._listed: dict[str, Listed] = {}
        self._faults: list[_Fault] = []
        self._logins: dict[str | None, str] = {}
        self._lock = threading.Lock()
        self._server = IndexServer(self)

    def __enter__(self) -> PackageIndex:  # noqa: PYI034 - Self is not in Python 3.10
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop, and break the connections that are open; an index that is closed refuses connections."""
        self._server.stop()

    @property
    def url(self) -> str:
        """The index's URL, for `UV_DEFAULT_INDEX` and `PIP_INDEX_URL`."""
        return f"{self._server.origin}/simple/"

    def url_for(self, login: str) -> str:
        """The index's URL with a `user:password` in it."""
        userinfo = ":".join(quote(part, safe="") for part in login.split(":", 1))
        return self.url.replace("://", f"://{userinfo}@", 1)

    def add(
        self,
        name: str,
        version: str,
        files: Mapping[str, str | bytes] | None = None,
        *,
        yanked: bool | str = False,
        **wheel: Any,
    ) -> Listed:
        """Make a wheel and list it, in place of one that has the same name and version.

        Args:
            name: The project's name.
            version: Its version.
            files: What it installs; by default a package of its name.
            yanked: Whether it is withdrawn, or the reason.
            wheel: The rest of what `make_wheel` takes.
        """
        return self.add_wheel(make_wheel(self.directory / "wheels", name, version, files, **wheel), yanked=yanked)

    def add_wheel(self, path: Path, *, yanked: bool | str = False) -> Listed:
        """List a wheel that is there, be it sound or not."""
        data, metadata = path.read_bytes(), read_metadata(path)
        requires_python = BytesParser().parsebytes(metadata or b"").get("Requires-Python", "")
        name, version = path.name.split("-")[:2]
        digest = hashlib.sha256(data).hexdigest()
        listed = Listed(normalize(name), version, path.name, data, digest, metadata, requires_python, yanked)
        self._listed[path.name] = listed
        return listed

    def require_login(self, login: str, project: str | None = None) -> None:
        """Let in only those who give `user:password`: to the whole index, or to one project."""
        self._logins[project and normalize(project)] = login

    def fail(
        self, fault: Fault, project: str | None = None, *, part: Part | None = None, times: int | None = None
    ) -> None:
        """Have requests fail from now on.

        Args:
            fault: An HTTP status; `hang`, which never answers; `cut`, which drops the connection in the middle of a
                wheel; `tamper`, which gives a wheel that is not the one whose hash is listed.
            project: Only what is asked of this project; everything where it is None.
            part: Only its page, the metadata files or the wheels; all of them where it is None.
            times: How many requests fail; all where it is None.
        """
        if fault in {"cut", "tamper"}:
            part = "wheel"
        with self._lock:
            left = math.inf if times is None else times
            self._faults.append(_Fault(fault, project and normalize(project), part, left))

    def mend(self) -> None:
        """Have nothing fail any more."""
        with self._lock:
            self._faults.clear()

    @property
    def downloads(self) -> list[str]:
        """The names of the wheels that were asked for and given, in order."""
        return [
            each.path.rpartition("/")[2]
            for each in self.requests
            if each.method == "GET" and each.status == 200 and each.path.endswith(".whl")
        ]

    def environ(
        self,
        base: Mapping[str, str] | None = None,
        *,
        login: str | None = None,
        timeout_seconds: int | None = None,
    ) -> dict[str, str]:
        """Give an environment in which uv and pip use this index alone, and no configuration of the machine.

        Args:
            base: The environment that it is made from; this process's where it is None.
            login: The `user:password` that goes into the index's URL.
            timeout_seconds: How long both wait for an answer, without trying again; as they please where it is None.
        """
        dropped = ("UV_", "PIP_", "NETRC")
        environ = {
            name: value
            for name, value in (os.environ if base is None else base).items()
            if not name.upper().startswith(dropped) and not name.upper().endswith("_PROXY")
        }
        url = self.url_for(login) if login else self.url
        environ |= {
            "NETRC": os.devnull,  # both take credentials from ~/.netrc
            "NO_PROXY": "127.0.0.1",  # Windows and macOS have proxies beside the environment's
            "PIP_CACHE_DIR": str(self.directory / "pip-cache"),
            "PIP_CONFIG_FILE": os.devnull,  # with this one name pip reads none of its files
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_INDEX_URL": url,
            "PIP_KEYRING_PROVIDER": "disabled",
            "PIP_NO_INPUT": "1",
            "UV_CACHE_DIR": str(self.directory / "uv-cache"),
            "UV_CREDENTIALS_DIR": str(self.directory / "uv-credentials"),
            "UV_DEFAULT_INDEX": url,
            "UV_KEYRING_PROVIDER": "disabled",
            "UV_NO_CONFIG": "1",
            "UV_PYTHON_DOWNLOADS": "never",
        }
        if timeout_seconds is not None:
            environ |= dict.fromkeys(("PIP_DEFAULT_TIMEOUT", "UV_HTTP_TIMEOUT"), str(timeout_seconds))
            environ |= dict.fromkeys(("PIP_RETRIES", "PIP_RESUME_RETRIES", "UV_HTTP_RETRIES"), "0")
        return environ

    def listed(self, project: str | None = None) -> list[Listed]:
        """Give the wheels of the index or of a project, in the order of their files' names."""
        return [each for _, each in sorted(self._listed.items()) if project in {None, each.project}]

    def find(self, file: str) -> Listed | None:
        """Give the wheel of a file's name."""
        return self._listed.get(file)

    def admits(self, login: str | None, project: str) -> bool:
        """Tell whether a request gave what its project or the index requires."""
        required = self._logins.get(project, self._logins.get(None))
        return required in {None, login}

    def next_fault(self, project: str, part: Part) -> Fault | None:
        """Take the fault for the request at hand."""
        with self._lock:
            for fault in self._faults:
                if fault.left and fault.project in {None, project} and fault.part in {None, part}:
                    fault.left -= 1
                    return fault.kind
        return None


@pytest.fixture
def package_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PackageIndex]:
    """An index, empty so far."""
    with PackageIndex(tmp_path_factory.mktemp("package-index")) as running:
        yield running

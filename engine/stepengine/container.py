"""A worker in a container of the pipeline's image, with stepengine carried in.

The image needs Python 3.10 and nothing else. What is carried stands in `/.stepengine` of the container, never of the
image, and nothing that is secret is part of the container's configuration.
"""

from __future__ import annotations

import io
import os
import tarfile
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from stepengine.errors import StepError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

HOME = "/.stepengine"
ENGINE = f"{HOME}/engine"
LIBRARIES = f"{HOME}/libraries"

_START = (
    "import sys; v = sys.version_info\n"
    "if v < (3, 10): sys.exit('Python %d.%d is too old: stepengine needs 3.10 or later' % v[:2])\n"
    f"sys.path.insert(0, {ENGINE!r}); sys.path.append({LIBRARIES!r})\n"
    "from stepengine.worker import main; main()"
)

_LIBRARIES_OF = {
    "stepengine_steps.git": ("git", "gitdb", "smmap"),
    "stepengine_steps.storage": ("fsspec", "git", "gitdb", "smmap"),
}
"""What the built-in pull steps import beyond the standard library; all of it is pure Python."""

_HEADER = 8
_STDOUT = 1


def connect(environ: Mapping[str, str]) -> Any | None:
    """Connect to the Docker Engine.

    Args:
        environ: Where `DOCKER_HOST` and its kin are looked for.

    Returns:
        A client of the docker SDK; None where there is no engine.
    """
    host = environ.get("DOCKER_HOST", "")
    if not host and os.name == "posix" and not os.path.exists("/var/run/docker.sock"):
        return None  # the SDK costs 94 ms to say so
    import docker

    try:
        client = docker.from_env(environment=dict(environ), timeout=600)
        client.ping()
    except docker.errors.DockerException:
        return None
    return client


def ensure_image(client: Any, image: str, report: Callable[[str], None]) -> None:
    """Have an image on the engine: as it is there, or else pulled.

    Raises:
        StepError: it is neither there nor to be pulled.
    """
    import docker

    try:
        client.images.get(image)
        return
    except docker.errors.ImageNotFound:
        report(f"pulling {image}")
    try:
        client.images.pull(image)
    except docker.errors.DockerException as error:
        reason = getattr(error, "explanation", None) or str(error)
        hint = "build or pull it, or rehearse elsewhere: --pull-in here, --pull-in skip"
        raise StepError(f"the image {image} cannot be pulled: {reason}", hint=hint) from error


class ContainerTransport:
    """A container whose main process is a worker.

    Args:
        client: The docker SDK's client.
        image: The image; it is on the engine.
        targets: The steps' functions, as `module:attribute`: what they need is carried in.

    Raises:
        StepError: the container cannot be made or started.
    """

    def __init__(self, client: Any, image: str, targets: Iterable[str]) -> None:
        import docker

        self._image = image
        self._errors = bytearray()
        self._lines = bytearray()
        self._container: Any = None
        try:
            self._container = client.containers.create(
                image,
                entrypoint=["python3", "-c", _START],
                command=[],
                stdin_open=True,
                labels={"org.stepengine.purpose": "pull-rehearsal"},
            )
            self._container.put_archive("/", _archive(targets))
            self._socket = _attach(client, self._container.id)
            self._container.start()
        except docker.errors.DockerException as error:
            self.end()
            raise self._not_started(getattr(error, "explanation", None) or str(error)) from error
        except BaseException:
            self.end()
            raise

    def _not_started(self, reason: str) -> StepError:
        if "python3" in reason:
            hint = "put Python 3.10 or later into the image, or rehearse elsewhere: --pull-in here, --pull-in skip"
            return StepError(f"the image {self._image} has no python3: pull steps cannot run in it", hint=hint)
        return StepError(f"no container of {self._image} can be started: {' '.join(reason.split())}")

    def send(self, data: bytes) -> None:
        """Write to the worker's standard input."""
        self._socket.sendall(data)

    def receive(self) -> bytes:
        """Read a line of the worker's standard output; its standard error is kept for `end`.

        The engine multiplexes both into frames: https://docs.docker.com/reference/api/engine/ (ContainerAttach).
        """
        while b"\n" not in self._lines:
            header = self._read(_HEADER)
            if len(header) < _HEADER:
                return bytes(self._lines)
            payload = self._read(int.from_bytes(header[4:], "big"))
            if header[0] == _STDOUT:
                self._lines += payload
            else:
                self._errors += payload
        line, _, rest = bytes(self._lines).partition(b"\n")
        self._lines = bytearray(rest)
        return line + b"\n"

    def _read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            chunk = self._socket.recv(size - len(data))
            if not chunk:
                break
            data += chunk
        return bytes(data)

    def end(self) -> str:
        """Remove the container; say how it ended where it had ended by itself."""
        container, self._container = self._container, None
        if container is None:
            return ""
        import docker

        said = self._errors[-4000:].decode("utf-8", "replace").strip()
        try:
            container.reload()
            state = container.attrs["State"]
            ended = f"exit status {state['ExitCode']}" if state["Status"] == "exited" else ""
            if state.get("OOMKilled"):
                ended += ", out of memory"
        except docker.errors.DockerException:
            ended = ""
        with suppress(docker.errors.DockerException):  # already gone, or the engine is
            container.remove(force=True, v=True)
        return "\n".join(filter(None, [ended, said]))


def _attach(client: Any, container_id: str) -> Any:
    parameters = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
    found = client.api.attach_socket(container_id, params=parameters)
    return getattr(found, "_sock", found)  # on POSIX the SDK hands out a file over the socket that can be written to


def _archive(targets: Iterable[str]) -> bytes:
    """Make a tar archive of what is carried in."""
    import importlib.util

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        _add_package(archive, "stepengine", ENGINE)
        for package in {target.partition(".")[0] for target in targets if target.startswith("stepengine_")}:
            _add_package(archive, package.partition(":")[0], ENGINE)
        libraries = {name for target in targets for name in _LIBRARIES_OF.get(target.partition(":")[0], ())}
        for name in sorted(libraries):
            if importlib.util.find_spec(name) is not None:
                _add_package(archive, name, LIBRARIES)
    return buffer.getvalue()


def _add_package(archive: tarfile.TarFile, package: str, under: str) -> None:
    import importlib.util

    spec = importlib.util.find_spec(package)
    locations = spec.submodule_search_locations if spec is not None else None
    if not locations:
        raise StepError(f"the package {package} cannot be carried into a container: it is no directory")

    def readable(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        name = os.path.basename(member.name)
        if name == "__pycache__" or "/tests/" in member.name:
            return None
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mode = 0o755 if member.isdir() else 0o644  # the image's user need not be root
        return member

    archive.add(os.path.realpath(next(iter(locations))), f"{under.lstrip('/')}/{package}", filter=readable)

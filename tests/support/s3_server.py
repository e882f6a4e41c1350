"""moto's S3 server on loopback, in an environment of its own, as a pytest plugin."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUIREMENT = "moto[server]==5.*"
_STARTED_SECONDS = 60


_READ = """
import sys, boto3
client = boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1")
sys.stdout.buffer.write(client.get_object(Bucket=sys.argv[2], Key=sys.argv[3])["Body"].read())
"""


class Bucket(NamedTuple):
    """A bucket of the server.

    Attributes:
        endpoint: The server's address.
        name: The bucket's.
    """

    endpoint: str
    name: str

    def read(self, key: str) -> bytes:
        """Give what is under a key."""
        keys = {"AWS_ACCESS_KEY_ID": "reader", "AWS_SECRET_ACCESS_KEY": "reader"}
        command = [_python(), "-c", _READ, self.endpoint, self.name, key]
        done = subprocess.run(command, env={**os.environ, **keys}, capture_output=True, check=True, timeout=60)
        return done.stdout


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an S3 server; a person without moto skips these tests, CI installs it."""
    python = _python()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("moto") / "log"
    with log.open("wb") as file:
        server = subprocess.Popen(
            [python, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)], stdout=file, stderr=file
        )
    try:
        deadline = time.monotonic() + _STARTED_SECONDS
        while not _answers(port):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _python() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    root = cache / "stepengine-peers" / f"moto-5-py{sys.version_info[1]}"
    python = root / "bin" / "python"
    if not (root / "complete").exists():
        if os.environ.get("CI") != "true":
            pytest.skip("no S3 server; set CI=true to have moto installed into the cache")
        subprocess.run([sys.executable, "-m", "venv", "--clear", root], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", REQUIREMENT], check=True, timeout=900)
        (root / "complete").touch()
    return python


@pytest.fixture
def bucket(s3_endpoint: str, request: pytest.FixtureRequest) -> Bucket:
    """A fresh bucket."""
    name = f"bucket-{abs(hash(request.node.nodeid)) % 10**8}"
    urllib.request.urlopen(urllib.request.Request(f"{s3_endpoint}/{name}", method="PUT"), timeout=10).close()
    return Bucket(s3_endpoint, name)

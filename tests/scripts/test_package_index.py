"""The tests' own package index: real uv and real pip install from it, and meet its faults."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import zipfile
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from support.package_index import PackageIndex
from support.wheels import make_wheel

if TYPE_CHECKING:
    from pathlib import Path

UV = shutil.which("uv", path=os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)]))
JSON_TYPE = "application/vnd.pypi.simple.v1+json"
BOUND_SECONDS = 15
"""Far more than any of these takes, and far less than an installer's own patience."""


class Installed(NamedTuple):
    """How an installer went."""

    code: int
    output: str
    files: list[str]


class Installer:
    """Installs into directories of its own, without an environment.

    Args:
        kind: uv or pip.
        index: What it installs from.
        directory: Where the directories go.
    """

    def __init__(self, kind: str, index: PackageIndex, directory: Path) -> None:
        self.kind = kind
        self.index = index
        self.directory = directory
        self.count = 0

    def __call__(self, *arguments: str, environ: dict[str, str] | None = None) -> Installed:
        self.count += 1
        target = self.directory / f"target-{self.count}"
        if self.kind == "uv":
            command = [str(UV), "pip", "install", "--python", sys.executable]
        else:
            command = [sys.executable, "-m", "pip", "install", "--no-compile"]
        done = subprocess.run(
            [*command, "--target", str(target), *arguments],
            env=self.index.environ(timeout_seconds=2) if environ is None else environ,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BOUND_SECONDS,
            check=False,
        )
        files = sorted(path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file())
        files = [file for file in files if file != ".lock"]  # uv leaves it
        return Installed(done.returncode, done.stdout + done.stderr, files)

    def succeed(self, *arguments: str, environ: dict[str, str] | None = None) -> list[str]:
        """Install, and give the names and versions of what is there."""
        installed = self(*arguments, environ=environ)
        assert installed.code == 0, installed.output
        suffix = ".dist-info/METADATA"
        return [file.removesuffix(suffix) for file in installed.files if file.endswith(suffix)]

    def fail(self, *arguments: str, environ: dict[str, str] | None = None) -> str:
        """Fail to install, and give what was said."""
        installed = self(*arguments, environ=environ)
        assert installed.code != 0
        assert installed.files == []
        return installed.output


@pytest.fixture
def wheelhouse(package_index: PackageIndex) -> PackageIndex:
    """An index whose `noise` needs `tone`, and `hum` with its extra."""
    package_index.add("noise", "1.0", requires=["tone>=2"], extras={"low": ['hum; python_version >= "3"']})
    package_index.add("tone", "1.0")
    package_index.add("tone", "2.0")
    package_index.add("hum", "0.1")
    return package_index


@pytest.fixture(params=["uv", "pip"])
def install(request: pytest.FixtureRequest, package_index: PackageIndex, tmp_path: Path) -> Installer:
    if request.param == "uv" and not UV:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("uv is not installed")
    return Installer(request.param, package_index, tmp_path)


def read(url: str, accept: str = "*/*") -> tuple[str, bytes]:
    """Give an answer's type and body; an error's body is its status."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept}), timeout=5) as answer:
            return answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return "", str(error.code).encode()


def page(index: PackageIndex, project: str) -> Any:
    return json.loads(read(f"{index.url}{project}/", JSON_TYPE)[1])


def test_dependencies_and_extras_resolve(install: Installer, wheelhouse: PackageIndex) -> None:
    assert install.succeed("noise[low]") == ["hum-0.1", "noise-1.0", "tone-2.0"]
    assert sorted(wheelhouse.downloads) == [
        "hum-0.1-py3-none-any.whl",
        "noise-1.0-py3-none-any.whl",
        "tone-2.0-py3-none-any.whl",
    ]
    assert "/files/tone-2.0-py3-none-any.whl.metadata" in {request.path for request in wheelhouse.requests}


def test_the_pages_for_browsers_do_as_well(install: Installer, wheelhouse: PackageIndex) -> None:
    wheelhouse.speaks_json = False
    wheelhouse.add("tone", "2.1", yanked="it is <flat>")
    wheelhouse.add("tone", "2.2", requires_python=">=4")
    assert install.succeed("noise") == ["noise-1.0", "tone-2.0"]
    assert "/files/tone-2.0-py3-none-any.whl.metadata" in {request.path for request in wheelhouse.requests}


def test_versions_that_are_yanked_or_for_another_python_are_passed_over(
    install: Installer, wheelhouse: PackageIndex
) -> None:
    wheelhouse.add("tone", "2.1", yanked="it is flat")
    wheelhouse.add("tone", "2.2", requires_python=">=4")
    assert install.succeed("tone") == ["tone-2.0"]
    installed = install("tone==2.1")
    assert installed.code == 0
    assert "it is flat" in installed.output
    install.fail("tone==2.2")


def test_what_is_not_there_is_an_error(install: Installer, wheelhouse: PackageIndex) -> None:
    assert "no-such-thing" in install.fail("no-such-thing")
    assert "tone" in install.fail("tone==9")


def test_nothing_of_the_machines_configuration_counts(
    install: Installer, wheelhouse: PackageIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    make_wheel(elsewhere, "tone", "9.0")
    (tmp_path / "constraints.txt").write_text("tone<2\n")
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "pip.conf").write_text(
        f"[global]\nfind-links = {elsewhere}\nconstraint = {tmp_path}/constraints.txt\n"
    )
    (tmp_path / "uv.toml").write_text(f"[pip]\nfind-links = ['{elsewhere}']\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS"):
        monkeypatch.setenv(name, str(elsewhere))
    for name in ("PIP_CONSTRAINT", "UV_CONSTRAINT"):
        monkeypatch.setenv(name, str(tmp_path / "constraints.txt"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "PIP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert install.succeed("tone") == ["tone-2.0"]


def test_a_login_is_asked_for(install: Installer, wheelhouse: PackageIndex) -> None:
    wheelhouse.require_login("ada:p@ss/word", "tone")
    assert install.succeed("hum") == ["hum-0.1"]
    install.fail("tone")
    install.fail("tone", environ=wheelhouse.environ(login="ada:wrong", timeout_seconds=2))
    assert wheelhouse.downloads == ["hum-0.1-py3-none-any.whl"]
    assert install.succeed("tone", environ=wheelhouse.environ(login="ada:p@ss/word", timeout_seconds=2)) == ["tone-2.0"]
    assert wheelhouse.requests[-1] == (
        "GET",
        "/files/tone-2.0-py3-none-any.whl",
        "ada:p@ss/word",
        200,
    )


@pytest.mark.parametrize("part", ["page", "wheel"])
def test_an_index_that_answers_500(install: Installer, wheelhouse: PackageIndex, part: Any) -> None:
    wheelhouse.fail(500, "tone", part=part)
    said = install.fail("tone")
    # pip takes a page that it cannot read for an empty one.
    assert "500" in said or (install.kind == "pip" and part == "page")
    assert install.succeed("hum") == ["hum-0.1"]
    wheelhouse.mend()
    assert install.succeed("tone") == ["tone-2.0"]


def test_an_index_that_answers_500_once_is_asked_again(install: Installer, wheelhouse: PackageIndex) -> None:
    wheelhouse.fail(500, times=1)
    assert install.succeed("tone", environ=wheelhouse.environ()) == ["tone-2.0"]
    assert [request.status for request in wheelhouse.requests[:2]] == [500, 200]


def test_an_index_that_hangs(install: Installer, wheelhouse: PackageIndex) -> None:
    wheelhouse.fail("hang")
    install.fail("tone", environ=wheelhouse.environ(timeout_seconds=1))
    assert wheelhouse.requests[0].status == 0


def test_a_connection_that_breaks_in_the_middle_of_a_wheel(install: Installer, wheelhouse: PackageIndex) -> None:
    wheelhouse.fail("cut", "tone")
    install.fail("tone")
    assert "tone-2.0-py3-none-any.whl" in wheelhouse.downloads


def test_a_wheel_that_is_not_the_one_that_is_listed(install: Installer, package_index: PackageIndex) -> None:
    tone = package_index.add("tone", "2.0")
    package_index.fail("tamper", "tone")
    assert hashlib.sha256(tone.tampered).hexdigest() in install.fail("tone")


def test_a_wheel_that_is_not_the_one_that_was_locked(
    install: Installer, package_index: PackageIndex, tmp_path: Path
) -> None:
    locked = package_index.add("tone", "2.0")
    (tmp_path / "requirements.txt").write_text(f"tone==2.0 --hash=sha256:{locked.sha256}\n")
    assert install.succeed("-r", "requirements.txt") == ["tone-2.0"]
    package_index.add("tone", "2.0", {"tone.py": "another"})
    environ = package_index.environ(timeout_seconds=2) | {
        name: str(tmp_path / "empty") for name in ("UV_CACHE_DIR", "PIP_CACHE_DIR")
    }
    assert locked.sha256 in install.fail("-r", "requirements.txt", environ=environ)


def test_an_index_that_is_closed(install: Installer, wheelhouse: PackageIndex) -> None:
    wheelhouse.close()
    install.fail("tone")


@pytest.mark.parametrize("install", ["uv"], indirect=True)
def test_what_uv_has_in_its_cache_needs_no_index(install: Installer, wheelhouse: PackageIndex) -> None:
    install.succeed("noise")
    wheelhouse.close()
    assert install.succeed("noise", "--offline") == ["noise-1.0", "tone-2.0"]
    assert "hum" in install.fail("hum", "--offline")


def test_a_wheel_that_is_none(install: Installer, package_index: PackageIndex, tmp_path: Path) -> None:
    broken = tmp_path / "tone-1.0-py3-none-any.whl"
    broken.write_bytes(b"not an archive")
    package_index.add_wheel(broken)
    install.fail("tone")


def test_programs_and_entry_points_are_installed(install: Installer, package_index: PackageIndex) -> None:
    package_index.add(
        "Loud.Noise",
        "1.0",
        {"noise.py": "def main():\n    print('noise')\n"},
        entry_points="[console_scripts]\nnoise = noise:main\n",
        scripts={"hum": "#!python\nprint('hum')\n"},
    )
    environ = package_index.environ(timeout_seconds=2)
    assert install.succeed("loud-noise", environ=environ) == ["loud_noise-1.0"]
    target = install.directory / "target-1"
    for name in ("hum", "noise"):
        program = next(path for path in (target / "bin" / name, target / "Scripts" / f"{name}.exe") if path.exists())
        done = subprocess.run(
            [program], env={**environ, "PYTHONPATH": str(target)}, capture_output=True, text=True, check=True
        )
        assert done.stdout == f"{name}\n"


def test_a_page_is_html_for_browsers_and_json_for_those_who_prefer_it(wheelhouse: PackageIndex) -> None:
    wheelhouse.add("tone", "3.0", requires_python=">=3.10", yanked='"so" <flat>')
    kind, body = read(f"{wheelhouse.url}Tone/")
    assert kind == "text/html; charset=utf-8"
    assert b'data-requires-python="&gt;=3.10" data-yanked="&quot;so&quot; &lt;flat&gt;"' in body
    assert read(f"{wheelhouse.url}tone/", f"{JSON_TYPE};q=0.1, text/html")[0] == kind
    assert read(f"{wheelhouse.url}tone/", f"{JSON_TYPE}, text/html; q=0.01")[0] == JSON_TYPE
    content = page(wheelhouse, "tone")
    assert (content["name"], content["versions"]) == ("tone", ["1.0", "2.0", "3.0"])
    latest = content["files"][2]
    assert (latest["requires-python"], latest["yanked"]) == (">=3.10", '"so" <flat>')
    origin = wheelhouse.url.removesuffix("/simple/")
    for suffix, hashes in (("", latest["hashes"]), (".metadata", latest["core-metadata"])):
        data = read(f"{origin}/files/{latest['filename']}{suffix}")[1]
        assert hashlib.sha256(data).hexdigest() == hashes["sha256"]
    projects = json.loads(read(wheelhouse.url, JSON_TYPE)[1])["projects"]
    assert projects == [{"name": "hum"}, {"name": "noise"}, {"name": "tone"}]
    assert read(f"{wheelhouse.url}nothing/")[1] == read(f"{origin}/files/nothing.whl")[1] == b"404"


def test_a_fault_ends_after_so_many_requests_of_its_part(wheelhouse: PackageIndex) -> None:
    wheelhouse.fail(503, "Tone", part="page", times=2)
    assert read(f"{wheelhouse.url}hum/")[0]
    assert [read(f"{wheelhouse.url}tone/")[1] == b"503" for _ in range(3)] == [True, True, False]


def test_a_version_that_is_added_again_replaces_the_first(package_index: PackageIndex) -> None:
    first = package_index.add("tone", "1.0")
    second = package_index.add("tone", "1.0", {"tone.py": ""})
    assert first.sha256 != second.sha256
    (only,) = page(package_index, "tone")["files"]
    assert only["hashes"] == {"sha256": second.sha256}


def test_a_wheel_has_the_same_bytes_each_time_and_its_record_is_true(tmp_path: Path) -> None:
    made = [
        make_wheel(tmp_path / str(each), "A.b_c", "1.0+local-1", {"a/x.bin": b"\0", "a/y.py": "é"}, scripts={"a": "#!"})
        for each in range(2)
    ]
    assert [path.name for path in made] == ["a_b_c-1.0+local_1-py3-none-any.whl"] * 2
    assert made[0].read_bytes() == made[1].read_bytes()
    with zipfile.ZipFile(made[0]) as archive:
        assert archive.testzip() is None
        record = archive.read("a_b_c-1.0+local_1.dist-info/RECORD").decode().splitlines()
        assert [line.split(",")[0] for line in record] == archive.namelist()


def test_nothing_runs_on_after_an_index_was_closed(tmp_path: Path) -> None:
    before = threading.active_count()
    with PackageIndex(tmp_path) as index:
        index.fail("hang")
        environ = index.environ(timeout_seconds=60)
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "tone"]
        with subprocess.Popen(
            command, env=environ, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as pip:
            deadline = time.monotonic() + BOUND_SECONDS
            while not index.requests and time.monotonic() < deadline:
                time.sleep(0.01)
            index.close()
            assert threading.active_count() == before
            assert pip.wait(BOUND_SECONDS) != 0

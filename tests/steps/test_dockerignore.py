"""`.dockerignore` is read as Docker's own clients read it, and the context is sent in bounded memory."""

from __future__ import annotations

import contextlib
import io
import os
import re
import stat
import subprocess
import tarfile
import tempfile
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepengine.plugin import StepError
from stepengine_steps._docker.build_context import load_rules, stream_context, walk_context
from stepengine_steps._docker.dockerignore import Rules, read_patterns
from stepengine_steps.docker_build import build_docker_image
from support.docker_project import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.docker_project import Services


FILES = [
    ".env", "a.txt", "b.md", "a/x.py", "a/y.txt", "a/b/c/z.py", "a/b/k.log", "a/keep/f.txt", "a+b", "ab[c]", "bfoo",
    "c.d/e.f", "docs/README.md", "docs/a/README.md", "foo/a.txt", "foo/bar/baz.txt", "foobar", "node_modules/p/i.js",
    "sp ace/f.txt", "src/deep/n.pyc", "src/m.py", "sub/node_modules/q.js", "x/foo/q", "{a,b}", "é.txt",
]  # fmt: skip

# Patterns, and the files that they leave out of FILES.
TABLE: list[tuple[str, str]] = [
    ("*.txt", "a.txt é.txt"),
    ("**/*.txt", "a.txt a/y.txt a/keep/f.txt foo/a.txt foo/bar/baz.txt sp_ace/f.txt é.txt"),
    ("a", "a/x.py a/y.txt a/b/c/z.py a/b/k.log a/keep/f.txt"),
    ("a/", "a/x.py a/y.txt a/b/c/z.py a/b/k.log a/keep/f.txt"),
    ("/a", "a/x.py a/y.txt a/b/c/z.py a/b/k.log a/keep/f.txt"),
    ("./a/../b.md", "b.md"),
    ("a/*\n!a/keep", "a/x.py a/y.txt a/b/c/z.py a/b/k.log"),
    ("a\n!a/keep", "a/x.py a/y.txt a/b/c/z.py a/b/k.log"),
    ("a\n!a/keep\na/keep/f.txt", "a/x.py a/y.txt a/b/c/z.py a/b/k.log a/keep/f.txt"),
    ("a/**", "a/x.py a/y.txt a/b/c/z.py a/b/k.log a/keep/f.txt"),
    ("a/**/*.py", "a/x.py a/b/c/z.py"),
    ("foo/**/baz.txt", "foo/bar/baz.txt"),
    ("**/foo", "foo/a.txt foo/bar/baz.txt x/foo/q"),
    ("**/node_modules", "node_modules/p/i.js sub/node_modules/q.js"),
    ("node_modules", "node_modules/p/i.js"),
    ("*/*.py", "a/x.py src/m.py"),
    ("#b.md\n  # b.md\n*.md", "b.md"),
    ("  *.md\t", "b.md"),
    ("\ufeffb.md", "b.md"),
    ("b.md\r\na.txt\r\n", "a.txt b.md"),
    ("a?txt", "a.txt"),
    ("[ab].*", "a.txt b.md"),
    ("[^b].*", "a.txt c.d/e.f é.txt"),
    ("[a-b].md", "b.md"),
    ("ab\\[c\\]", "ab[c]"),
    ("{a,b}", "{a,b}"),
    ("{a,b}*", "{a,b}"),
    ("sp ace", "sp_ace/f.txt"),
    ("!b.md\n*.md", "b.md"),
    ("*.md\n!*.md\nb.md", "b.md"),
    ("*.md\n! b.md", ""),
    ("docs/**/README.md", "docs/README.md docs/a/README.md"),
    ("docs\n!docs/a", "docs/README.md"),
    ("**/a", "a/x.py a/y.txt a/b/c/z.py a/b/k.log a/keep/f.txt docs/a/README.md"),
    ("..\n../x\n/\n", ""),
    ("", ""),
]

# An engine from before BuildKit 0.10 reads these otherwise: it takes nothing back by a pattern out of a directory that
# it skipped, and more characters are special to it.
NEWER_TABLE: list[tuple[str, str]] = [
    ("src\n!**/*.py", "src/deep/n.pyc"),
    ("docs\n!docs/*/README.md", "docs/README.md"),
    ("a+b", "a+b"),
    ("**foo", "bfoo foo/a.txt foo/bar/baz.txt x/foo/q"),
    ("a/b\n!a", "a/b/c/z.py a/b/k.log"),
]


def make(directory: Path, ignore: str) -> None:
    for name in FILES:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (directory / ".dockerignore").write_bytes(ignore.encode())


def kept(directory: Path) -> set[str]:
    rules, _ = load_rules(str(directory))
    entries = walk_context(str(directory), rules)
    return {entry.name for entry in entries if stat.S_ISREG(entry.status.st_mode)} - {".dockerignore"}


def left_out(names: str) -> set[str]:
    return {name.replace("_a", " a") if name.startswith("sp_") else name for name in names.split()}


@pytest.mark.parametrize(("ignore", "excluded"), TABLE + NEWER_TABLE)
def test_what_is_left_out(tmp_path: Path, ignore: str, excluded: str) -> None:
    make(tmp_path, ignore)
    assert kept(tmp_path) == set(FILES) - left_out(excluded)


@pytest.mark.docker
@pytest.mark.parametrize("ignore", [ignore for ignore, _ in TABLE])
def test_the_engines_buildkit_leaves_out_the_same(services: Services, tmp_path: Path, ignore: str) -> None:
    make(tmp_path, ignore)
    done = subprocess.run(
        [services.docker, "build", "--file", "-", "--output", "type=tar,dest=-", str(tmp_path)],
        input=b"FROM scratch\nCOPY . /\n",
        env={**os.environ, "DOCKER_BUILDKIT": "1"},
        check=True,
        capture_output=True,
    )
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        names = {member.name.removeprefix("./") for member in tar if member.isreg()}
    assert kept(tmp_path) == names - {".dockerignore"}


@pytest.mark.parametrize("pattern", ["[", "a[", "[]a]", "[a-]", "[-a]", "a\\", "!", "[b-a]x"])
def test_a_pattern_that_is_not_well_formed_is_named(tmp_path: Path, pattern: str) -> None:
    make(tmp_path, f"*.md\n{pattern}\n")
    with pytest.raises(StepError, match="is not a pattern") as caught:
        kept(tmp_path)
    assert str(tmp_path / ".dockerignore") in caught.value.message


@given(st.text(alphabet="ab*?[]!\\^-/. #{+", max_size=12), st.text(alphabet="ab./", min_size=1, max_size=8))
def test_any_text_gives_rules_or_a_clear_error(pattern: str, path: str) -> None:
    try:
        rules = Rules(read_patterns(pattern))
    except StepError:
        return
    rules.match(path)


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=4), st.sampled_from(["a", "a/b", "**/b", "*"]))
def test_what_is_in_a_directory_that_is_left_out_is_left_out(parts: list[str], pattern: str) -> None:
    rules = Rules([pattern])
    applied: list[bool] = []
    was_excluded = False
    for depth in range(1, len(parts) + 1):
        excluded, applied = rules.match("/".join(parts[:depth]), applied)
        assert excluded or not was_excluded
        was_excluded = excluded


def test_a_large_file_is_streamed_in_bounded_memory(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(200 << 20)
    tracemalloc.start()
    size = sum(len(piece) for piece in stream_context(walk_context(str(tmp_path), Rules([])), {}))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 200 << 20
    assert peak < 4 << 20


def test_the_stream_is_a_tar_file_that_keeps_names_modes_and_links(tmp_path: Path) -> None:
    long = "d" * 120 + "/" + "f" * 120
    (tmp_path / long).parent.mkdir()
    (tmp_path / long).write_bytes(b"long")
    (tmp_path / "run.sh").write_text("#!/bin/sh\n")
    (tmp_path / "run.sh").chmod(0o750)
    (tmp_path / "link").symlink_to("/nowhere/" + "t" * 150)
    Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), b"latin-\xe9"))).write_bytes(b"1")
    data = b"".join(stream_context(walk_context(str(tmp_path), Rules([])), {"extra": b"e"}))
    with tarfile.open(fileobj=io.BytesIO(data), errors="surrogateescape") as tar:
        members = {member.name: member for member in tar}
        content = tar.extractfile(long)
        assert content is not None
        assert content.read() == b"long"
    assert members["run.sh"].mode == 0o750
    assert members["link"].linkname == "/nowhere/" + "t" * 150
    assert os.fsdecode(b"latin-\xe9") in members
    assert {member.uid for member in members.values()} == {0}
    assert "extra" in members


def test_a_file_that_gets_shorter_meanwhile_is_named(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(bytes(1 << 20))
    pieces = stream_context(walk_context(str(tmp_path), Rules([])), {})
    next(pieces)
    path.write_bytes(b"")
    with pytest.raises(StepError, match="log became shorter while it was read"):
        list(pieces)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become somebody who may not read")
@pytest.mark.parametrize("name", ["secret.key", "closed"])
def test_a_file_that_cannot_be_read_is_named(name: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        Path(directory, "secret.key").write_text("k")
        Path(directory, "closed").mkdir()
        Path(directory, name).chmod(0)
        with as_nobody():
            with pytest.raises(StepError, match=rf"cannot read .*{name}: Permission denied") as caught:
                list(stream_context(walk_context(directory, Rules([])), {}))
            ignored = ["secret.key", "closed"]
            list(stream_context(walk_context(directory, Rules(ignored)), {}))
    assert ".dockerignore" in caught.value.hint


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Have the rights of a user without any."""
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
@pytest.mark.parametrize(("make", "what"), [(os.mkfifo, "named pipe"), (os.mkdir, "directory")])
@pytest.mark.parametrize("name", [".dockerignore", "Dockerfile.dockerignore"])
def test_rules_that_are_in_no_file_are_refused_before_anybody_reads_them(
    tmp_path: Path, make: Callable[[str], None], what: str, name: str
) -> None:
    make(str(tmp_path / name))
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    run = Recorder(tmp_path, environ={"DOCKER_HOST": "unix:///nowhere.sock"})
    for backend in ("docker-py", "buildx"):
        with pytest.raises(StepError, match=f"{re.escape(name)} is a {what}"):
            build_docker_image("demo", build_backend=backend, context=run.context)

import ntpath
import os
import posixpath
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepengine.plugin import Context, StepError
from stepengine_steps import _paths
from stepengine_steps._storage import remote
from stepengine_steps._storage.target import _swap, resolve_target
from stepengine_steps.storage import pull_from_remote_storage
from support.storage_project import fail, secrets, tree

pytest_plugins = ["support.storage_fixtures"]


def test_a_folder_comes_whole(memory, context, work):
    memory.pipe({"/bucket/flows/a.py": b"a", "/bucket/flows/sub/b.py": b"b", "/bucket/other/c.py": b"c"})
    memory.makedirs("/bucket/flows/empty")
    assert pull_from_remote_storage("memory://bucket/flows", context=context) == {"directory": "bucket/flows"}
    assert tree(work) == {
        "bucket": None,
        "bucket/flows": None,
        "bucket/flows/a.py": "a",
        "bucket/flows/sub": None,
        "bucket/flows/sub/b.py": "b",
        "bucket/flows/empty": None,
    }


def test_a_slash_at_the_end_makes_no_difference(memory, context):
    memory.pipe("/bucket/flows/a.py", b"a")
    assert pull_from_remote_storage("memory://bucket/flows/", context=context) == {"directory": "bucket/flows"}


def test_a_second_pull_updates_and_keeps_what_is_not_of_the_storage(memory, context, work):
    memory.pipe({"/bucket/a.py": b"old", "/bucket/sub/b.py": b"b"})
    pull_from_remote_storage("memory://bucket", context=context)
    (work / "bucket" / "mine").write_text("mine")
    memory.pipe({"/bucket/a.py": b"new", "/bucket/sub/c.py": b"c"})
    pull_from_remote_storage("memory://bucket", context=context)
    assert tree(work / "bucket") == {"a.py": "new", "mine": "mine", "sub": None, "sub/b.py": "b", "sub/c.py": "c"}


def test_more_files_than_one_batch(memory, context, work, events, monkeypatch):
    monkeypatch.setattr(remote, "BATCH_FILES", 3)
    memory.pipe({f"/bucket/{number}": b"x" for number in range(8)})
    pull_from_remote_storage("memory://bucket", context=context)
    assert len(tree(work / "bucket")) == 8
    assert [data["text"] for kind, data in events if kind == "progress"] == [
        "3 of 8 files",
        "6 of 8 files",
        "8 of 8 files",
    ]


def test_a_pull_that_fails_leaves_what_was_there(memory, context, work, monkeypatch):
    memory.pipe({"/bucket/a.py": b"old"})
    pull_from_remote_storage("memory://bucket", context=context)
    memory.pipe({"/bucket/a.py": b"new", "/bucket/b.py": b"b"})

    def get_file(self, path, local, **_options):
        if path.endswith("b.py"):
            raise ConnectionError("connection reset")
        Path(local).write_bytes(b"new")

    monkeypatch.setattr(type(memory), "get_file", get_file)
    error = fail(pull_from_remote_storage, "memory://bucket", context=context)
    assert "connection reset" in error.message
    assert "network" in error.hint
    assert tree(work) == {"bucket": None, "bucket/a.py": "old"}


def test_a_first_pull_that_fails_leaves_nothing(memory, context, work, monkeypatch):
    memory.pipe({"/bucket/a.py": b"long enough"})
    monkeypatch.setattr(
        type(memory), "get_file", lambda _self, _path, local, **_options: Path(local).write_bytes(b"lo")
    )
    assert "incomplete" in fail(pull_from_remote_storage, "memory://bucket", context=context).message
    assert tree(work) == {}


def test_an_interrupted_pull_leaves_nothing(memory, context, work, monkeypatch):
    memory.pipe({"/bucket/a.py": b"a"})

    def get_file(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(memory), "get_file", get_file)
    with pytest.raises(KeyboardInterrupt):
        pull_from_remote_storage("memory://bucket", context=context)
    assert tree(work) == {}


def test_nothing_at_the_url(memory, context, work):
    error = fail(pull_from_remote_storage, "memory://bucket/nowhere", context=context)
    assert error.message == "nothing is at memory://bucket/nowhere"
    assert tree(work) == {}


def test_a_file_is_no_folder(memory, context):
    memory.pipe("/bucket/a.py", b"a")
    assert fail(pull_from_remote_storage, "memory://bucket/a.py", context=context).message.endswith("is a file")


@pytest.mark.parametrize("url", ["memory://../outside", "memory://bucket/../../outside", "memory://bucket/.."])
def test_a_url_cannot_lead_out_of_the_working_directory(memory, context, work, url):
    memory.pipe("/outside/a.py", b"a")
    assert "does not lie in the working directory" in fail(pull_from_remote_storage, url, context=context).message
    assert tree(work.parent) == {"work": None}


@pytest.mark.parametrize("url", ["memory://", "memory:///", "memory://."])
def test_a_url_must_name_a_folder(context, url):
    assert "names no bucket or folder" in fail(pull_from_remote_storage, url, context=context).message


def test_a_url_needs_a_protocol(context):
    assert "is no URL of a storage" in fail(pull_from_remote_storage, "bucket/folder", context=context).message


@pytest.mark.parametrize("name", ["../evil", "sub/../../evil", "a/..", "..", "/../../evil"])
def test_remote_names_cannot_lead_out_of_the_folder(context, work, tmp_path, name):
    with zipfile.ZipFile(tmp_path / "hostile.zip", "w") as archive:
        archive.writestr("good.txt", "good")
        archive.writestr(name, "evil")
    error = fail(pull_from_remote_storage, f"zip://::file://{tmp_path}/hostile.zip", context=context)
    assert "leads out of its folder" in error.message or "cannot" in error.message
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hostile.zip", "work"]
    assert tree(work) == {}


@given(st.text(alphabet="./\\ab\0:", min_size=1))
def test_no_remote_name_has_a_part_that_leads_up(name):
    try:
        parts = remote._parts(f"root/{name}", "root", "memory://root")
    except StepError:
        return
    assert not {"..", ".", ""} & set(parts)
    assert os.path.normpath("/".join(["root", *parts])).split("/")[0] == "root"


@given(st.text(alphabet="./\\ab\0:~ "))
def test_no_target_is_outside_the_working_directory(name):
    context = Context("/srv/work", environ={})
    try:
        target = resolve_target(name, context)
    except StepError:
        return
    assert os.path.commonpath((target, "/srv/work")) == "/srv/work"
    assert target != "/srv/work"


def test_an_archive_in_a_storage_is_unpacked(memory, context, work, tmp_path):
    with zipfile.ZipFile(tmp_path / "code.zip", "w") as archive:
        archive.writestr("flows/a.py", "a")
        archive.writestr("b.py", "b")
    memory.pipe("/bucket/code.zip", (tmp_path / "code.zip").read_bytes())
    assert (
        pull_from_remote_storage("zip://::memory://bucket/code.zip", context=context)["directory"] == "bucket/code.zip"
    )
    assert tree(work / "bucket" / "code.zip") == {"b.py": "b", "flows": None, "flows/a.py": "a"}


def test_links_in_the_way_are_not_followed(memory, context, work, tmp_path):
    memory.pipe({"/bucket/a.py": b"new", "/bucket/sub/b.py": b"b"})
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.py").write_text("mine")
    (work / "bucket").mkdir()
    (work / "bucket" / "a.py").symlink_to(outside / "a.py")
    (work / "bucket" / "sub").symlink_to(outside, target_is_directory=True)
    pull_from_remote_storage("memory://bucket", context=context)
    assert tree(outside) == {"a.py": "mine"}
    assert tree(work / "bucket") == {"a.py": "new", "sub": None, "sub/b.py": "b"}


def test_a_link_out_of_the_working_directory_is_refused(memory, context, work, tmp_path):
    memory.pipe("/bucket/sub/a.py", b"a")
    (tmp_path / "outside").mkdir()
    (work / "bucket").symlink_to(tmp_path / "outside", target_is_directory=True)
    for url in ("memory://bucket", "memory://bucket/sub"):
        fail(pull_from_remote_storage, url, context=context)
    assert tree(tmp_path / "outside") == {}


def test_a_file_in_the_way_is_refused(memory, context, work):
    memory.pipe("/bucket/a.py", b"a")
    (work / "bucket").write_text("mine")
    assert "is in the way" in fail(pull_from_remote_storage, "memory://bucket", context=context).message


def test_a_folder_of_this_machine(context, work, tmp_path, events):
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "run.sh").write_text("x")
    (source / "run.sh").chmod(0o755)
    (source / "sub" / "up").symlink_to("../run.sh")
    (source / "out").symlink_to("/etc/hostname")
    (source / "loop").symlink_to(".", target_is_directory=True)
    os.mkfifo(source / "pipe")
    directory = pull_from_remote_storage(f"file://{source}", context=context)["directory"]
    assert directory == str(source)[1:]
    assert tree(work / directory) == {"run.sh": "x", "sub": None, "sub/up": "../run.sh", "loop": "."}
    assert (work / directory / "run.sh").stat().st_mode & 0o111
    warnings = " ".join(data["message"] for kind, data in events if kind == "warning")
    assert "out is left out" in warnings
    assert "pipe is left out" in warnings


def test_links_to_what_is_in_the_folder_lead_into_the_copy(context, work, tmp_path, events):
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (source / "a.py").write_text("a")
    (source / "back").symlink_to("../source/a.py")
    (source / "sub" / "back").symlink_to("../../source/sub/../a.py")
    (source / "sub" / "absolute").symlink_to(source / "a.py")
    (source / "top").symlink_to(source, target_is_directory=True)
    (source / "sub" / "near").symlink_to("../a.py")
    (source / "through").symlink_to("sub/../../other")
    directory = work / pull_from_remote_storage(f"file://{source}", context=context)["directory"]
    assert tree(directory) == {
        "a.py": "a",
        "back": "a.py",
        "sub": None,
        "sub/back": "../a.py",
        "sub/absolute": "../a.py",
        "sub/near": "../a.py",
        "top": ".",
    }
    assert (directory / "sub" / "back").read_text() == "a"
    (warning,) = [data["message"] for kind, data in events if kind == "warning"]
    assert warning.startswith("through is left out")


@pytest.mark.parametrize(
    ("module", "path", "root", "within"),
    [
        (posixpath, "/a/b", "/a", True),
        (posixpath, "/a", "/a", True),
        (posixpath, "/ab", "/a", False),
        (posixpath, "/A/b", "/a", False),
        (posixpath, "/a", "/", True),
        (ntpath, "C:\\a\\b", "c:\\A", True),
        (ntpath, "C:\\a", "C:\\", True),
        (ntpath, "D:\\a\\b", "C:\\a", False),
        (ntpath, "\\\\server\\share\\a", "C:\\a", False),
    ],
)
def test_a_path_is_told_to_lie_in_a_directory_on_every_system(module, path, root, within, monkeypatch):
    monkeypatch.setattr(_paths, "os", SimpleNamespace(path=module))
    assert _paths.is_within(path, root) == within


def test_settings_that_are_secrets_are_masked(memory, context, events):
    memory.pipe("/bucket/a.py", b"a")
    fail(
        pull_from_remote_storage,
        "s3x://bucket",
        key="access",
        secret="hidden",
        anon=False,
        client_kwargs={"endpoint_url": "http://localhost", "aws_session_token": "session"},
        context=context,
    )
    assert secrets(events) == {"access", "hidden", "session"}


def test_a_password_of_the_url_is_masked_and_in_no_name(context, events):
    url = "sftp://me:p%40ss@localhost:1/srv/code"
    assert remote.local_name(url, context) == "me@localhost:1/srv/code"
    assert remote.shown(url) == "sftp://me:***@localhost:1/srv/code"
    assert secrets(events) == {"p%40ss", "p@ss"}


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("s3://bucket", "bucket"),
        ("s3://bucket/a/b/", "bucket/a/b"),
        ("abfs://container@account.dfs.core.windows.net/a", "container@account.dfs.core.windows.net/a"),
        ("github://owner:repository@main/flows", "owner:repository@main/flows"),
        ("file:///srv/code", "srv/code"),
    ],
)
def test_the_directory_is_named_as_by_prefect(context, url, name):
    assert remote.local_name(url, context) == name


def test_an_unknown_protocol_has_a_near_miss(context):
    error = fail(pull_from_remote_storage, "memry://bucket", context=context)
    assert error.message == "memry:// is no protocol of a storage"
    assert error.hint == "did you mean memory://?"


def test_a_missing_package_is_named(context, monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    error = fail(pull_from_remote_storage, "s3://bucket", context=context)
    assert error.message == "s3:// needs a package that is not installed: s3fs"
    assert error.hint == "pip install s3fs"


def test_settings_that_are_missing_are_named(context):
    error = fail(pull_from_remote_storage, "github://folder", context=context)
    assert error.message.startswith("github:// cannot be used with these settings: ")
    assert "'org'" in error.message


def test_a_directory_that_cannot_be_written_is_named(memory, context, work, monkeypatch):
    memory.pipe({"/bucket/a.py": b"a"})

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.rename", full)
    error = fail(pull_from_remote_storage, "memory://bucket", context=context)
    assert error.message == "cannot write bucket: No space left on device"
    assert tree(work) == {}


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError])
def test_a_directory_is_back_in_its_place_where_its_successor_does_not_come(tmp_path, monkeypatch, interruption):
    for name in ("staging", "target"):
        (tmp_path / name).mkdir()
    (tmp_path / "target" / "a").write_text("old")
    rename = os.rename

    def interrupted(source, target):
        if source.endswith("staging"):
            raise interruption
        rename(source, target)

    monkeypatch.setattr("os.rename", interrupted)
    with pytest.raises(interruption):
        _swap(str(tmp_path / "staging"), str(tmp_path / "target"), str(tmp_path / "aside"))
    assert tree(tmp_path) == {"staging": None, "target": None, "target/a": "old"}

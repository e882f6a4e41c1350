import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepengine.plugin import Context, StepError
from stepengine_steps._storage import blocks, remote
from stepengine_steps._storage.ignore import read_ignore_file
from stepengine_steps._storage.target import resolve_target
from stepengine_steps.storage import pull_from_remote_storage, pull_with_block


@pytest.fixture
def events():
    return []


@pytest.fixture
def work(tmp_path):
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.fixture
def context(work, events):
    return Context(
        str(work), emit=lambda kind, data: events.append((kind, data)), block=lambda slug, name: BLOCKS[slug]
    )


BLOCKS: dict = {}


@pytest.fixture
def block():
    yield BLOCKS
    BLOCKS.clear()


@pytest.fixture
def memory():
    import fsspec

    filesystem = fsspec.filesystem("memory")
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]
    yield filesystem
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]


def tree(directory):
    """Every path below a directory, with a file's text, a link's target or None for a directory."""
    found = {}
    for path in sorted(Path(directory).rglob("*")):
        name = path.relative_to(directory).as_posix()
        found[name] = os.readlink(path) if path.is_symlink() else path.read_text() if path.is_file() else None
    return found


def fail(step, *args, **inputs):
    with pytest.raises(StepError) as caught:
        step(*args, **inputs)
    return caught.value


def secrets(events):
    return {data["value"] for kind, data in events if kind == "secret"}


# Remote storage


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


# Blocks


def test_a_block_of_a_type_that_is_not_known(context):
    error = fail(pull_with_block, "x", "docker-container", context=context)
    assert error.message == "blocks of type docker-container cannot be pulled with"
    for slug in ("s3-bucket", "local-file-system", "github-repository"):
        assert slug in error.hint


@pytest.mark.parametrize("name", ["../x", "a/b", "a\\b"])
def test_a_name_cannot_lead_out_of_the_working_directory(context, name):
    assert "is no name of a block" in fail(pull_with_block, name, "local-file-system", context=context).message


def test_a_local_file_system(context, block, work, tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("a")
    block["local-file-system"] = {"basepath": str(tmp_path / "code")}
    assert pull_with_block("mine", "local-file-system", context=context) == {"directory": "local-file-system-mine"}
    assert tree(work) == {"local-file-system-mine": None, "local-file-system-mine/a.py": "a"}


def test_a_block_replaces_what_it_left_before(context, block, work, tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "old.py").write_text("old")
    block["local-file-system"] = {"basepath": "../code"}
    pull_with_block("mine", "local-file-system", context=context)
    (tmp_path / "code" / "old.py").rename(tmp_path / "code" / "new.py")
    pull_with_block("mine", "local-file-system", context=context)
    assert tree(work) == {"local-file-system-mine": None, "local-file-system-mine/new.py": "old"}


def test_a_local_file_system_without_a_path_is_the_working_directory(context, block, work):
    (work / "a.py").write_text("a")
    block["local-file-system"] = {}
    for _ in range(2):
        pull_with_block("mine", "local-file-system", context=context)
        assert tree(work) == {"a.py": "a", "local-file-system-mine": None, "local-file-system-mine/a.py": "a"}


def test_a_local_file_system_that_is_its_own_target(context, block, work):
    (work / "local-file-system-mine" / "sub").mkdir(parents=True)
    for path in ("local-file-system-mine", "local-file-system-mine/sub"):
        block["local-file-system"] = {"basepath": path}
        assert "its own copy" in fail(pull_with_block, "mine", "local-file-system", context=context).message
    assert (work / "local-file-system-mine" / "sub").is_dir()


def test_a_local_file_system_that_does_not_exist(context, block, work):
    block["local-file-system"] = {"basepath": "/no/where"}
    error = fail(pull_with_block, "mine", "local-file-system", context=context)
    assert error.message == "/no/where does not exist"
    assert tree(work) == {}


def test_its_ignore_file_counts(context, block, work, tmp_path):
    (tmp_path / "code" / "data").mkdir(parents=True)
    for name in ("a.py", "a.pyc", "data/big", "keep.pyc"):
        (tmp_path / "code" / name).write_text("")
    (tmp_path / "code" / ".prefectignore").write_text("*.pyc\ndata/\n!keep.pyc\n.prefectignore\n")
    block["local-file-system"] = {"basepath": str(tmp_path / "code")}
    pull_with_block("mine", "local-file-system", context=context)
    assert sorted(tree(work / "local-file-system-mine")) == ["a.py", "keep.pyc"]


def test_a_remote_file_system(context, block, memory, work):
    memory.pipe("/bucket/code/a.py", b"a")
    block["remote-file-system"] = {"basepath": "memory://bucket/code", "settings": {}}
    assert pull_with_block("mine", "remote-file-system", context=context)["directory"] == "remote-file-system-mine"
    assert tree(work / "remote-file-system-mine") == {"a.py": "a"}


@pytest.mark.parametrize("slug", sorted(blocks.known_slugs()))
def test_a_block_without_its_data_says_what_is_missing(context, block, slug):
    block[slug] = None
    assert "is no mapping" in fail(pull_with_block, "mine", slug, context=context).message
    if slug != blocks.LOCAL:
        block[slug] = {}
        error = fail(pull_with_block, "mine", slug, context=context)
        assert error.message.startswith(f"the block {slug}/mine has no ")


@pytest.mark.parametrize(
    ("slug", "data", "location"),
    [
        (
            "s3-bucket",
            {
                "bucket_name": "b",
                "bucket_folder": "/f/",
                "credentials": {
                    "aws_access_key_id": "id",
                    "aws_secret_access_key": "hidden",
                    "aws_session_token": None,
                    "region_name": "eu-west-1",
                    "aws_client_parameters": {"endpoint_url": "http://localhost:1", "use_ssl": False},
                },
            },
            (
                "s3://b/f",
                {
                    "key": "id",
                    "secret": "hidden",
                    "client_kwargs": {
                        "region_name": "eu-west-1",
                        "endpoint_url": "http://localhost:1",
                        "use_ssl": False,
                    },
                },
            ),
        ),
        (
            "s3-bucket",
            {"bucket_name": "b", "credentials": {"minio_root_user": "id", "minio_root_password": "hidden"}},
            ("s3://b", {"key": "id", "secret": "hidden"}),
        ),
        ("s3-bucket", {"bucket_name": "b"}, ("s3://b", {})),
        (
            "gcs-bucket",
            {"bucket": "b", "gcp_credentials": {"service_account_info": '{"a": 1}', "project": "p"}},
            ("gs://b", {"token": {"a": 1}, "project": "p"}),
        ),
        (
            "gcs-bucket",
            {"bucket": "b", "bucket_folder": "f", "gcp_credentials": {"service_account_file": "/key.json"}},
            ("gs://b/f", {"token": "/key.json"}),
        ),
        (
            "azure-blob-storage-container",
            {"container_name": "c", "base_folder": "f", "credentials": {"connection_string": "s"}},
            ("az://c/f", {"connection_string": "s"}),
        ),
        (
            "azure-blob-storage-container",
            {"container_name": "c", "credentials": {"account_url": "https://me.blob.core.windows.net"}},
            (
                "az://c",
                {"account_name": "me", "account_host": "me.blob.core.windows.net", "anon": False},
            ),
        ),
        (
            "smb",
            {"smb_host": "server", "share_path": "/share/f", "smb_username": "me", "smb_password": "hidden"},
            ("smb://server/share/f", {"username": "me", "password": "hidden", "host": "server"}),
        ),
    ],
)
def test_blocks_become_urls_with_credentials(slug, data, location):
    assert blocks.REMOTE[slug](blocks.BlockData(f"{slug}/x", data)) == location


def test_secrets_of_a_block_are_masked(context, block, events):
    block["s3-bucket"] = {
        "bucket_name": "../x",
        "credentials": {"aws_access_key_id": "id", "aws_secret_access_key": "hidden", "region_name": "r"},
    }
    fail(pull_with_block, "mine", "s3-bucket", context=context)
    assert secrets(events) == {"id", "hidden"}


@pytest.mark.parametrize(
    ("slug", "key"),
    [
        ("github-repository", "repository_url"),
        ("gitlab-repository", "repository"),
        ("bitbucket-repository", "repository"),
    ],
)
def test_a_repository_is_cloned(context, block, work, tmp_path, slug, key):
    origin = tmp_path / "origin"
    environ = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{who}_{what}": "x@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    for command in (
        ["git", "init", "-q", "-b", "main", str(origin)],
        ["git", "-C", str(origin), "commit", "-q", "--allow-empty", "-m", "first"],
        ["git", "-C", str(origin), "checkout", "-q", "-b", "release"],
        ["git", "-C", str(origin), "commit", "-q", "--allow-empty", "-m", "second"],
    ):
        subprocess.run(command, check=True, env=environ)
    block[slug] = {key: f"file://{origin}", "reference": "release"}
    assert pull_with_block("mine", slug, context=context) == {"directory": f"{slug}-mine"}
    log = ["git", "-C", str(work / f"{slug}-mine"), "log", "-1", "--format=%s"]
    assert subprocess.run(log, capture_output=True, check=True, text=True).stdout.strip() == "second"


# Ignore files

NAMES = st.text(alphabet="ab.", min_size=1, max_size=3).filter(lambda name: name.strip("."))
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
PATTERNS = st.text(alphabet="ab.*?/![]-\\ #", max_size=8)


@settings(deadline=None, max_examples=60)
@given(patterns=st.lists(PATTERNS, max_size=4), paths=st.sets(PATHS, min_size=1, max_size=6))
def test_ignore_files_are_read_as_git_reads_them(tmp_path_factory, patterns, paths):
    repository = tmp_path_factory.mktemp("repository")
    text = "".join(f"{pattern}\n" for pattern in patterns)
    (repository / ".git" / "info").mkdir(parents=True)
    subprocess.run(
        ["git", "init", "-q", str(repository)], check=True, env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    )
    (repository / ".git" / "info" / "exclude").write_text(text)
    for path in sorted(paths, key=len):
        if any(parent.is_file() for parent in (repository / path).parents) or (repository / path).exists():
            continue
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).write_text("")
    command = [
        "git",
        "-C",
        str(repository),
        "-c",
        "core.excludesFile=",
        "ls-files",
        "-z",
        "--others",
        "--exclude-standard",
    ]
    listed = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split("\0")[:-1]
    is_ignored = read_ignore_file(text)

    def kept(directory, prefix=""):
        for path in directory.iterdir():
            name = f"{prefix}{path.name}"
            if name == ".git" or is_ignored(name, path.is_dir()):
                continue
            yield from kept(path, f"{name}/") if path.is_dir() else [name]

    assert sorted(kept(repository)) == sorted(listed)

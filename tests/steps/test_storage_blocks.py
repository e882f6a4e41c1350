import os
import subprocess

import pytest

from stepengine_steps._storage import blocks
from stepengine_steps.storage import pull_with_block
from support.storage_project import fail, secrets, tree

pytest_plugins = ["support.storage_fixtures"]


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
    assert secrets(events) == {"hidden"}


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


def test_a_file_that_cannot_be_read_is_not_told_as_one_that_cannot_be_written(
    context, block, work, tmp_path, monkeypatch
):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("a")
    block["local-file-system"] = {"basepath": str(tmp_path / "code")}

    def unreadable(source, _target):
        raise PermissionError(13, "Permission denied", source)

    monkeypatch.setattr("shutil.copy2", unreadable)
    error = fail(pull_with_block, "mine", "local-file-system", context=context)
    assert error.message == f"cannot copy {tmp_path}/code/a.py: Permission denied"
    assert tree(work) == {}

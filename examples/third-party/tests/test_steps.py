"""The step alone, against a server in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from acme_s3.steps import upload_directory

if TYPE_CHECKING:
    from conftest import FakeS3
    from stepengine.testing import Outcome, Project


@pytest.fixture
def site(stepengine_project: Project) -> Project:
    """A project with a directory of two files."""
    stepengine_project.write_files({"site/index.html": "hello", "site/assets/größe.css": "h1 {}"})
    return stepengine_project


def upload(project: Project, server: FakeS3, **inputs: Any) -> Outcome:
    given = {"bucket": "acme-site", "directory": "site", "endpoint_url": server.url, "access_key_id": "id"}
    return project.run_step(upload_directory, {**given, "secret_access_key": "opensesame", **inputs})


def test_all_files_are_uploaded_below_the_prefix(site: Project, fake_s3: FakeS3) -> None:
    outcome = upload(site, fake_s3, prefix="/v1/")
    outcome.assert_succeeded().assert_printed("2 files are in s3://acme-site/v1/")
    assert outcome.outputs["step"] == {"bucket": "acme-site", "prefix": "v1/", "count": 2}
    assert set(fake_s3.objects) == {"acme-site/v1/index.html", "acme-site/v1/assets/größe.css"}
    assert b"hello" in fake_s3.objects["acme-site/v1/index.html"]


def test_without_a_prefix_keys_are_the_paths(site: Project, fake_s3: FakeS3) -> None:
    assert upload(site, fake_s3).outputs["prefix"] == ""
    assert "acme-site/index.html" in fake_s3.objects


def test_symbolic_links_are_left_out(site: Project, fake_s3: FakeS3) -> None:
    site.write("secret.txt", "opensesame")
    (site.directory / "site" / "link.txt").symlink_to("../secret.txt")
    assert upload(site, fake_s3).outputs["count"] == 2


def test_a_missing_directory_fails_with_a_remedy(site: Project, fake_s3: FakeS3) -> None:
    upload(site, fake_s3, directory="sight").assert_failed("there is no directory sight")


def test_a_refusal_is_told_without_the_secret(site: Project, fake_s3: FakeS3) -> None:
    fake_s3.refusal = "AccessDenied"
    upload(site, fake_s3).assert_failed("AccessDenied").assert_hidden("opensesame")


def test_a_server_that_is_not_there_is_told(site: Project, fake_s3: FakeS3) -> None:
    upload(site, fake_s3, endpoint_url="http://127.0.0.1:1").assert_failed("cannot upload to acme-site")


def test_a_bucket_that_cannot_be_is_a_warning_before_the_run(site: Project, fake_s3: FakeS3) -> None:
    fake_s3.refusal = "InvalidBucketName"
    outcome = upload(site, fake_s3, bucket="Acme_Site")
    assert any("no bucket can be called Acme_Site" in warning for warning in outcome.warnings)

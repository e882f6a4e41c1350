"""Whole files: what is registered, the vault, and a recorded release."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import FakeS3
    from stepengine.testing import Cassette, Project

FILE = Path(__file__).parent.parent.joinpath("prefect.yaml").read_text(encoding="utf-8")
VAULT = '[s3]\naccess_key_id = "AKIAEXAMPLE"\nsecret_access_key = "not-for-everybody"\n'


@pytest.fixture
def project(stepengine_project: Project) -> Project:
    """A project with the file of this example, and a vault."""
    stepengine_project.write("prefect.yaml", FILE)
    stepengine_project.write("vault.toml", VAULT).chmod(0o600)
    return stepengine_project


def test_the_file_uploads_and_shows_no_secret(project: Project, fake_s3: FakeS3) -> None:
    project.setenv("S3_ENDPOINT", fake_s3.url)
    outcome = project.run()
    outcome.assert_succeeded().assert_hidden("AKIAEXAMPLE").assert_hidden("not-for-everybody")
    outcome.assert_printed(r"2 objects in acme-site/preview/ by \*\*\*")
    assert outcome.deployments["site"]["parameters"] == {"source": "s3://acme-site/preview/"}
    assert len(fake_s3.objects) == 2


def test_a_recorded_release(project: Project, stepengine_cassette: Cassette, fake_s3: FakeS3) -> None:
    stepengine_cassette.portable("server", fake_s3.url)  # recorded from the server in memory; replayed without it
    project.setenv("S3_ENDPOINT", fake_s3.url)
    project.setenv("RELEASE", "v1")
    outcome = project.run()
    outcome.assert_succeeded().assert_printed(r"2 objects in acme-site/v1/ by \*\*\*")


def test_the_vault_may_be_elsewhere(project: Project, fake_s3: FakeS3) -> None:
    project.write("other.toml", VAULT).chmod(0o600)
    (project.directory / "vault.toml").unlink()
    project.setenv("S3_ENDPOINT", fake_s3.url)
    project.setenv("ACME_VAULT", "other.toml")
    project.run().assert_succeeded()


@pytest.mark.parametrize(
    ("vault", "mode", "told"),
    [
        ('[s3]\naccess_key_ids = "x"\nsecret_access_key = "y"\n', 0o600, "did you mean vault.s3.access_key_ids"),
        (VAULT, 0o644, "others can read"),
        ("[s3\n", 0o600, "cannot be read as TOML"),
        ('s3 = "x"\n', 0o600, "a value in no group"),
    ],
)
def test_what_is_wrong_with_the_vault_is_told_before_anything_runs(
    project: Project, vault: str, mode: int, told: str
) -> None:
    project.write("vault.toml", vault).chmod(mode)
    project.setenv("S3_ENDPOINT", "http://127.0.0.1:9")
    project.run().assert_refused(match=told)


def test_the_listener_writes_a_line_for_each_step(project: Project, fake_s3: FakeS3) -> None:
    project.setenv("S3_ENDPOINT", fake_s3.url)
    project.setenv("ACME_TIMINGS", str(project.directory / "timings.tsv"))
    project.run().assert_succeeded()
    told = [line.split("\t")[:2] for line in project.read("timings.tsv").splitlines()]
    assert told == [["page", "succeeded"], ["upload", "succeeded"], ["run_shell_script", "succeeded"]]

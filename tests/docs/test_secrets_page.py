"""What docs/secrets.md promises beyond its examples."""

from __future__ import annotations

import json
import os
import re

from stepengine.secrecy.names import is_secret_name, public_fields
from support import pages

PAGE = "docs/secrets.md"
FILE = "build:\n- run_shell_script:\n    id: show\n    script: echo {{ prefect.variables.region }}\n"


def test_sources_are_asked_in_the_order_of_the_page(cli):
    first, second = re.findall(r"^[12]\. the (blocks file|environment)", pages.read(PAGE), re.MULTILINE)
    assert {first, second} == {"blocks file", "environment"}
    cli.write("blocks.yaml", "variables: {region: blocks file}\n").chmod(0o600)
    cli.environ["STEPENGINE_BLOCKS_FILE"] = "blocks.yaml"
    cli.environ["STEPENGINE_VARIABLES"] = json.dumps({"region": "environment"})
    assert cli.result(FILE)["pipelines"][0]["outputs"]["stdout"] == first


def test_the_blocks_file_is_where_the_page_says(cli):
    path = cli.write("../.config/stepengine/blocks.yaml", "variables: {region: found}\n")
    path.chmod(0o600)
    assert cli.result(FILE)["pipelines"][0]["outputs"]["stdout"] == "found"
    if os.name == "posix":
        path.chmod(0o640)
        outcome = cli.run(FILE)
        assert outcome.code == 2
        assert "others can read" in outcome.err


def test_names_and_fields_that_the_page_calls_secret_or_public():
    text = pages.prose(PAGE)
    for name in ("GITHUB_TOKEN", "DB_PASSWORD", "apiKey"):
        assert f"`{name}`" in text
        assert is_secret_name(name)
    for name in ("TOKEN_FILE", "AWS_ACCESS_KEY_ID", "PUBLIC_KEY"):
        assert f"`{name}`" in text
        assert not is_secret_name(name)
    assert {"username", "registry_url"} <= public_fields("docker-registry-credentials")
    assert "region_name" in public_fields("aws-credentials")
    assert not public_fields("a-type-of-mine")


def test_a_value_on_the_command_line_is_refused(cli):
    cli.write("prefect.yaml", FILE)
    outcome = cli.stepengine("run", "--secret", "REGION=eu")
    assert outcome.code == 2
    assert "every process" in outcome.err

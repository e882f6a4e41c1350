"""Names of images, registries and base images."""

from __future__ import annotations

import datetime
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepengine.plugin import StepError
from stepengine_steps._docker.checks import check_image
from stepengine_steps._docker.prefect_images import base_image, highest_python
from stepengine_steps._docker.reference import check_name, check_tag, check_tags, normalize_registry, registry_of
from stepengine_steps._docker.transient import is_refusal, is_transient


@pytest.mark.parametrize(
    ("name", "registry"),
    [
        ("demo", "docker.io"),
        ("team/demo", "docker.io"),
        ("docker.io/discdiver/docker-deployment", "docker.io"),
        ("localhost/demo", "localhost"),
        ("localhost:5000/demo", "localhost:5000"),
        ("registry.example.com:5000/a/b/c__d--e.f", "registry.example.com:5000"),
        ("EXAMPLE.com/demo", "example.com"),
        ("[::1]:5000/demo", "[::1]:5000"),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/x", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"),
    ],
)
def test_a_name_is_kept_and_its_registry_known(name: str, registry: str) -> None:
    assert check_name(name) == name
    assert registry_of(name) == registry


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "is empty"),
        (None, "is empty"),
        ("-rf", "'-rf' is not allowed in it"),
        ("--tag=x", "is not allowed in it"),
        ("team/-x", "'-x' is not allowed in it"),
        ("Demo", "'Demo' is not allowed in it"),
        ("team/De mo", "white space"),
        ("demo\n", "white space"),
        ("demo\x1b[31m", "white space or control"),
        ("demo:v1", "it has a tag"),
        ("localhost:5000/demo:v1", "it has a tag"),
        ("demo@sha256:" + "a" * 64, "it has a digest"),
        ("https://example.com/demo", "it is a URL"),
        ("a//b", "a part of it is empty"),
        ("demo/", "a part of it is empty"),
        ("../demo", "is not a registry"),
        ("-x.example.com/demo", "is not a registry"),
        ("a___b", "is not allowed in it"),
        ("a" * 256, "longer than 255"),
        ("a" * 64, "looks like an image's id"),
        ("dému", "is not allowed in it"),
    ],
)
def test_a_name_that_no_registry_takes_is_refused_with_a_remedy(name: object, problem: str) -> None:
    with pytest.raises(StepError, match=problem) as caught:
        check_name(name)
    assert caught.value.hint


@pytest.mark.parametrize("tag", ["latest", "v1.0", "1.0+x".replace("+", "-"), "_x", "a" * 128])
def test_a_tag_is_kept(tag: str) -> None:
    assert check_tag(tag) == tag


def test_a_tag_that_yaml_read_as_a_number_is_a_text() -> None:
    assert [check_tag(1.5), check_tag(7)] == ["1.5", "7"]


@pytest.mark.parametrize("tag", ["", "-x", ".x", "a b", "a\n", "a/b", "a:b", "1+2", "é", True, None, "a" * 129])
def test_what_is_no_tag_is_refused(tag: object) -> None:
    with pytest.raises(StepError, match="is not a tag"):
        check_tag(tag)


@pytest.mark.parametrize("tag", [None, False, datetime.date(2024, 1, 2), ["v1"], {"a": 1}, b"v1"])
def test_what_yaml_reads_as_no_text_and_no_number_is_no_tag(tag: object) -> None:
    with pytest.raises(StepError, match="is not a tag") as caught:
        check_tags(["v1", tag])
    assert "quotes" in caught.value.hint


@pytest.mark.parametrize("tags", ["v1", 1, 1.5, True, {"v1": None}, ("v1",), "", 0])
def test_further_tags_are_a_list(tags: object) -> None:
    with pytest.raises(StepError, match="additional_tags is not a list"):
        check_tags(tags)
    assert check_tags(None) == []
    assert check_tags(["v1", 2, 1.5]) == ["v1", "2", "1.5"]


@given(st.text())
def test_no_name_that_is_accepted_could_be_taken_for_an_option_or_split(name: str) -> None:
    try:
        accepted = check_name(name)
    except StepError:
        return
    assert not accepted.startswith("-")
    assert len(accepted.split()) == 1
    assert accepted.isascii()


@pytest.mark.parametrize(
    ("address", "registry"),
    [
        ("", "docker.io"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
        ("https://user:pass@ghcr.io/v2/", "ghcr.io"),
        ("GHCR.io/owner", "ghcr.io"),
        ("localhost:5000", "localhost:5000"),
        ("http://127.0.0.1:5000/", "127.0.0.1:5000"),
    ],
)
def test_a_registrys_address_is_taken_as_people_write_it(address: str, registry: str) -> None:
    assert normalize_registry(address) == registry


@pytest.mark.parametrize(
    ("version", "tag", "highest"),
    [
        ("2.11.5", "2.11.5", (3, 11)),
        ("2.16.0", "2.16.0", (3, 12)),
        ("3.4.0", "3.4.0", (3, 13)),
        ("3.8.8", "3.8.8", (3, 14)),
        ("3.0.0rc1", "3.0.0rc1", (3, 12)),
        ("3", "3", (3, 14)),
        ("3.x", "3", (3, 14)),
        ("2", "2", (3, 12)),
        (3.1, "3.1", (3, 12)),
    ],
)
def test_the_base_image_is_prefects_of_that_version(version: object, tag: str, highest: tuple[int, int]) -> None:
    major, minor = min(highest, sys.version_info[:2])
    assert base_image(version) == f"prefecthq/prefect:{tag}-python{major}.{minor}"


@pytest.mark.parametrize("version", [None, ""])
def test_without_a_version_the_base_image_is_the_latest(version: object) -> None:
    assert base_image(version) == "prefecthq/prefect:3-latest"


@pytest.mark.parametrize("version", ["latest", "3.0.0+dirty", "1!2.0", "2.0\nRUN x"])
def test_a_version_that_has_no_image_is_refused(version: str) -> None:
    with pytest.raises(StepError, match="version"):
        base_image(version)


def test_a_release_of_a_known_series_has_its_highest_python() -> None:
    assert highest_python((2, 20, 7)) == (3, 12)


@pytest.mark.parametrize(
    "message",
    [
        "received unexpected HTTP status: 503 Service Unavailable",
        "write tcp 127.0.0.1:1->127.0.0.1:2: write: connection reset by peer",
        'Get "https://x/v2/": net/http: TLS handshake timeout',
        "unexpected EOF",
        "toomanyrequests: Rate exceeded",
    ],
)
def test_what_can_pass_is_told_from_what_cannot(message: str) -> None:
    assert is_transient(message)
    assert not is_refusal(message)


@pytest.mark.parametrize(
    "message",
    [
        "unauthorized: authentication required",
        "denied: requested access to the resource is denied",
        "no basic auth credentials",
        "unexpected status code 403 Forbidden: connection reset",
    ],
)
def test_a_refusal_never_passes(message: str) -> None:
    assert is_refusal(message)
    assert not is_transient(message)


def test_what_is_wrong_with_a_name_is_told_before_anything_runs() -> None:
    found = list(check_image({"image_name": "Demo:v1", "tag": "a b", "additional_tags": ["ok", "-x", 1]}))
    assert [line.split(" is not ")[0] for line in found] == ["'Demo:v1'", "tag 'a b'", "tag '-x'"]
    references = {"image_name": "{{ build.image_name }}", "tag": None, "additional_tags": "{{ build.additional_tags }}"}
    assert list(check_image(references)) == []

"""Tags by the convention of Prefect's images."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepengine.plugin import StepError
from stepengine_steps.image_tags import image_tags

TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def test_a_release_has_its_own_tag_and_those_that_move() -> None:
    assert image_tags("2.11.5", "3.11", "0123abc") == {
        "tag": "2.11.5-python3.11",
        "additional_tags": ["2.11-python3.11", "2-python3.11", "2-latest", "sha-0123abc-python3.11"],
    }


def test_latest_is_the_highest_python_only() -> None:
    assert image_tags("2.11.5", "3.10")["additional_tags"] == ["2.11-python3.10", "2-python3.10"]
    assert "3-latest" in image_tags("3.8.8", "3.14")["additional_tags"]
    assert "1-latest" in image_tags("1.4.0", "3.12", latest_python="3.12")["additional_tags"]


def test_a_flavor_is_at_the_end_of_every_tag() -> None:
    made = image_tags("2.11.5", "3.11", "0123abc", "conda")
    assert made == {
        "tag": "2.11.5-python3.11-conda",
        "additional_tags": [
            "2.11-python3.11-conda",
            "2-python3.11-conda",
            "2-latest-conda",
            "sha-0123abc-python3.11-conda",
        ],
    }


@pytest.mark.parametrize("version", ["2.11.5rc1", "2.11.5.dev3", "3.0.0a1", "3.0.0b2.dev1"])
def test_a_prerelease_moves_nothing(version: str) -> None:
    made = image_tags(version, "3.11", "0123abc")
    assert made == {"tag": f"{version}-python3.11", "additional_tags": ["sha-0123abc-python3.11"]}


def test_a_version_is_normalized_and_no_tag_is_given_twice() -> None:
    assert image_tags("v2.11", "3.10") == {"tag": "2.11-python3.10", "additional_tags": ["2-python3.10"]}
    assert image_tags(2.11, 3.11)["tag"] == "2.11-python3.11"
    assert image_tags("2", "3.10") == {"tag": "2-python3.10", "additional_tags": []}
    assert image_tags("2.11.5.post1", "3.10")["additional_tags"] == ["2.11-python3.10", "2-python3.10"]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"version": "latest"}, "is not a version"),
        ({"version": "2.0\nx"}, "is not a version"),
        ({"version": "2.0+local"}, "cannot be a tag"),
        ({"version": "1!2.0"}, "cannot be a tag"),
        ({"version": "2.0", "python_version": "3.11.4"}, "is not a version of Python"),
        ({"version": "2.0", "python_version": "3"}, "is not a version of Python"),
        ({"version": "2.0", "commit": "-x"}, "is not a commit"),
        ({"version": "2.0", "commit": "abc"}, "is not a commit"),
        ({"version": "2.0", "flavor": "-conda"}, "is not a flavour"),
        ({"version": "2.0", "flavor": "a/b"}, "is not a flavour"),
        ({"version": "2.0", "flavor": "x" * 130}, "too long for a tag"),
    ],
)
def test_wrong_inputs_are_refused_with_a_remedy(inputs: dict[str, str], message: str) -> None:
    with pytest.raises(StepError, match=message) as caught:
        image_tags(**{"python_version": "3.11", **inputs})
    assert caught.value.hint


@given(
    st.lists(st.integers(0, 99), min_size=1, max_size=4),
    st.sampled_from(["", "a1", "rc2", ".dev0", ".post3"]),
    st.sampled_from([f"3.{minor}" for minor in range(8, 15)]),
    st.none() | st.from_regex(r"[0-9a-f]{7,40}", fullmatch=True),
    st.sampled_from([None, "conda", "kubernetes"]),
)
def test_every_tag_is_a_tag_and_only_a_release_moves_others(
    numbers: list[int], ending: str, python: str, commit: str | None, flavor: str | None
) -> None:
    version = ".".join(map(str, numbers)) + ending
    made = image_tags(version, python, commit, flavor)
    tags = [made["tag"], *made["additional_tags"]]
    assert len(tags) == len(set(tags))
    assert all(TAG.fullmatch(tag) for tag in tags)
    assert made["tag"].startswith(f"{version}-python{python}")
    if flavor:
        assert all(tag.endswith(f"-{flavor}") for tag in tags)
    if ending in ("a1", "rc2", ".dev0"):
        assert all(tag.startswith("sha-") for tag in made["additional_tags"])
    assert made == image_tags(version, python, commit, flavor)

"""What is read from a Dockerfile before it is built."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepengine.plugin import StepError
from stepengine_steps._docker.dockerfile import BaseImage, auto_dockerfile, base_images, needs_buildkit, parse


def names(text: str, *, target: str | None = None, reachable: bool = False, **arguments: str) -> list[str]:
    return [image.name for image in base_images(text, arguments, target, reachable=reachable)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a:1", ["a:1"]),
        ("from a:1 as x\nFROM x", ["a:1"]),
        ("FROM a\nFROM b", ["a", "b"]),
        ("FROM scratch\nCOPY x y", []),
        ("ARG V=3\nFROM a:${V}\nFROM b:$V-x", ["a:3", "b:3-x"]),
        ("ARG V\nFROM a:${V:-latest}", ["a:latest"]),
        ("ARG V=2\nFROM a:${V:+has}", ["a:has"]),
        ('ARG V="3.1"\nFROM a:$V', ["a:3.1"]),
        ("ARG A=x\nARG B=$A-y\nFROM $B", ["x-y"]),
        (
            "# syntax=docker/dockerfile:1\n\n# a comment\nFROM \\\n  # inside\n  a:1 \\\n  AS x\nRUN echo FROM b",
            ["a:1"],
        ),
        ("# escape=`\nFROM a`\n:1\n", ["a:1"]),
        ("FROM\ta:1 \\\n\n\tAS x\nFROM x", ["a:1"]),
        ("FROM a\nFROM c\nCOPY --from=b:2 /x /y\nCOPY --from=0 /x /y", ["a", "c", "b:2"]),
        ("FROM a AS one\nFROM b\nCOPY --chown=1 --from=one / /", ["a", "b"]),
        ("FROM a\nRUN --mount=type=bind,from=c:3,target=/c ls /c", ["a", "c:3"]),
        ("FROM a\nRUN <<EOF\nfrom x import y\nEOF\nFROM b", ["a", "b"]),
        ("FROM a\nCOPY <<-'END' /x\n\tFROM c\n\tEND\n", ["a"]),
        ("\ufeffFROM a", ["a"]),
        ("FROM a \\", ["a"]),
        ("FROM a\nRUN cat << b; true\nFROM c", ["a", "c"]),
        ("", []),
    ],
)
def test_the_images_that_a_build_starts_from(text: str, expected: list[str]) -> None:
    assert names(text) == expected


def test_build_arguments_choose_the_base() -> None:
    assert names("ARG V=3\nFROM a:$V", V="4") == ["a:4"]


def test_the_platform_of_a_base_is_known() -> None:
    text = "ARG P=linux/arm64\nFROM --platform=$P a\nFROM --platform=$BUILDPLATFORM b"
    assert base_images(text, {}, None, reachable=False) == [BaseImage("a", "linux/arm64"), BaseImage("b", "")]


def test_stages_after_the_target_are_not_built_and_buildkit_builds_only_what_it_needs() -> None:
    text = "FROM a AS one\nFROM b AS two\nFROM one AS three\nCOPY --from=d / /\nFROM c"
    assert names(text, target="three") == ["a", "b", "d"]
    assert names(text, target="three", reachable=True) == ["a", "d"]
    assert names(text, target="1") == ["a", "b"]
    assert names(text, reachable=True) == ["c"]


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("FROM a\nRUN --mount=type=secret,id=x cat /run/secrets/x", True),
        ("FROM a\nCOPY --chmod=755 a b", True),
        ("FROM a\nCOPY --chown=1:1 --link a b", True),
        ("FROM a\nRUN <<EOF\ntrue\nEOF", True),
        ("FROM a\nCOPY --chown=1:1 a b\nRUN echo --mount=x && cat < x", False),
        ("FROM a\nRUN echo $((1 << 2))", False),
    ],
)
def test_what_needs_buildkit(text: str, *, needed: bool) -> None:
    assert needs_buildkit(text) is needed


def test_auto_without_requirements_and_without_a_directory_name() -> None:
    assert auto_dockerfile("b", "", requirements=False) == "FROM b\nCOPY . /opt/prefect/\nWORKDIR /opt/prefect/\n"


@pytest.mark.parametrize("name", ["a\nRUN evil", "a\rb", "a\x00", "a\u2028RUN evil"])
def test_a_directory_name_cannot_add_instructions(name: str) -> None:
    with pytest.raises(StepError, match="no Dockerfile can hold"):
        auto_dockerfile("b", name, requirements=True)


@given(st.text())
def test_whatever_the_directory_is_called_auto_has_the_same_instructions(name: str) -> None:
    try:
        text = auto_dockerfile("b", name, requirements=True)
    except StepError:
        return
    assert [instruction.keyword for instruction in parse(text)] == ["FROM", "COPY", "RUN", "COPY", "WORKDIR"]


@given(st.text(alphabet="FROMAGUNCPY abc$\\{}:-+=\"'\n#<E", max_size=60))
def test_any_text_is_read_without_a_traceback(text: str) -> None:
    base_images(text, {}, None, reachable=True)
    needs_buildkit(text)

"""Entry points are found without importing anything, and equal to what importlib.metadata finds."""

from __future__ import annotations

import sys
from importlib.metadata import distributions

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepengine.entry_points import HOOKS, STEPS, EntryPoint, _read, find_entry_points


def install(directory, name, text, folder="{}-1.0.dist-info"):
    """Write what an installation leaves of a distribution."""
    place = directory / folder.format(name)
    place.mkdir(parents=True)
    (place / "entry_points.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    return place


STEP = "[stepengine.steps]\nshout = loud:shout\n"


def test_both_groups_are_found_and_no_other(tmp_path):
    install(
        tmp_path,
        "loud",
        f"[console_scripts]\nloud = loud:main\n{STEP}[stepengine]\nhooks = loud.hooks\n[stepengine.other]\na = b\n",
    )
    assert find_entry_points([str(tmp_path)]) == [
        EntryPoint(STEPS, "shout", "loud:shout", "loud 1.0"),
        EntryPoint(HOOKS, "hooks", "loud.hooks", "loud 1.0"),
    ]


def test_nothing_is_imported(tmp_path):
    install(tmp_path, "loud", STEP)
    (tmp_path / "loud.py").write_text("raise SystemExit(1)\n")
    assert [entry.target for entry in find_entry_points([str(tmp_path)])] == ["loud:shout"]
    assert "loud" not in sys.modules


def test_dotted_names_quotes_comments_spaces_and_extras(tmp_path):
    text = """
    # a comment
    [stepengine.steps]
    ; another
    "quoted.name" = a.b:c
    my.steps.shout=loud:shout [extra1, extra2]
      spaced   =   a : b
    """
    found = find_entry_points([str(install(tmp_path, "x", text).parent)])
    assert [(entry.name, entry.target) for entry in found] == [
        ("quoted.name", "a.b:c"),
        ("my.steps.shout", "loud:shout"),
        ("spaced", "a : b"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "stepengine",
            "[stepengine.steps",
            "stepengine.steps]\na = b",
            "a = b\n",
            "[stepengine.steps]\nno equals sign\n",
        ),
        *(
            "[stepengine.steps]\n= b\n",
            "[stepengine.steps]\na =\n",
            "[stepengine.steps]\n=\n",
            "[STEPENGINE.STEPS]\na = b\n",
        ),
        *(b"[stepengine.steps]\n\xff\xfe\n", b"\x00stepengine\x00", "[ ]\n[]\nstepengine=1"),
    ],
)
def test_a_malformed_file_gives_nothing_and_hides_nobody(tmp_path, text):
    install(tmp_path, "aaa", text)
    install(tmp_path, "loud", STEP)
    assert [entry.distribution for entry in find_entry_points([str(tmp_path)])] == ["loud 1.0"]


def test_bytes_that_are_no_utf8_do_not_hide_the_other_lines(tmp_path):
    install(tmp_path, "loud", b"# caf\xe9\n" + STEP.encode())
    assert [entry.name for entry in find_entry_points([str(tmp_path)])] == ["shout"]


@pytest.mark.parametrize(
    ("folder", "distribution"),
    [
        ("{}-2.1.dist-info", "loud 2.1"),
        ("{}-2.1.egg-info", "loud 2.1"),
        ("{}-2.1-py3.11.egg-info", "loud 2.1"),
        ("{}.egg-info", "loud"),
        ("Loud-1.0.post1+local.dist-info", "loud 1.0.post1+local"),
        ("my_Loud.thing-1.0.dist-info", "my-loud-thing 1.0"),
    ],
)
def test_the_forms_of_a_distributions_directory(tmp_path, folder, distribution):
    install(tmp_path, "loud", STEP, folder)
    assert [entry.distribution for entry in find_entry_points([str(tmp_path)])] == [distribution]


def test_what_is_on_the_way_to_be_removed_does_not_count(tmp_path):
    install(tmp_path, "loud", STEP)
    install(tmp_path, "~oud", STEP)
    assert len(find_entry_points([str(tmp_path)])) == 1


def test_of_two_distributions_of_one_name_the_first_on_the_path_counts(tmp_path):
    install(tmp_path / "one", "my_loud", "[stepengine.steps]\nfirst = a:b\n")
    install(tmp_path / "two", "My.Loud", "[stepengine.steps]\nsecond = a:b\n", "{}-2.0.dist-info")
    paths = [str(tmp_path / "one"), str(tmp_path / "two")]
    assert [entry.name for entry in find_entry_points(paths)] == ["first"]
    assert [entry.name for entry in find_entry_points(paths[::-1])] == ["second"]


def test_a_shadowed_distribution_counts_even_where_the_first_has_no_entry_points(tmp_path):
    (tmp_path / "one" / "loud-1.0.dist-info").mkdir(parents=True)
    install(tmp_path / "two", "loud", STEP)
    assert find_entry_points([str(tmp_path / "one"), str(tmp_path / "two")]) == []


def test_the_same_path_twice_counts_once(tmp_path):
    install(tmp_path, "loud", STEP)
    assert len(find_entry_points([str(tmp_path), str(tmp_path)])) == 1


def test_the_empty_path_is_the_current_directory(tmp_path, monkeypatch):
    install(tmp_path, "loud", STEP)
    monkeypatch.chdir(tmp_path)
    assert len(find_entry_points([""])) == 1


@pytest.mark.parametrize("path", ["missing", "a-file", "archive.zip", "\0", "x" * 5000])
def test_paths_that_cannot_be_read_are_passed_over(tmp_path, path):
    (tmp_path / "a-file").write_text("")
    (tmp_path / "archive.zip").write_bytes(b"PK")
    install(tmp_path / "good", "loud", STEP)
    assert len(find_entry_points([str(tmp_path / path), str(tmp_path / "good")])) == 1


def test_a_directory_and_a_file_that_cannot_be_opened_are_passed_over(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    install(tmp_path / "good", "aaa", STEP)
    (tmp_path / "good" / "bbb-1.0.dist-info").mkdir()
    (tmp_path / "good" / "bbb-1.0.dist-info" / "entry_points.txt").symlink_to("entry_points.txt")
    assert len(find_entry_points([str(tmp_path / "loop"), str(tmp_path / "good")])) == 1


def test_an_egg_info_that_is_a_file_and_entry_points_that_are_a_directory(tmp_path):
    (tmp_path / "old-1.0.egg-info").write_text("Name: old\n")
    (tmp_path / "odd-1.0.dist-info" / "entry_points.txt").mkdir(parents=True)
    assert find_entry_points([str(tmp_path)]) == []


def test_they_are_those_that_the_standard_library_finds():
    standard = {
        (each.group, each.name, each.value)
        for distribution in distributions()
        for each in distribution.entry_points
        if each.group in (STEPS, HOOKS)
    }
    assert {(entry.group, entry.name, entry.target) for entry in find_entry_points()} == standard
    assert len(standard) > 20


@given(st.binary(max_size=200) | st.text("[]stepengine.=:#;\n \"'ab").map(str.encode))
def test_no_content_makes_it_fail(tmp_path_factory, data):
    place = tmp_path_factory.getbasetemp() / "any"
    place.mkdir(exist_ok=True)
    (place / "entry_points.txt").write_bytes(b"stepengine\n" + data)
    for entry in _read(str(place), "x 1"):
        assert entry.name
        assert entry.target

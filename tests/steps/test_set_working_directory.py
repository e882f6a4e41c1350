import os

import pytest

from stepengine.plugin import Context, StepError
from stepengine_steps.directory import set_working_directory


@pytest.fixture
def context(tmp_path):
    return Context(str(tmp_path))


def test_it_gives_and_sets_the_absolute_path(context, tmp_path):
    (tmp_path / "sub").mkdir()
    assert set_working_directory("sub", context=context) == {"directory": str(tmp_path / "sub")}
    assert context.directory == str(tmp_path / "sub")


def test_each_is_relative_to_the_one_before(context, tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    set_working_directory("a", context=context)
    assert set_working_directory("b", context=context)["directory"] == str(tmp_path / "a" / "b")
    assert set_working_directory("..", context=context)["directory"] == str(tmp_path / "a")


def test_symbolic_links_are_resolved(context, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real", target_is_directory=True)
    assert set_working_directory("link", context=context)["directory"] == str(tmp_path / "real")


def test_the_home_directory_is_expanded(context, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert set_working_directory("~", context=context)["directory"] == str(tmp_path)


def test_the_process_stays_where_it_is(context, tmp_path):
    before = os.getcwd()
    (tmp_path / "sub").mkdir()
    set_working_directory("sub", context=context)
    assert os.getcwd() == before


@pytest.mark.parametrize(("place", "what"), [("missing", "does not exist"), ("file", "is no directory")])
def test_what_is_no_directory_is_refused(context, tmp_path, place, what):
    (tmp_path / "file").write_text("")
    with pytest.raises(StepError) as caught:
        set_working_directory(place, context=context)
    assert caught.value.message == f"cannot enter {place}: it {what}"
    assert caught.value.hint
    assert context.directory == str(tmp_path)


@pytest.mark.parametrize("place", ["", "a\0b"])
def test_what_is_no_path_is_refused(context, place):
    with pytest.raises(StepError):
        set_working_directory(place, context=context)

"""Locks that are stale, broken or hostile, and what `stepengine lock` does."""

from __future__ import annotations

import os

import pytest

from stepengine.environments.lock_file import parse_lock
from stepengine.errors import UsageError

SAY = "def say():\n    return {'said': 'yes'}\n"
STEP = ("noise.say", "noise")
NAME = "prefect.lock.toml"


@pytest.fixture
def locked(isolated, package_index):
    """A project that is locked to noise 1.0 and tone 1.0; there are newer ones."""
    package_index.add("noise", "1.0", {"noise.py": SAY}, requires=["tone"])
    package_index.add("tone", "1.0")
    isolated.write_steps(STEP)
    outcome = isolated.stepengine("lock")
    assert outcome.code == 0, outcome.err
    package_index.add("tone", "2.0")
    return isolated


def lock_text(requirement="tone==1.0", digest="sha256:" + "0" * 64, python=">=3.10", version=1, requires="noise"):
    return (
        f"version = {version}\npython = {python!r}\n[[sets]]\nrequirements = [{requires!r}]\n"
        f"[[sets.packages]]\nrequirement = {requirement!r}\nhashes = [{digest!r}]\n"
    )


def test_locking_again_gives_the_same_bytes_and_upgrading_does_not(locked):
    before = (locked.directory / NAME).read_bytes()
    assert locked.stepengine("lock").code == 0
    assert (locked.directory / NAME).read_bytes() == before
    assert locked.stepengine("lock", "--check").code == 0
    assert locked.stepengine("lock", "--upgrade").code == 0
    assert b"tone==2.0" in (locked.directory / NAME).read_bytes()
    assert sorted(os.listdir(locked.directory)) == [NAME, "prefect.yaml"]


def test_what_is_locked_is_installed_though_there_is_something_newer(locked):
    outcome = locked.stepengine("run", "--install")
    assert outcome.code == 0, outcome.err
    listed = locked.stepengine("env", "list", "--format", "json").json["environments"]
    assert listed[0]["packages"] == ["noise 1.0", "tone 1.0"]
    assert listed[0]["locked"] is True


def test_a_stale_lock_is_refused_by_locked_and_told_by_check(locked):
    locked.write_steps(("noise.say", "noise<2"))
    refused = locked.stepengine("run", "--install", "--locked", "--format", "json")
    assert refused.code == 4
    assert "has no lock for noise<2" in refused.json["error"]["message"]
    assert refused.json["error"]["where"] == "prefect.yaml:3:15"
    checked = locked.stepengine("lock", "--check")
    assert checked.code == 1
    assert "has no lock for noise<2" in checked.err
    assert "which no step requires" in checked.err
    assert locked.made() == []


def test_a_lock_for_another_python_is_refused_by_locked(locked):
    locked.write(NAME, lock_text(python="<3"))
    refused = locked.stepengine("run", "--install", "--locked")
    assert refused.code == 4
    assert "is for Python <3" in refused.err


BROKEN = {
    "empty": "",
    "garbage": "\0\1 = [",
    "another version": "version = 99\n",
    "text version": 'version = "1"\n',
    "deep": "version = 1\na = " + "[" * 50_000,
    "sets are a number": 'version = 1\npython = ">=3"\nsets = 3\n',
    "set is a text": 'version = 1\npython = ">=3"\nsets = ["x"]\n',
    "python is no specifier": lock_text(python="three"),
    "python is missing": "version = 1\n",
    "no requirement": lock_text(requirement="not a requirement"),
    "set of no requirement": lock_text(requires="--index-url=http://evil"),
    "option": lock_text(requirement="--index-url=http://evil.example"),
    "option after": lock_text(requirement="tone==1.0 --index-url=http://evil.example"),
    "hash is an option": lock_text(digest="sha256:00 --index-url=http://evil.example"),
    "hash of lines": lock_text().replace(f"'sha256:{'0' * 64}'", '"sha256:00\\n--index-url=http://evil.example"'),
    "no hash": lock_text().replace(f"'sha256:{'0' * 64}'", ""),
    "hash is a number": lock_text().replace(f"'sha256:{'0' * 64}'", "7"),
}
for name, line_end in {
    "newline": "\\n",
    "vertical tab": "\\u000b",
    "line separator": "\\u2028",
    "next line": "\\u0085",
}.items():
    address = f'"tone @ http://h.example/tone{line_end}--index-url=http://evil.example"'
    BROKEN[f"address with {name}"] = lock_text().replace("'tone==1.0'", address)
    marker = f"\"tone==1.0; os_name != 'a{line_end}--index-url=http://evil.example'\""
    BROKEN[f"marker with {name}"] = lock_text().replace("'tone==1.0'", marker)


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_lock_is_refused_in_one_line(text):
    with pytest.raises(UsageError) as refused:
        parse_lock(text.encode(), "prefect.lock.toml")
    assert refused.value.message.startswith("prefect.lock.toml is")
    assert "\n" not in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize("command", [["run", "--install"], ["run", "--locked"], ["plan"], ["lock"]])
def test_commands_tell_of_a_lock_that_is_none(locked, command):
    locked.write(NAME, "garbage")
    outcome = locked.stepengine(*command)
    assert outcome.code == 2, outcome.err
    assert f"{NAME} is no lock" in outcome.err
    assert locked.made() == []


@pytest.mark.parametrize("line_end", ["\\n", "\\u2028", "\\x0b"])
def test_a_requirement_of_two_lines_is_no_requirement(isolated, line_end):
    text = f'"tone @ http://127.0.0.1:1/tone.whl{line_end}--index-url=http://127.0.0.1:1/"'
    isolated.write_steps(("noise.say", text))
    outcome = isolated.stepengine("run", "--install")
    assert outcome.code == 2
    assert "is no requirement" in outcome.err


def test_a_lock_that_cannot_be_written(locked, tmp_path):
    (locked.directory / NAME).unlink()
    (locked.directory / NAME).mkdir()
    refused = locked.stepengine("lock", "--upgrade")
    assert refused.code == 2, refused.err
    assert "is no file" in refused.err
    assert sorted(os.listdir(locked.directory)) == [NAME, "prefect.yaml"]


def test_a_lock_is_the_same_wherever_it_is_written(isolated, package_index):
    package_index.add("noise", "1.0", {"noise.py": SAY})
    isolated.write_steps(("noise.say", "noise; sys_platform == 'nowhere'"))
    assert isolated.stepengine("lock").code == 0
    assert "sys_platform" in (isolated.directory / NAME).read_text()
    assert isolated.stepengine("lock", "--check").code == 0


def test_what_is_kept_is_for_the_python_that_it_was_locked_for(locked):
    path = locked.directory / NAME
    path.write_text(path.read_text().replace(path.read_text().split("python = ")[1].split("\n")[0], '">=3.8"'))
    before = path.read_text()
    assert locked.stepengine("lock").code == 0
    assert path.read_text() == before
    path.write_text(before.replace('">=3.8"', '">=3.99"'))
    assert locked.stepengine("lock").code == 0
    assert "3.99" not in path.read_text()
    assert "tone==2.0" in path.read_text()


def test_a_lock_that_is_no_file_is_refused_and_not_waited_for(locked):
    path = locked.directory / NAME
    path.unlink()
    os.mkfifo(path)
    outcome = locked.stepengine("plan")
    assert outcome.code == 2
    assert "is no file" in outcome.err

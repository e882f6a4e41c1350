"""What cannot be installed, by uv or by pip: exit 4, one line of what and where, a hint, and nothing left half made."""

from __future__ import annotations

import pytest

SAY = "def say():\n    return {'said': 'yes'}\n"
BEFORE = ("noise.say", "noise")


@pytest.fixture
def index(package_index):
    package_index.add("noise", "1.0", {"noise/__init__.py": SAY})
    return package_index


def refuse(isolated, requires, *said, hint=""):
    """Fail to install, and leave the cache as it was."""
    made = isolated.made()
    isolated.write_steps(("tone.say", requires))
    outcome = isolated.stepengine("run", "--install", "--format", "json")
    assert outcome.code == 4, outcome.err
    error = outcome.json["error"]
    line = requires.find("tone") + len("    requires: ") + 1
    assert error["where"] == f"prefect.yaml:3:{line}"
    assert error["hint"]
    assert hint in error["hint"]
    assert "\n" not in error["message"]
    for each in said:
        assert each in error["message"]
    assert f"error: {error['message']}\n  at {error['where']}\n  help: {error['hint']}\n" in outcome.err
    assert isolated.left() == []
    assert isolated.made() == made
    return error


def test_a_requirement_that_no_index_has(either_project, index):
    assert either_project.install(BEFORE).code == 0
    error = refuse(either_project, "tone", "tone cannot be installed")
    assert "404" not in error["message"]
    again = either_project.install(BEFORE)
    assert again.code == 0
    assert "installing" not in again.err


def test_a_version_that_is_not_there(either_project, index):
    index.add("tone", "1.0")
    refuse(either_project, "tone==9", "tone==9")


def test_versions_that_are_yanked_are_told(either_project, index):
    index.add("tone", "1.0", yanked="it is flat")
    refuse(either_project, "tone", "yanked", "1.0")


def test_versions_for_another_python_are_told(either_project, index):
    index.add("tone", "1.0", requires_python=">=4")
    refuse(either_project, "tone", "ython", ">=4")


def test_pins_that_contradict_each_other_are_told(either_project, index):
    index.add("tone", "1.0", requires=["low==1"])
    index.add("hum", "1.0", requires=["low==2"])
    index.add("low", "1")
    index.add("low", "2")
    refuse(either_project, "[tone, hum]", "tone", "hum", "low==1", "low==2")


def test_an_index_that_answers_500(either_project, index):
    index.add("tone", "1.0")
    index.fail(500)
    refuse(either_project, "tone", "/simple/tone/", "500")


def test_an_index_that_hangs(either_project, index):
    index.add("tone", "1.0")
    either_project.environ |= {"UV_HTTP_TIMEOUT": "1", "PIP_DEFAULT_TIMEOUT": "1"}
    index.fail("hang")
    refuse(either_project, "tone", "/simple/tone/")


def test_a_connection_that_breaks(either_project, index):
    index.add("tone", "1.0")
    index.fail("cut")
    refuse(either_project, "tone")


def test_an_index_that_is_not_there(either_project, index):
    index.close()
    refuse(either_project, "tone", "/simple/tone/")


def test_an_index_that_wants_a_login(either_project, index):
    index.add("tone", "1.0")
    index.require_login("ada:secret")
    refuse(either_project, "tone", hint="login")


def test_an_archive_that_is_not_what_the_index_lists_is_not_blamed_on_a_lock(either_project, index):
    index.add("tone", "1.0")
    index.fail("tamper", "tone")
    error = refuse(either_project, "tone", "has not the hash that the index lists")
    assert "lock" not in error["message"] + error["hint"]


@pytest.mark.parametrize("change", ["lock", "archive"])
def test_a_wrong_hash_in_the_lock_and_an_archive_exchanged_after_it(either_project, index, change, tmp_path):
    index.add("tone", "1.0", {"tone.py": SAY})
    either_project.write_steps(("tone.say", "tone"))
    assert either_project.stepengine("lock").code == 0
    lock = either_project.directory / "prefect.lock.toml"
    digest = index.find("tone-1.0-py3-none-any.whl").sha256
    assert digest in lock.read_text()
    if change == "lock":
        lock.write_text(lock.read_text().replace(digest, "0" * 64))
    else:
        index.add("tone", "1.0", {"tone.py": SAY + "# another\n"})
    # Another machine: what was taken into the installers' caches for locking is not here.
    either_project.environ |= {name: str(tmp_path / "empty") for name in ("UV_CACHE_DIR", "PIP_CACHE_DIR")}
    refuse(either_project, "tone", "tone==1.0 has not the hash that the lock has", hint="lock --upgrade")


def test_what_pip_has_locked_pip_installs_and_uv_too(either_project, index, tmp_path):
    either_project.write_steps(BEFORE)
    assert either_project.stepengine("lock").code == 0
    assert either_project.stepengine("run", "--install", "--locked").code == 0
    (made,) = either_project.made()
    assert not list(made.rglob("*requirements.txt"))


def test_a_cache_whose_path_has_spaces(either_project, index):
    either_project.environ["STEPENGINE_CACHE_DIR"] = str(either_project.directory / "a cache, 'quoted' – ü")
    assert either_project.install(BEFORE).code == 0


def test_another_version_of_stepengine_is_not_installed_in_silence(isolated):
    isolated.write("own.py", "def tell(): ...\n")
    outcome = isolated.run("build:\n- own.tell: {requires: 'stepengine>=99'}\n", "--install")
    assert outcome.code == 4
    assert "stepengine>=99 cannot be met: stepengine " in outcome.err

"""A cache that somebody has damaged: what is damaged is not used, is told, is made anew and is swept."""

from __future__ import annotations

import json
import os
import shutil
import sys

import pytest

from stepengine.environments.layout import interpreter_of, packages_of
from stepengine.environments.store import Store

SAY = "def say():\n    import noise.deep\n    return {'said': 'yes'}\n"
STEP = ("noise.say", "noise")


@pytest.fixture
def made(isolated, package_index):
    package_index.add("noise", "1.0", {"noise/__init__.py": SAY, "noise/deep.py": ""})
    assert isolated.install(STEP).code == 0
    (directory,) = isolated.made()
    return directory


def rewrite(path, change):
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(change(manifest)))


def loop(directory):
    shutil.rmtree(directory)
    os.symlink(directory, directory)


def link_elsewhere(directory):
    elsewhere = directory.parent.parent / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    (elsewhere / "mine").write_text("")
    shutil.rmtree(directory)
    os.symlink(elsewhere, directory)


def replace_by_file(directory):
    shutil.rmtree(directory)
    directory.write_text("")


def remove_info(directory):
    for each in packages(directory).glob("*.dist-info"):
        shutil.rmtree(each)


def packages(directory):
    return directory.joinpath(*os.path.relpath(packages_of(str(directory)), directory).split(os.sep))


DAMAGES = {
    "interpreter": lambda directory: os.unlink(interpreter_of(str(directory))),
    "interpreter loop": lambda directory: (
        os.unlink(interpreter_of(str(directory))),
        os.symlink("python", interpreter_of(str(directory))),
    ),
    "no manifest": lambda directory: (directory / "stepengine.json").unlink(),
    "empty manifest": lambda directory: (directory / "stepengine.json").write_text(""),
    "cut manifest": lambda directory: (directory / "stepengine.json").write_text('{"requirements": ["no'),
    "binary manifest": lambda directory: (directory / "stepengine.json").write_bytes(os.urandom(99) + b"\xff"),
    "list": lambda directory: (directory / "stepengine.json").write_text("[]"),
    "deep": lambda directory: (directory / "stepengine.json").write_text("[" * 100_000),
    "requirements": lambda directory: rewrite(directory / "stepengine.json", lambda it: {**it, "requirements": [1]}),
    "distributions": lambda directory: rewrite(directory / "stepengine.json", lambda it: {**it, "distributions": 3}),
    "info": remove_info,
    "packages": lambda directory: shutil.rmtree(packages(directory)),
    "manifest is a directory": lambda directory: (
        (directory / "stepengine.json").unlink(),
        (directory / "stepengine.json").mkdir(),
    ),
    "loop": loop,
    "link": link_elsewhere,
    "file": replace_by_file,
}


@pytest.mark.parametrize("damage", ["interpreter", "packages", "loop", "link", "file"])
def test_what_is_damaged_is_not_used_is_told_and_is_made_anew(isolated, made, damage):
    DAMAGES[damage](made)
    refused = isolated.stepengine("run")
    assert refused.code == 4
    assert "help: stepengine run --install" in refused.err
    listed = isolated.stepengine("env", "list", "--format", "json")
    (told,) = listed.json["environments"]
    assert told["key"] == made.name
    assert told["problem"]
    again = isolated.stepengine("run", "--install")
    assert again.code == 0, again.err
    assert isolated.made() == [made]
    assert isolated.left() == []
    assert not (made / "mine").exists()


def test_what_is_damaged_is_swept_and_what_it_points_to_is_not(isolated, made):
    store = Store(str(isolated.cache))
    for name, damage in DAMAGES.items():
        copy = made.parent / name.replace(" ", "-")
        shutil.copytree(made, copy, symlinks=True)
        damage(copy)
    (made.parent / ".removed-file").write_text("")
    (made.parent / ".removed-half").mkdir()
    assert isolated.stepengine("env", "list").code == 0
    listed = isolated.stepengine("env", "list", "--format", "json")
    whole = [each["key"] for each in listed.json["environments"] if each["problem"] is None]
    assert whole == [made.name]
    assert len(listed.json["environments"]) == len(DAMAGES) + 3
    pruned = isolated.stepengine("env", "prune")
    assert pruned.code == 0, pruned.err
    assert [each.key for each in store.list()] == [made.name]
    assert isolated.left() == []
    assert (isolated.cache / "elsewhere" / "mine").exists()


@pytest.mark.parametrize("lost", ["noise/deep.py", "noise/__init__.py", "noise"])
def test_a_step_that_fails_for_a_lost_file_tells_how_to_have_the_environment_made_anew(isolated, made, lost):
    path = packages(made) / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    failed = isolated.stepengine("run")
    assert failed.code != 0
    assert f"stepengine env prune {made.name}" in failed.err
    assert isolated.stepengine("env", "prune", made.name).code == 0
    assert isolated.stepengine("run", "--install").code == 0


def test_an_interpreter_that_does_not_start(isolated, made):
    python = interpreter_of(str(made))
    os.unlink(python)
    with open(python, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\necho broken >&2\nexit 7\n")
    os.chmod(python, 0o755)
    failed = isolated.stepengine("run")
    assert failed.code == 1
    assert "exit status 7" in failed.err
    assert "broken" in failed.err
    assert f"stepengine env prune {made.name}" in failed.err
    os.chmod(python, 0o644)
    failed = isolated.stepengine("run")
    assert "damaged" in failed.err
    assert f"stepengine env prune {made.name}" in failed.err


def test_an_environment_is_of_one_interpreter(isolated, made):
    assert made.name in os.listdir(made.parent)
    assert json.loads((made / "stepengine.json").read_text())["python"] == sys.version.partition(" ")[0]

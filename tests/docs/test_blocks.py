"""What the pages show is run: files, commands, and what they print."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from support import pages

if TYPE_CHECKING:
    from support.command import Project
    from support.pages import Block

MARKS = {
    "yaml": ("validate", "run", "part", "file="),
    "sh": ("run", "exit=", "author", "docker", "setup", "manual"),
    "python": ("file=",),
    "toml": ("plugin", ""),
    "pycon": ("doctest",),
    "text": ("output", "file=", ""),
}
EXECUTED = ("run", "validate", "exit=", "author", "output", "file=", "plugin")


class Printed(NamedTuple):
    """What a block printed, with its place."""

    block: Block
    text: str


def is_marked(block: Block, *marks: str) -> bool:
    words = block.words or ("",)
    return any(word == mark or (mark.endswith("=") and word.startswith(mark)) for word in words for mark in marks)


@pytest.mark.parametrize("page", pages.pages())
def test_each_block_says_what_it_is(page):
    for block in pages.blocks(page):
        assert is_marked(block, *MARKS[block.language]), f"{page}:{block.line}"


@pytest.mark.parametrize("page", [page for page in pages.pages() if pages.blocks(page)])
def test_a_page_does_what_it_shows(page, cli):
    reader = PageRunner(cli)
    for block in pages.blocks(page):
        if is_marked(block, *EXECUTED):
            reader.take(block)


class PageRunner:
    """Does what the blocks of a page show, in one directory."""

    def __init__(self, cli: Project) -> None:
        self._cli = cli
        self._printed: Printed | None = None
        self._fresh = 0
        self._author: AuthorShell | None = None
        cli.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), cli.environ["PATH"]])
        cli.environ["PYTHONPATH"] = str(cli.directory)
        cli.environ.pop("CI", None)
        for name in ("GREETING", "REGION"):
            cli.environ.pop(name, None)

    def take(self, block: Block) -> None:
        place = f"{block.page}:{block.line}"
        if block.language == "text" and "output" in block.words:
            assert self._printed is not None, place
            assert re.fullmatch(_pattern(block.text), self._printed.text), f"{place}\n{self._printed.text}"
            return
        name = block.word("file")
        if name and self._author is not None:
            self._author.write(name, block.text)
        elif name:
            self._cli.write(name, block.text)
        if "plugin" in block.words:
            self._install(block.text)
        if block.language == "yaml" and ("run" in block.words or "validate" in block.words):
            self._file(block, name or self._write_fresh(block.text))
        elif "author" in block.words:
            self._author = self._author or AuthorShell(self._cli)
            self._printed = Printed(block, self._author.run(block))
        elif block.language == "sh" and is_marked(block, "run", "exit="):
            self._printed = Printed(
                block, self._run(["sh", "-e", "-c", block.text], block, int(block.word("exit") or 0))
            )

    def _write_fresh(self, text: str) -> str:
        self._fresh += 1
        name = f"block-{self._fresh}/prefect.yaml"
        self._cli.write(name, text)
        return name

    def _file(self, block: Block, name: str) -> None:
        self._run(["stepengine", "validate", name], block, 0)
        if "run" in block.words:
            self._printed = Printed(block, self._run(["stepengine", "run", name], block, 0))

    def _run(self, command: list[str], block: Block, code: int) -> str:
        done = subprocess.run(
            command,
            cwd=self._cli.directory,
            env=self._cli.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, f"{block.page}:{block.line}\n{done.stdout}"
        assert "Traceback" not in done.stdout
        return done.stdout

    def _install(self, text: str) -> None:
        """Register a package's entry points as an installation would."""
        if sys.version_info >= (3, 11):
            import tomllib
        else:
            import tomli as tomllib
        project = tomllib.loads(text)["project"]
        lines = []
        for group, entries in project["entry-points"].items():
            lines += [f"[{group}]", *(f"{name} = {target}" for name, target in entries.items())]
        info = f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        self._cli.write(f"{info}/entry_points.txt", "\n".join(lines) + "\n")


class AuthorShell:
    """A shell of somebody who has Python and a clone of stepengine, and nothing else; it stays for a page's blocks."""

    def __init__(self, cli: Project) -> None:
        self._directory = cli.directory
        self._state = cli.write("../shell/state.sh", "")
        python = cli.write("../shell/bin/python3", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
        own = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
        self._environ = {name: value for name, value in cli.environ.items() if name not in own}
        others = [path for path in os.environ["PATH"].split(os.pathsep) if path != os.path.dirname(sys.executable)]
        self._environ["PATH"] = os.pathsep.join([str(python.parent), *others])
        cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        self._environ.setdefault("PIP_CACHE_DIR", os.path.join(cache, "pip"))

    def write(self, name: str, text: str) -> None:
        """Write a file where the shell is."""
        path = Path(self._state.with_name("directory").read_text(encoding="utf-8").strip(), name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run(self, block: Block) -> str:
        """Run a block's commands, and give what they print."""
        shell = shlex.quote(str(self._state.parent))
        script = block.text.replace("PATH-OF-THE-CLONE", shlex.quote(str(pages.ROOT)))
        keep = f"trap 'export -p > {shell}/state.sh; pwd > {shell}/directory' EXIT\n"
        done = subprocess.run(
            ["sh", "-e", "-c", f'. {shell}/state.sh\ncd "$PWD"\n{keep}{script}'],
            cwd=self._directory,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == int(block.word("exit") or 0), f"{block.page}:{block.line}\n{done.stdout}"
        return done.stdout


def _pattern(text: str) -> str:
    return ".*".join(re.escape(part) for part in text.split("…"))


@pytest.mark.parametrize(
    "page", [page for page in pages.pages() if any("doctest" in b.words for b in pages.blocks(page))]
)
def test_doctests(page):
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner()
    for block in pages.blocks(page):
        if "doctest" in block.words:
            names = dict(vars(__import__("stepengine.plugin", fromlist=["step"])))
            # A step's output streams do not go through doctest's: its report looks at `sys.stdout` when it is made.
            runner.run(parser.get_doctest(block.text, names, page, page, block.line))
    assert runner.summarize(verbose=False).failed == 0


@pytest.mark.docker
def test_the_docker_example_of_the_readme_runs(cli, services, image_name):
    found = pages.blocks("README.md")
    for block in found:
        if block.word("file"):
            cli.write(block.word("file"), block.text.replace("localhost:5000/demos/docker-deployment", image_name))
    cli.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), cli.environ["PATH"]])
    (commands,) = (block.text for block in found if "docker" in block.words)
    commands = commands.replace("localhost:5000", services.registry).replace('"me"', f'"{services.username}"')
    commands = commands.replace("my-password", services.password)
    done = subprocess.run(
        ["sh", "-e", "-c", commands], cwd=cli.directory, env=cli.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "ended up in /opt/prefect/demos" in done.stderr
    assert "warning" not in done.stderr.replace("warning: build-image: cannot pull", "")
    assert services.password not in done.stdout + done.stderr

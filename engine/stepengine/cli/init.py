"""`stepengine init`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from stepengine.cli.project import FILE_NAME, current_directory
from stepengine.cli.project_facts import read_facts
from stepengine.cli.provisioning import is_asked
from stepengine.cli.recipes import DESCRIPTION, FoundRecipe, find_recipe, list_recipes, tell_recipes
from stepengine.diagnostics.diagnostic import did_you_mean, one_line
from stepengine.errors import UsageError
from stepengine.recipes.rendering import IGNORE, expand, render

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping

    from stepengine.recipes.description import Field

_IGNORE_NAME = ".prefectignore"
_MAX_FILE = 1 << 20


def init(options: argparse.Namespace) -> int:
    """Write a prefect.yaml, and what goes with it.

    Returns:
        0.

    Raises:
        UsageError: a field is missing or does not fit, or the file is there.
    """
    directory = os.path.abspath(os.path.join(current_directory(), options.directory or ""))
    path = os.path.join(directory, FILE_NAME)
    if os.path.lexists(path) and not options.force:
        hint = "name another directory, or add --force to write over it"
        raise UsageError(f"there is a {os.path.relpath(path)} already", hint=hint)
    given = _read_given(options.field)
    facts = read_facts(directory)
    recipe = find_recipe(options.recipe) if options.recipe else _choose(facts)
    values = _values(recipe, given, facts)
    try:
        text = render(recipe.template, values)
    except ValueError as error:
        hint = f"its folder is {recipe.directory}"
        raise UsageError(f"the recipe {recipe.name} ({recipe.provider}) is broken: {error}", hint=hint) from error
    _write_all(directory, text, recipe, force=options.force)
    sys.stderr.write("next: stepengine validate, then stepengine plan\n")
    return 0


def _read_given(words: Iterable[str]) -> dict[str, str]:
    """Read the command line's `--field`."""
    given = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not name or not equals:
            raise UsageError(f"--field {word!r} is no name=value", hint="for example: --field tag=latest")
        given[name] = value
    return given


def _choose(facts: Mapping[str, str | None]) -> FoundRecipe:
    """Ask for the recipe on a terminal, a good guess first; elsewhere say which there are.

    Raises:
        UsageError: nobody is there to be asked, or there is no such recipe.
    """
    found = list_recipes()
    if not is_asked():
        names = ", ".join(each.name for each in found)
        raise UsageError("no recipe is named", hint=f"add --recipe NAME; there are: {names}")
    guess = "docker" if facts["dockerfile"] != "auto" else "git" if facts["repository"] else "local"
    found.sort(key=lambda each: each.name != guess)
    sys.stderr.write(tell_recipes(found))
    return find_recipe(_ask("recipe", "", found[0].name))


def _ask(name: str, meaning: str, default: str | None) -> str:
    """Ask for a value on the terminal.

    Raises:
        UsageError: the input is at its end.
    """
    about = f" ({one_line(meaning)})" if meaning else ""
    proposed = f" [{one_line(default)}]" if default else ""
    sys.stderr.write(f"{name}{about}{proposed}: ")
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        sys.stderr.write("\n")
        raise UsageError("the answer is missing: the input is at its end", hint="say it by an option: see --help")
    return line.strip() or default or ""


def _values(recipe: FoundRecipe, given: Mapping[str, str], facts: Mapping[str, str | None]) -> dict[str, str | None]:
    """Give the value of each field: what the command line says, what is asked for, or the default.

    Raises:
        UsageError: one is missing, unknown, or does not fit.
    """
    fields = recipe.description.fields
    names = [field.name for field in fields]
    for name in given:
        if name not in names:
            hint = did_you_mean(name, names, f"it has: {', '.join(names)}")
            raise UsageError(f"the recipe {recipe.name} has no field {name!r}", hint=hint)
    values: dict[str, str | None] = {}
    missing: list[str] = []
    for field in fields:
        default = None if field.default is None else expand(field.default, facts)
        does_not_fit = default is not None and bool(field.problem(default))  # as of an odd directory's name
        default = None if does_not_fit else default
        if field.name in given:
            values[field.name] = _fitting(field, given[field.name])
        elif not field.required and not does_not_fit:
            values[field.name] = default
        elif is_asked():
            values[field.name] = _ask_fitting(field, default)
        else:
            missing.append(f"--field {field.name}={default or '…'}")
    if missing:
        what = ", ".join(word.split()[1].partition("=")[0] for word in missing)
        raise UsageError(f"the recipe {recipe.name} needs {what}", hint=f"add {' '.join(missing)}")
    return values


def _fitting(field: Field, value: str) -> str:
    problem = field.problem(value)
    if problem:
        raise UsageError(f"--field {field.name} {one_line(problem)}", hint=one_line(f"it is {field.meaning}"))
    return value


def _ask_fitting(field: Field, default: str | None) -> str:
    while True:
        value = _ask(field.name, field.meaning, default)
        problem = field.problem(value)
        if not problem:
            return value
        sys.stderr.write(f"{field.name} {one_line(problem)}\n")


def _write_all(directory: str, text: str, recipe: FoundRecipe, *, force: bool) -> None:
    """Write the files; beside prefect.yaml those that are there are kept.

    Raises:
        UsageError: one cannot be written.
    """
    files = {_IGNORE_NAME: IGNORE.encode(), **_further_files(recipe), FILE_NAME: text.encode()}
    try:
        os.makedirs(directory, exist_ok=True)
        for name, data in files.items():
            path = os.path.join(directory, name)
            if name == FILE_NAME and force:
                _replace(path, data)
            elif os.path.lexists(path) and name != FILE_NAME:
                sys.stderr.write(f"kept {os.path.relpath(path)}: it was there\n")
                continue
            else:
                with open(path, "xb") as file:
                    file.write(data)
            sys.stderr.write(f"wrote {os.path.relpath(path)}\n")
    except OSError as error:
        where = error.filename or directory
        raise UsageError(f"{where} cannot be written: {error.strerror}", hint="name another directory") from error


def _replace(path: str, data: bytes) -> None:
    """Put a file in the place of another, at once."""
    import tempfile

    descriptor, made = tempfile.mkstemp(prefix=f".{FILE_NAME}-", dir=os.path.dirname(path))
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.chmod(made, 0o644)
        os.replace(made, path)
    except BaseException:
        os.unlink(made)
        raise


def _further_files(recipe: FoundRecipe) -> dict[str, bytes]:
    """Give the files that a recipe brings beside its template.

    Raises:
        UsageError: one cannot be read.
    """
    files = {}
    try:
        for name in sorted(os.listdir(recipe.directory)):
            path = os.path.join(recipe.directory, name)
            if name in (DESCRIPTION, FILE_NAME) or os.path.islink(path) or not os.path.isfile(path):
                continue
            with open(path, "rb") as file:
                files[name] = file.read(_MAX_FILE + 1)
            if len(files[name]) > _MAX_FILE:
                raise UsageError(f"{path} has more than 1 MiB", hint="take it out of the recipe")
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be read: {error.strerror}", hint="mend the recipe") from error
    return files

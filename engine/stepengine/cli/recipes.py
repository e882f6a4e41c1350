"""`stepengine recipes list|show`, and finding recipes."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from stepengine.cli.output import own_stdout, write_document
from stepengine.cli.project import FILE_NAME, current_directory, warn_on_stderr
from stepengine.diagnostics.diagnostic import did_you_mean, one_line
from stepengine.entry_points import find_entry_points
from stepengine.errors import UsageError
from stepengine.hooks.manager import Hooks
from stepengine.recipes.description import Description, read_description
from stepengine.records import Record
from stepengine.terminal import style_for

if TYPE_CHECKING:
    import argparse

    from stepengine.hooks.types import Recipe

DESCRIPTION = "recipe.toml"
_MAX_FILE = 1 << 20
_OWN = "stepengine"


class FoundRecipe(Record):
    """A recipe that can be used.

    Attributes:
        name: Its name.
        directory: Its folder.
        provider: Whose it is, for people.
        description: Its recipe.toml.
        template: The text of its prefect.yaml.
    """

    name: str
    directory: str
    provider: str
    description: Description
    template: str


def recipes(options: argparse.Namespace) -> int:
    """List the recipes that there are, or show one.

    Returns:
        0.

    Raises:
        UsageError: there is no such recipe, or it is broken.
    """
    output = own_stdout() if options.format == "json" else sys.stdout
    if options.action == "list":
        found = list_recipes()
        if options.format == "json":
            write_document(output, {"recipes": [_as_json(each) for each in found]})
        else:
            output.write(tell_recipes(found))
        return 0
    if not options.name:
        raise UsageError("name the recipe to show", hint="stepengine recipes list names them")
    recipe = find_recipe(options.name)
    if options.format == "json":
        write_document(output, _as_json(recipe))
    else:
        output.write(_render(recipe))
    return 0


def find_recipe(named: str) -> FoundRecipe:
    """Give a recipe by its name, or by its folder's path, which has a separator in it.

    Raises:
        UsageError: there is none, there are several, or it is broken.
    """
    if os.path.sep in named or "/" in named or named in (os.curdir, os.pardir):
        directory = os.path.abspath(named)
        return _load(os.path.basename(directory), directory, "this machine")
    own = _own_recipes()
    if named in own:
        return _load(named, own[named], _OWN)
    hooks = _hooks()
    given = hooks.recipe(named)
    if given is None:
        names = [*own, *(recipe.name for _, recipe in hooks.recipes())]
        hint = did_you_mean(named, names, f"there are: {', '.join(names)}; the path of a folder has a / in it")
        raise UsageError(f"there is no recipe {named!r}", hint=hint)
    return _load_given(*given)


def list_recipes() -> list[FoundRecipe]:
    """Give all recipes, built-in ones first; of those that cannot be used a warning tells."""
    found = [_load(name, directory, _OWN) for name, directory in _own_recipes().items()]
    known = {each.name: each for each in found}
    for who, recipe in _hooks().recipes():
        try:
            loaded = _load_given(who, recipe)
        except UsageError as error:
            warn_on_stderr(error.message)
            continue
        other = known.get(loaded.name)
        if other is not None:
            warn_on_stderr(f"the recipe {loaded.name} has several providers: {other.provider} and {who}")
        known.setdefault(loaded.name, loaded)
        found.append(loaded)
    return found


def tell_recipes(found: list[FoundRecipe]) -> str:
    """Give the lines of a list of recipes."""
    width = max((len(each.name) for each in found), default=0)
    style = style_for(sys.stdout, os.environ)
    lines = []
    for each in found:
        whose = "" if each.provider == _OWN else f"  {style.dim(each.provider)}"
        lines.append(f"{each.name:<{width}}  {one_line(each.description.summary)}{whose}\n")
    return "".join(lines)


def _hooks() -> Hooks:
    return Hooks(find_entry_points(), os.environ, current_directory(), warn_on_stderr)


def _own_recipes() -> dict[str, str]:
    """Give the folders of the built-in recipes: in the package, or beside it where that is a working tree."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    directory = os.path.join(package, "_recipes")
    if not os.path.isdir(directory):
        directory = os.path.join(os.path.dirname(os.path.dirname(package)), "recipes")
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return {}
    paths = {name: os.path.join(directory, name) for name in names}
    return {name: path for name, path in paths.items() if os.path.isfile(os.path.join(path, DESCRIPTION))}


def _load_given(who: str, recipe: Recipe) -> FoundRecipe:
    given: tuple[object, ...] = tuple(recipe)  # a third party's may hold anything
    if not all(isinstance(each, str) and each for each in given):
        raise UsageError(f"a recipe of the plugin {who} has no name or no directory", hint="update or uninstall it")
    return _load(recipe.name, recipe.directory, who)


def _load(name: str, directory: str, who: str) -> FoundRecipe:
    try:
        description = read_description(_read(os.path.join(directory, DESCRIPTION)))
        template = _read(os.path.join(directory, FILE_NAME))
    except OSError as error:
        problem = f"{os.path.basename(error.filename or directory)}: {error.strerror}"
    except ValueError as error:
        problem = str(error)
    else:
        return FoundRecipe(name, directory, who, description, template)
    hint = f"its folder is {directory}: see `Recipes` in the documentation for what it must have"
    raise UsageError(one_line(f"the recipe {name} ({who}) is broken: {problem}"), hint=hint)


def _read(path: str) -> str:
    with open(path, "rb") as file:
        data = file.read(_MAX_FILE + 1)
    if len(data) > _MAX_FILE:
        raise ValueError(f"{os.path.basename(path)} has more than 1 MiB")
    return data.decode("utf-8").replace("\r\n", "\n")


def _as_json(recipe: FoundRecipe) -> dict[str, Any]:
    return {
        "name": recipe.name,
        "summary": recipe.description.summary,
        "provider": recipe.provider,
        "directory": recipe.directory,
        "fields": [field._asdict() for field in recipe.description.fields],
    }


def _render(recipe: FoundRecipe) -> str:
    style = style_for(sys.stdout, os.environ)
    lines = [f"{style.bold(recipe.name)}  {style.dim(recipe.provider)}", one_line(recipe.description.summary), ""]
    lines.append("fields:" if recipe.description.fields else "fields: none")
    for field in recipe.description.fields:
        default = "required" if field.required else "optional" if field.default is None else f"default {field.default}"
        lines += [f"  {field.name}  {style.dim(one_line(default))}", f"      {one_line(field.meaning)}".rstrip()]
    return "\n".join(lines) + "\n"

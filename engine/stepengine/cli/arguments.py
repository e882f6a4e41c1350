"""What the command line may say. Only the parser of the named command is built: each costs a millisecond."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from stepengine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

PULL_PLACES = ("auto", "image", "here", "skip")


class _Formatter(argparse.HelpFormatter):
    def __init__(self, prog: str) -> None:
        # Left to itself argparse asks shutil, which imports every compression module that there is.
        try:
            width = os.get_terminal_size(sys.stdout.fileno()).columns
        except (OSError, ValueError, AttributeError):
            width = 100
        super().__init__(prog, width=width - 2)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        hint = f"{self.prog} --help shows what there is"
        problem, _, words = message.partition(": ")
        if problem == "unrecognized arguments" and words.startswith("-"):
            from stepengine.diagnostics.diagnostic import suggest

            near = suggest(words.split()[0].partition("=")[0], self._option_string_actions)
            hint = f"did you mean {near}?" if near else hint
        elif problem == "the following arguments are required":
            what = "" if words == "NAME" else "an action: "
            message = f"{self.prog} needs {what}{words.replace('|', ' or ').replace(', ', ' ')}"
        raise UsageError(message, hint=hint)


def parse_arguments(arguments: list[str]) -> argparse.Namespace | int:
    """Read the command line.

    Args:
        arguments: Without the program's name.

    Returns:
        The options, `command` among them; an exit code where help was asked for and given.

    Raises:
        UsageError: it says something that does not exist.
    """
    name = arguments[0] if arguments else "--help"
    if name in ("-h", "--help", "help"):
        sys.stdout.write(_overview())
        return 0 if arguments else UsageError.exit_code
    if name in ("-V", "--version"):
        from stepengine import __version__

        sys.stdout.write(f"stepengine {__version__}\n")
        return 0
    if name not in _COMMANDS:
        from stepengine.diagnostics.diagnostic import did_you_mean

        hint = _ELSEWHERE.get(name) or did_you_mean(name, _COMMANDS, f"there are: {', '.join(_COMMANDS)}")
        raise UsageError(f"there is no command {name!r}", hint=hint)
    summary, fill = _COMMANDS[name]
    parser = _Parser(prog=f"stepengine {name}", description=summary, allow_abbrev=False, formatter_class=_Formatter)
    fill(parser)
    try:
        # `steps show --format json NAME`: elsewhere a word after an option would belong to no positional.
        parse = parser.parse_intermixed_args if name in _INTERMIXED else parser.parse_args
        options = parse(arguments[1:])
    except SystemExit as leaving:  # --help
        return int(leaving.code or 0)
    options.command, options.arguments = name, arguments
    return options


def _overview() -> str:
    commands = "\n".join(f"  {name:<10}{summary}" for name, (summary, _) in _COMMANDS.items())
    return (
        "usage: stepengine COMMAND [OPTIONS]\n\n"
        "Run the build, push and pull steps of a prefect.yaml anywhere.\n\n"
        f"commands:\n{commands}\n\n"
        "stepengine COMMAND --help shows a command's options; stepengine --version the version.\n"
    )


def _add_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="the file, or the directory that it is in; by default prefect.yaml here or in the nearest parent",
    )


def _add_selection(parser: argparse.ArgumentParser) -> None:
    _add_file(parser)
    parser.add_argument(
        "--deployment",
        "-n",
        action="append",
        default=[],
        metavar="NAME",
        help="only this deployment's pipeline; may be repeated",
    )
    parser.add_argument(
        "--only",
        action="append",
        metavar="SECTIONS",
        help="only these sections, for example build,push; may be repeated",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="STEP.INPUT=VALUE",
        help="set an input of a step (its id, its name or its name's last part); may be repeated",
    )
    parser.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="NAME[=@FILE]",
        help="take the environment variable NAME for a secret, its value read from FILE if given (- is standard input)",
    )
    parser.add_argument(
        "--pull-in",
        type=_pull_place,
        metavar="auto|image[=NAME]|here|skip",
        default="auto",
        help="where to run the pull steps: in the pipeline's image or in the one named, here in a child process, or not"
        " at all; default %(default)s",
    )
    parser.add_argument(
        "--prefect-compat",
        action="store_true",
        help="drop references that have no value, as Prefect does, with a warning each",
    )


def _pull_place(text: str) -> str:
    place, equals, image = text.partition("=")
    if place not in PULL_PLACES or (equals and (place != "image" or not image)):
        raise argparse.ArgumentTypeError(f"{text!r} is none of auto, image, image=NAME, here, skip")
    return text


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format", default="text", metavar="FORMAT", help="text, json, or a plugin's format; default %(default)s"
    )
    parser.add_argument("--quiet", "-q", action="store_true", help="tell of failures alone")


def _add_environments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--locked",
        action="store_true",
        help="install nothing but what prefect.lock.toml has, whatever is installed here",
    )
    parser.add_argument("--offline", action="store_true", help="fetch no packages")
    _add_upstream(parser)


def _add_upstream(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--upstream",
        action="append",
        default=[],
        metavar="NAME",
        help="run the steps of the distribution NAME (prefect-docker) and not those that stepengine has for them",
    )


def _add_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", default="text", choices=("text", "json"), help="default %(default)s")


def _fill_run(parser: argparse.ArgumentParser) -> None:
    _add_selection(parser)
    _add_environments(parser)
    parser.add_argument(
        "--install",
        action="store_true",
        help="install what steps require and this machine lacks, apart from its packages, without asking",
    )
    _add_output(parser)
    parser.add_argument(
        "--verbose", "-v", action="store_true", help="show the plan before it runs, with each step's inputs"
    )


def _fill_plan(parser: argparse.ArgumentParser) -> None:
    _add_selection(parser)
    _add_environments(parser)
    _add_format(parser)


def _fill_validate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", nargs="*", metavar="FILE", help="files; by default prefect.yaml here or in the nearest parent"
    )
    _add_format(parser)
    parser.add_argument("--quiet", "-q", action="store_true", help="tell of errors alone")


def _fill_steps(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=("list", "show"),
        metavar="list|show",
        help="list the steps, or show one with its inputs and outputs",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="the step to show")
    _add_format(parser)


def _fill_recipes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", choices=("list", "show"), metavar="list|show", help="list the recipes, or show one with its fields"
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="the recipe to show, or its folder")
    _add_format(parser)


def _fill_init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "directory", nargs="?", metavar="DIRECTORY", help="where to write it; made if it is not there; by default here"
    )
    parser.add_argument(
        "--recipe", "-r", metavar="NAME", help="the recipe, or its folder (a path with a / in it); asked for without it"
    )
    parser.add_argument(
        "--field", action="append", default=[], metavar="NAME=VALUE", help="a field of the recipe; may be repeated"
    )
    parser.add_argument("--force", action="store_true", help="write over a prefect.yaml that is there")


def _fill_lock(parser: argparse.ArgumentParser) -> None:
    _add_file(parser)
    parser.add_argument("--upgrade", action="store_true", help="resolve anew what the lock has already")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where the lock is stale")
    parser.add_argument("--offline", action="store_true", help="fetch nothing")
    _add_upstream(parser)
    parser.add_argument("--verbose", "-v", action="store_true", help="show what the installer says")


def _days(text: str) -> float:
    days = float(text)
    if not days >= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days")
    return days


def _fill_env(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=("list", "prune"),
        metavar="list|prune",
        help="list the environments, or remove those that are half made, damaged, or were not used for long",
    )
    parser.add_argument("keys", nargs="*", metavar="NAME", help="remove these; the beginning of a name will do")
    parser.add_argument(
        "--older-than",
        type=_days,
        default=30,
        metavar="DAYS",
        help="remove those that were not used for so many days; default %(default)s",
    )
    parser.add_argument("--all", action="store_true", help="remove all")
    _add_format(parser)


def _fill_schema(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        nargs="*",
        metavar="FILE",
        help="the file whose own steps the schema knows; with --check, files; by default prefect.yaml here or in the"
        " nearest parent",
    )
    parser.add_argument("--check", action="store_true", help="check files by the schema, instead of printing it")
    parser.add_argument("--format", default="text", choices=("text", "json"), help="of --check; default %(default)s")
    parser.add_argument("--quiet", "-q", action="store_true", help="with --check, tell of errors alone")


def _fill_plugin(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("new",), metavar="new", help="write a distribution")
    parser.add_argument("name", metavar="NAME", help="its name, as an index would have it: acme-steps")
    parser.add_argument(
        "directory", nargs="?", metavar="DIRECTORY", help="where it goes; by default a new directory of its name"
    )


_COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "init": ("write a prefect.yaml from a recipe", _fill_init),
    "run": ("run the steps: build, push, then pull", _fill_run),
    "plan": ("show what would run, and what is known of it; nothing runs", _fill_plan),
    "validate": ("show all problems of a file; nothing runs", _fill_validate),
    "lock": ("write prefect.lock.toml: what the steps require, exactly", _fill_lock),
    "env": ("list the environments that were made for what steps require, or remove some", _fill_env),
    "schema": ("print a JSON Schema of prefect.yaml for editors, or check files by it", _fill_schema),
    "steps": ("list the steps that there are, or show one", _fill_steps),
    "plugin": ("write a distribution with a step of your own, and its tests", _fill_plugin),
    "recipes": ("list the recipes that init knows, or show one", _fill_recipes),
}

_INTERMIXED = ("init", "steps", "recipes", "validate", "env", "schema")
"""Commands whose options may stand between their words."""

_ELSEWHERE = {
    "deploy": "stepengine creates no deployments; `stepengine run --format json` gives them resolved",
}
"""Commands of Prefect, and what there is instead."""

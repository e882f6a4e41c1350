"""Step names and what they stand for: entry points, modules of the project, and installed packages."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from stepengine.catalogue.lookup import NotFound
from stepengine.catalogue.spec import StepSpec, spec_from_source, spec_of
from stepengine.diagnostics.diagnostic import suggest
from stepengine.entry_points import STEPS, EntryPoint, find_entry_points
from stepengine.errors import StepEngineError
from stepengine.running.failures import tell_exception

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

OWN_PACKAGES = ("prefect", "prefect_docker")
"""Packages whose steps are built in: a name below them that is not known is a misspelling, installed or not."""


class Registry:
    """Looks up step names; imports a module only when a file uses one of its steps.

    Args:
        project_directory: The file's directory, whose modules may be steps.
        entry_points: Those of all distributions; found where it is None.
    """

    def __init__(self, project_directory: str, entry_points: Iterable[EntryPoint] | None = None) -> None:
        self._project = project_directory
        self._providers: dict[str, list[EntryPoint]] = {}
        for entry in find_entry_points() if entry_points is None else entry_points:
            if entry.group == STEPS:
                self._providers.setdefault(entry.name, []).append(entry)

    def names(self) -> list[str]:
        """Give the registered step names."""
        return list(self._providers)

    def find(self, name: str) -> StepSpec | NotFound:
        """Give what a step name stands for, or why it stands for nothing.

        Args:
            name: A registered name, or the dotted path of a callable.
        """
        providers = self._providers.get(name)
        if providers:
            return self._registered(name, providers)
        module, _, attribute = name.rpartition(":" if ":" in name else ".")
        if not module or not all(part.isidentifier() for part in f"{module}.{attribute}".split(".")):
            return self._unknown(name)
        found = self._in_project(name, module, attribute)
        return found if found is not None else self._installed(name, module, attribute)

    def load(self, spec: StepSpec) -> Callable[..., Any]:
        """Import a step's callable.

        Raises:
            StepEngineError: it cannot be imported.
        """
        module, _, attribute = spec.target.partition(":")
        try:
            function: Callable[..., Any] = _load(module, attribute, None if spec.distribution else self._project)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a third party's module may raise anything
            who = spec.distribution or f"{module}.py of this project"
            message = f"the step {spec.name} cannot be imported ({who}): {tell_exception(error)}"
            raise StepEngineError(message, hint="mend or update it") from error
        return function

    def _registered(self, name: str, providers: list[EntryPoint]) -> StepSpec | NotFound:
        entry = providers[0]
        if len(providers) > 1:
            who = " and ".join(dict.fromkeys(each.distribution for each in providers))
            return NotFound(f"the step {name} has two providers: {who}", "uninstall one of them", is_certain=True)
        module, _, attribute = entry.target.partition(":")
        try:
            function = _load(module, attribute, None)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a third party's module may raise anything
            message = f"the step {name} cannot be imported ({entry.distribution}): {tell_exception(error)}"
            return NotFound(message, f"mend, update or uninstall {entry.distribution}", is_certain=True)
        return spec_of(function, name, entry.target, entry.distribution)

    def _in_project(self, name: str, module: str, attribute: str) -> StepSpec | NotFound | None:
        """Read a module of the project without running it; None where the project has no such module."""
        base = os.path.join(self._project, *module.split("."))
        path = next((path for path in (os.path.join(base, "__init__.py"), f"{base}.py") if os.path.isfile(path)), None)
        if path is None:
            return None
        shown = os.path.relpath(path, self._project)
        try:
            with open(path, "rb") as file:
                spec = spec_from_source(file.read(), attribute, name, f"{module}:{attribute}")
        except (SyntaxError, ValueError, RecursionError, MemoryError, OSError) as error:
            return NotFound(f"{shown} cannot be read: {tell_exception(error)}", "mend the module", is_certain=True)
        if spec is None:
            return NotFound(f"{shown} has no function {attribute!r}", "check the name", is_certain=True)
        return spec

    def _installed(self, name: str, module: str, attribute: str) -> StepSpec | NotFound:
        """Import an installed module: its author may build the function in ways that reading cannot follow."""
        package = module.partition(".")[0]
        if _missing(package):
            return self._unknown(name)
        try:
            function = _load(module, attribute, None)
        except (ImportError, AttributeError) as error:
            if package in OWN_PACKAGES:
                return self._unknown(name)
            return NotFound(
                f"the step {name} cannot be imported: {tell_exception(error)}", self._near(name), is_certain=True
            )
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a third party's module may raise anything
            return NotFound(
                f"the step {name} cannot be imported: {tell_exception(error)}", "mend the module", is_certain=True
            )
        if not callable(function):
            return NotFound(f"{name} is no function", "name a function", is_certain=True)
        return spec_of(function, name, f"{module}:{attribute}", _distribution_of(package))

    def _unknown(self, name: str) -> NotFound:
        package = name.partition(".")[0]
        near = self._near(name)
        if package in OWN_PACKAGES or "." not in name:
            hint = near or "`stepengine steps list` names the steps that there are"
            return NotFound(f"there is no step {name}", hint, is_certain=True)
        distribution = package.replace("_", "-")
        hint = near or f"install what has it, and add 'requires: {distribution}'"
        return NotFound(f"no step {name} here: there is no package {package}", hint, is_certain=bool(near))

    def _near(self, name: str) -> str:
        """Suggest a registered name: a near one of the same package, or one whose last part is near."""
        package, _, _ = name.partition(".")
        if "." in name and not _is_misspelt(package, OWN_PACKAGES):
            return ""  # another package's step: what sounds alike here does something else
        near = suggest(name, self._providers)
        if not near:
            last = {known.rpartition(".")[2]: known for known in reversed(self._providers) if ".deployments." in known}
            short = suggest(name.rpartition(".")[2], last)
            near = last[short] if short else ""
        return f"did you mean {near!r}?" if near else ""


def _is_misspelt(package: str, known: Iterable[str]) -> bool:
    """Whether a package is one of those known, or likely was meant to be: `prefect_aws` was not."""
    from difflib import get_close_matches

    return bool(get_close_matches(package, known, n=1, cutoff=0.85))


def _load(module: str, attribute: str, directory: str | None) -> Any:
    import importlib

    if directory is not None and directory not in sys.path:
        sys.path.insert(0, directory)  # it stays: a step may import its neighbours when it runs
    stdout, sys.stdout = sys.stdout, sys.stderr  # what a module prints is no part of a command's document
    try:
        found: Any = importlib.import_module(module)
    except SystemExit as leaving:
        raise ImportError(f"it ends the process when it is imported (exit {leaving.code})") from leaving
    finally:
        sys.stdout = stdout
    for part in attribute.split(".") if attribute else ():
        found = getattr(found, part)
    return found


def _missing(package: str) -> bool:
    import importlib.util

    try:
        return package not in sys.modules and importlib.util.find_spec(package) is None
    except (ImportError, ValueError):
        return True


def _distribution_of(package: str) -> str:
    from importlib_metadata import packages_distributions, version

    names = packages_distributions().get(package)
    return f"{names[0]} {version(names[0])}" if names else package

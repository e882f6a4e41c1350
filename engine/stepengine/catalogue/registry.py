"""Step names and what they stand for: entry points, modules of the project, and installed packages."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from stepengine.catalogue.lookup import NotFound, two_providers
from stepengine.catalogue.modules import Module, installed_module, is_missing, load_target, project_module, split_name
from stepengine.catalogue.spec import StepSpec, is_own, spec_of
from stepengine.diagnostics.diagnostic import suggest
from stepengine.entry_points import STEPS, EntryPoint, find_entry_points
from stepengine.errors import StepEngineError, tell_exception

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from stepengine.catalogue.site import SiteCatalogue
    from stepengine.catalogue.source import Reading
    from stepengine.environments.provision import Decision
    from stepengine.environments.store import Environment

    Decide = Callable[[Sequence[str], StepSpec | None], Decision]

OWN_PACKAGES = ("prefect", "prefect_docker")
"""Packages whose steps are built in: a name below them that is not known is a misspelling, installed or not."""


class Registry:
    """Looks up step names; imports a module only when a file uses one of its steps.

    Args:
        project_directory: The file's directory, whose modules may be steps.
        entry_points: Those of all distributions; found where it is None.
        decide: Decides what meets the requirements of a step; where it is None, they do not count.
        upstream: Distributions whose own steps are taken, and not the built-in ones that stand for them.
    """

    def __init__(
        self,
        project_directory: str,
        entry_points: Iterable[EntryPoint] | None = None,
        decide: Decide | None = None,
        upstream: Collection[str] = (),
    ) -> None:
        self._project = project_directory
        self._decide = decide
        self._upstream = upstream
        self._sites: dict[str, SiteCatalogue] = {}
        self._providers: dict[str, list[EntryPoint]] = {}
        for entry in find_entry_points() if entry_points is None else entry_points:
            if entry.group == STEPS:
                self._providers.setdefault(entry.name, []).append(entry)

    def names(self) -> list[str]:
        """Give the registered step names."""
        return list(self._providers)

    def names_for(self, requires: Sequence[str]) -> list[str]:
        """Give the step names that are registered in the environment for requirements; none where it is not made."""
        environment = self._decide(requires, None).environment if requires and self._decide is not None else None
        return [] if environment is None else self._site(environment).names()

    def find(self, name: str, requires: Sequence[str] = ()) -> StepSpec | NotFound:
        """Give what a step name stands for, or why it stands for nothing.

        Args:
            name: A registered name, the dotted path of a callable, or a script's path and a function: `steps.py:build`.
            requires: The step's requirements: an environment that is made for them may know the name.
        """
        found = self._find_here(name)
        if self._upstream and isinstance(found, StepSpec) and self._upstream_of(found):
            found = self._of_upstream(name)
        if not requires or self._decide is None:
            return found
        spec = found if isinstance(found, StepSpec) else None
        decision = self._decide(requires, spec)
        is_overruled = any(state.is_overruling for state in decision.states)
        if spec is not None and (not spec.distribution or (spec.is_built_in and not is_overruled)):
            return found  # a function of the project, or a built-in step: whatever it requires besides
        if decision.requirements is None:
            return self._of_upstream(name) if is_overruled else found
        if decision.environment is not None:
            return self._site(decision.environment).find(name)
        if spec is None and "." not in name and not self._near(name):
            return NotFound(f"there is no step {name} here", "", is_certain=False)  # what is required may register it
        return found

    def requirements_of(self, name: str, requires: tuple[str, ...]) -> tuple[str, ...]:
        """Give the requirements that a step has: those that are written, or else the distribution of `upstream`.

        Args:
            name: The step name.
            requires: Those that are written.
        """
        if requires or not self._upstream:
            return requires
        found = self._find_here(name)
        upstream = self._upstream_of(found) if isinstance(found, StepSpec) else ""
        return (upstream,) if upstream else ()

    def _upstream_of(self, spec: StepSpec) -> str:
        """Give the distribution whose own step is wanted instead of a built-in one; empty where none is."""
        name = (spec.options.provides or "").partition("==")[0]
        return name if spec.is_built_in and name in self._upstream else ""

    def _of_upstream(self, name: str) -> StepSpec | NotFound:
        """Give the installed step of a name that a built-in one has, too."""
        module, attribute = split_name(name)
        package = module.partition(".")[0]
        if not package or is_missing(package):
            what = f"there is no package {package}" if package else "it has no package"
            return NotFound(
                f"no step {name} here but the built-in one: {what}", "use its dotted name", is_certain=not package
            )
        return self._installed(name, module, attribute)

    def _site(self, environment: Environment) -> SiteCatalogue:
        if environment.key not in self._sites:
            from stepengine.catalogue.site import SiteCatalogue
            from stepengine.environments.layout import packages_of

            description = f"the environment for {', '.join(environment.requirements)}"
            packages = packages_of(environment.directory)
            self._sites[environment.key] = SiteCatalogue(packages, description, environment.key)
        return self._sites[environment.key]

    def _find_here(self, name: str) -> StepSpec | NotFound:
        providers = self._providers.get(name)
        if providers:
            return self._registered(name, providers)
        module, attribute = split_name(name)
        if module.endswith(".py") and attribute.isidentifier():
            return self._in_script(name, module, attribute)
        if not module or not all(part.isidentifier() for part in f"{module}.{attribute}".split(".")):
            return self._unknown(name)
        found = self._in_project(name, module, attribute)
        return found if found is not None else self._installed(name, module, attribute)

    def load(self, spec: StepSpec) -> Callable[..., Any]:
        """Import a step's callable.

        Raises:
            StepEngineError: it cannot be imported.
        """
        module, _, attribute = spec.target.rpartition(":")
        try:
            function: Callable[..., Any] = load_target(module, attribute, None if spec.distribution else self._project)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a third party's module may raise anything
            script = module if module.endswith(".py") else f"{module}.py"
            who = spec.distribution or f"{script} of this project"
            message = f"the step {spec.name} cannot be imported ({who}): {tell_exception(error)}"
            hint = f"fix, update or uninstall {who}" if spec.distribution else f"fix {script}"
            raise StepEngineError(message, hint=hint) from error
        return function

    def _registered(self, name: str, providers: list[EntryPoint]) -> StepSpec | NotFound:
        entry = providers[0]
        if len(providers) > 1:
            return two_providers(name, providers)
        module, _, attribute = entry.target.partition(":")
        spec = None
        if not is_own(entry.distribution):  # importing one of ours costs less than reading it
            spec = self._read_installed(name, module, attribute, entry.distribution)
        try:
            spec = spec or spec_of(load_target(module, attribute, None), name, entry.target, entry.distribution)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a third party's module may raise anything
            message = f"the step {name} cannot be imported ({entry.distribution}): {tell_exception(error)}"
            return NotFound(message, f"fix, update or uninstall {entry.distribution}", is_certain=True)
        return spec._replace(successor=self._successor(spec)) if spec.is_deprecated else spec

    def _successor(self, spec: StepSpec) -> str:
        """Give the registered name that replaces an old one: of the same package where there is one."""
        names = [
            name
            for name, providers in self._providers.items()
            if providers[0].target == spec.target and name not in spec.options.deprecated
        ]
        package = spec.name.partition(".")[0]
        return next((name for name in names if name.startswith(f"{package}.")), names[0] if names else "")

    def _in_script(self, name: str, path: str, attribute: str) -> StepSpec | NotFound:
        """Read a script that is named by its path, from the file's directory; Prefect imports such, too."""
        try:
            with open(os.path.join(self._project, path), "rb") as file:
                source = file.read()
        except (OSError, ValueError) as error:  # a path with a NUL character is no path
            hint = "the path is relative to the file's directory"
            told = getattr(error, "strerror", None) or str(error)
            return NotFound(f"{path} cannot be read: {told}", hint, is_certain=True)
        module = Module("__script__", source, is_package=False)
        return self._in_source(name, module, path, attribute, f"{path}:{attribute}")

    def _in_project(self, name: str, module: str, attribute: str) -> StepSpec | NotFound | None:
        """Read a module of the project without running it; None where the project has no such module."""
        found = project_module(self._project, module)
        if found is None:
            return None
        path, is_package = found
        shown = os.path.relpath(path, self._project)
        try:
            with open(path, "rb") as file:
                source = file.read()
        except OSError as error:
            return NotFound(f"{shown} cannot be read: {error.strerror}", "make it readable", is_certain=True)
        return self._in_source(name, Module(module, source, is_package), shown, attribute, f"{module}:{attribute}")

    def _in_source(self, name: str, module: Module, shown: str, attribute: str, target: str) -> StepSpec | NotFound:
        from stepengine.catalogue.source import read_step  # ast costs what a file of built-in steps need not pay

        try:
            reading = read_step(module, attribute, name, target)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return NotFound(f"{shown} cannot be read: {tell_exception(error)}", "fix the module", is_certain=True)
        if reading is None:
            return NotFound(f"{shown} has no function {attribute!r}", "check the name", is_certain=True)
        if reading.imported_from is not None:
            reading = self._follow(name, *reading.imported_from, target, "") or reading
        return self._complete(reading, "")

    def _complete(self, reading: Reading, distribution: str) -> StepSpec:
        """Add the outputs that a class of another module tells."""
        if reading.result_from is None:
            return reading.spec
        from stepengine.catalogue.source_outputs import follow_result

        return follow_result(reading, self._module_finder(distribution))

    def _module_finder(self, distribution: str) -> Callable[[str], tuple[str, bool] | None]:
        """Give what finds the source of a module that a step of a distribution, or of the project, imports."""

        def find_module(module: str) -> tuple[str, bool] | None:
            return (None if distribution else project_module(self._project, module)) or installed_module(module)

        return find_module

    def _follow(self, name: str, module: str, attribute: str, target: str, distribution: str) -> Reading | None:
        """Read a step where its name is imported from; None where that cannot be told without running anything."""
        from stepengine.catalogue.source import follow_step

        try:
            return follow_step(self._module_finder(distribution), name, module, attribute, target, distribution)
        except LookupError:
            return None  # importing it tells why

    def _read_installed(self, name: str, module: str, attribute: str, distribution: str) -> StepSpec | None:
        """Read a step of an installed module; None where only importing it tells all that validation needs."""
        reading = self._follow(name, module, attribute, f"{module}:{attribute}", distribution)
        return self._complete(reading, distribution) if reading is not None and reading.is_complete else None

    def _installed(self, name: str, module: str, attribute: str) -> StepSpec | NotFound:
        """Read an installed module, or import it: reading cannot follow all the ways in which a function is made."""
        package = module.partition(".")[0]
        if is_missing(package):
            return self._unknown(name)
        distribution = _distribution_of(package)
        spec = self._read_installed(name, module, attribute, distribution)
        if spec is not None:
            return spec
        try:
            function = load_target(module, attribute, None)
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
                f"the step {name} cannot be imported: {tell_exception(error)}", "fix the module", is_certain=True
            )
        if not callable(function):
            return NotFound(f"{name} is no function", "name a function", is_certain=True)
        return spec_of(function, name, f"{module}:{attribute}", distribution)

    def _unknown(self, name: str) -> NotFound:
        package = name.partition(".")[0]
        near = self._near(name)
        if package in OWN_PACKAGES or "." not in name:
            hint = near or "`stepengine steps list` names the steps that there are"
            return NotFound(f"there is no step {name}", hint, is_certain=True)
        if package.startswith("__") or not all(name.replace(":", ".").split(".")):
            hint = near or "write package.module.function, or a script's path and a function: steps.py:build"
            return NotFound(f"{name!r} is no step name", hint, is_certain=True)
        distribution = package.replace("_", "-")
        is_distribution = package.isascii() and all(part.isalnum() for part in distribution.split("-"))
        requires = f", and add 'requires: {distribution}'" if is_distribution else ""
        hint = near or f"install what has it{requires}"
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


def _distribution_of(package: str) -> str:
    from importlib_metadata import packages_distributions, version

    names = packages_distributions().get(package)
    return f"{names[0]} {version(names[0])}" if names else package

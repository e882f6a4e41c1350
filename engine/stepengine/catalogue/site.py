"""The steps of an isolated environment: read from its files, for nothing of it can be imported here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from stepengine.catalogue.lookup import NotFound, two_providers
from stepengine.catalogue.modules import installed_module, is_missing, split_name
from stepengine.catalogue.source import follow_step
from stepengine.catalogue.source_outputs import follow_result
from stepengine.catalogue.spec import unreadable_spec
from stepengine.diagnostics.diagnostic import suggest
from stepengine.entry_points import STEPS, find_entry_points
from stepengine.environments.damage import damage_hint

if TYPE_CHECKING:
    from stepengine.catalogue.spec import StepSpec
    from stepengine.entry_points import EntryPoint


class SiteCatalogue:
    """Looks up step names in a directory of packages.

    Args:
        packages: The directory.
        description: What it is, in words, for messages.
        key: The environment's.
    """

    def __init__(self, packages: str, description: str, key: str) -> None:
        self._key = key
        self._packages = packages
        self._description = description
        self._registered: dict[str, list[EntryPoint]] | None = None

    def names(self) -> list[str]:
        """Give the registered step names."""
        return list(self._entries())

    def _entries(self) -> dict[str, list[EntryPoint]]:
        if self._registered is None:
            self._registered = {}
            for entry in find_entry_points([self._packages]):
                if entry.group == STEPS:
                    self._registered.setdefault(entry.name, []).append(entry)
        return self._registered

    def find(self, name: str) -> StepSpec | NotFound:
        """Give what a step name stands for there, or why it stands for nothing.

        Args:
            name: A registered name, or the dotted path of a callable.
        """
        providers = self._entries().get(name, [])
        if len(providers) > 1:
            return two_providers(name, providers)
        if providers:
            module, _, attribute = providers[0].target.partition(":")
            return self._read(name, module, attribute, providers[0].distribution)
        module, attribute = split_name(name)
        package = module.partition(".")[0]
        if not package or is_missing(package, [self._packages]):
            return self._unknown(name, f"no package {package}" if package else "no such name")
        if self._find_module(module) is None and not self._may_have(module):
            return self._unknown(name, f"no module {module}")
        return self._read(name, module, attribute, self._distribution_of(package))

    def _read(self, name: str, module: str, attribute: str, distribution: str) -> StepSpec | NotFound:
        target = f"{module}:{attribute}"
        try:
            reading = follow_step(self._find_module, name, module, attribute, target, distribution)
        except LookupError:  # only importing it can tell
            return unreadable_spec(name, target, distribution=distribution)._replace(packages=self._packages)
        if reading is None:
            return self._unknown(name, f"no function {attribute} in {module}")
        return follow_result(reading, self._find_module)._replace(packages=self._packages)

    def _find_module(self, module: str) -> tuple[str, bool] | None:
        return installed_module(module, [self._packages])

    def _may_have(self, module: str) -> bool:
        """Whether a module may be there in a form that cannot be read: compiled, for example."""
        path = os.path.join(self._packages, *module.split("."))
        directory, name = os.path.split(path)
        try:
            return any(each.startswith(f"{name}.") and not each.endswith(".py") for each in os.listdir(directory))
        except OSError:
            return False

    def _unknown(self, name: str, reason: str) -> NotFound:
        near = suggest(name, self._entries())
        hint = damage_hint(self._packages, self._key)
        if not hint:
            hint = f"did you mean {near!r}?" if near else "check the name, and that `requires` names what has it"
        return NotFound(f"there is no step {name}: {self._description} has {reason}", hint, is_certain=True)

    def _distribution_of(self, package: str) -> str:
        """Give the distribution that has a package, as `name version`."""
        prefixes = (f"{package}/", f"{package}.py,")
        for entry in sorted(os.listdir(self._packages)):
            if not entry.endswith(".dist-info"):
                continue
            try:
                with open(os.path.join(self._packages, entry, "RECORD"), encoding="utf-8", errors="replace") as file:
                    if any(line.startswith(prefixes) for line in file):
                        name, _, version = entry.removesuffix(".dist-info").partition("-")
                        return f"{name.replace('_', '-')} {version}"
            except OSError:
                continue
        return package

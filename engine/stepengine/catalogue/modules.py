"""Where modules are, found without importing any, and how one is imported for its step."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Module(Record):
    """A module's source.

    Attributes:
        name: Its dotted name.
        source: Its text, encoded.
        is_package: Whether it is a package's `__init__`.
    """

    name: str
    source: bytes
    is_package: bool


def split_name(name: str) -> tuple[str, str]:
    """Part a step name into its module, or its script, and the attribute; the module is empty where it has none."""
    module, _, attribute = name.rpartition(":" if ":" in name else ".")
    return module, attribute


def project_module(directory: str, module: str) -> tuple[str, bool] | None:
    """Give the source file of a project's module, and whether it is a package; None where there is none.

    Args:
        directory: The project's.
        module: A dotted name.
    """
    base = os.path.join(directory, *module.split("."))
    package = os.path.join(base, "__init__.py")
    if os.path.isfile(package):
        return package, True
    return (f"{base}.py", False) if os.path.isfile(f"{base}.py") else None


def installed_module(module: str, paths: Sequence[str] | None = None) -> tuple[str, bool] | None:
    """Give the source file of an installed module, and whether it is a package; None where that cannot be told.

    `importlib.util.find_spec` would import the packages that it is in; these are looked through one by one instead.

    Args:
        module: A dotted name.
        paths: Where to look for it; `sys.path` where it is None.
    """
    import importlib.util
    from importlib.machinery import PathFinder

    names = module.split(".")
    try:
        if paths is not None:
            spec = PathFinder.find_spec(names[0], paths)
        else:
            spec = None if is_missing(names[0]) else importlib.util.find_spec(names[0])
        for depth in range(1, len(names)):
            if spec is None or spec.submodule_search_locations is None:
                return None
            name = ".".join(names[: depth + 1])
            spec = PathFinder.find_spec(name, list(spec.submodule_search_locations))
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None or not spec.has_location or not str(spec.origin).endswith(".py"):
        return None
    return str(spec.origin), spec.submodule_search_locations is not None


def is_missing(package: str, paths: Sequence[str] | None = None) -> bool:
    """Whether no top-level package or module has a name.

    Args:
        package: It.
        paths: Where to look for it; `sys.path` where it is None.
    """
    import importlib.util
    from importlib.machinery import PathFinder

    try:
        if paths is not None:
            return PathFinder.find_spec(package, paths) is None
        return package not in sys.modules and importlib.util.find_spec(package) is None
    except (ImportError, ValueError):
        return True


_REPLACED: list[Any] = []
"""What modules have put in the place of standard output: let go of, it would close the stream that it wraps."""


def project_index() -> int:
    """Give where the project's modules belong in `sys.path`: they hide installed ones, and nothing of Python's own."""
    return next((index for index, path in enumerate(sys.path) if path.endswith("-packages")), len(sys.path))


@contextmanager
def _neighbours(directory: str | None) -> Iterator[None]:
    """Have a project's modules found, before installed ones while one is imported, and after them from then on.

    A step may import its neighbours when it runs, and so does this package, which means none of them.
    """
    if directory is None:
        yield
        return
    while directory in sys.path:
        sys.path.remove(directory)
    sys.path.insert(project_index(), directory)
    try:
        yield
    finally:
        if directory in sys.path:
            sys.path.remove(directory)
        sys.path.append(directory)


def load_target(module: str, attribute: str, directory: str | None) -> Any:
    """Import what a step's name stands for.

    Args:
        module: A dotted name, or the path of a script.
        attribute: The way to it, dotted.
        directory: Where the project's modules are; None where the module is an installed one.

    Raises:
        ImportError: there is no such module, or importing it would end the process.
        AttributeError: it has no such attribute.
        BaseException: whatever the module raises.
    """
    stdout, sys.stdout = sys.stdout, sys.stderr  # what a module prints is no part of a command's document
    try:
        with _neighbours(directory):
            found = _import(module, directory)
    except SystemExit as leaving:
        raise ImportError(f"it ends the process when it is imported (exit {leaving.code})") from leaving
    finally:
        if sys.stdout is not sys.stderr:
            _REPLACED.append(sys.stdout)
        sys.stdout = stdout
    for part in attribute.split(".") if attribute else ():
        found = getattr(found, part)
    return found


def _import(module: str, directory: str | None) -> Any:
    import importlib

    if directory is None or not module.endswith(".py"):
        return importlib.import_module(module)
    import importlib.util

    path = os.path.join(directory, module)
    # Two scripts of one name in two directories are two modules, whatever they are relative to.
    name = "__stepengine_script__" + os.path.realpath(path)
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded  # dataclasses and pickling look their module up
    try:
        spec.loader.exec_module(loaded)
    except BaseException:
        del sys.modules[name]
        raise
    return loaded

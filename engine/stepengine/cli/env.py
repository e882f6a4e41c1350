"""`stepengine env list|prune`."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

from stepengine.cli.output import own_stdout, write_document
from stepengine.diagnostics.diagnostic import one_line, tell_count
from stepengine.environments.store import Store, cache_directory
from stepengine.errors import StepError, UsageError
from stepengine.terminal import style_for

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from stepengine.environments.store import Found

_DAY = 86400.0
_UNITS = ("B", "kB", "MB", "GB", "TB")
_STEP = 1000


def env(options: argparse.Namespace) -> int:
    """List the isolated environments, or remove some.

    Returns:
        0; 1 where one could not be removed.

    Raises:
        UsageError: there is no such environment.
    """
    store = Store(cache_directory(os.environ))
    found = list(store.list())
    if options.action == "list":
        if options.keys:
            raise UsageError("env list takes no names", hint="stepengine env prune NAME removes one")
        if options.format == "json":
            write_document(
                own_stdout(), {"directory": store.directory, "environments": [_as_json(each) for each in found]}
            )
        else:
            sys.stdout.write(_render(store, found))
        return 0
    return _prune(store, _chosen(found, options), options)


def _chosen(found: Sequence[Found], options: argparse.Namespace) -> list[Found]:
    """Give what is to be removed: what is named; else what is not whole, or was not used for long."""
    if options.keys:
        chosen = []
        for key in options.keys:
            if not key:
                raise UsageError("an empty name names no environment", hint="stepengine env list names them")
            named = [each for each in found if each.key.startswith(key)]
            if len(named) != 1:
                what = "there is no environment" if not named else "there are several environments"
                raise UsageError(f"{what} {key}", hint="stepengine env list names them")
            chosen += named
        return list(dict.fromkeys(chosen))
    oldest = time.time() - options.older_than * _DAY
    return [each for each in found if options.all or each.environment is None or each.used < oldest]


def _prune(store: Store, chosen: Sequence[Found], options: argparse.Namespace) -> int:
    removed: list[Found] = []
    kept: list[tuple[Found, str]] = []
    for each in chosen:
        try:
            if store.remove(each.key):
                removed.append(each)
            else:
                kept.append((each, "it is in use"))
        except OSError as error:
            kept.append((each, error.strerror or str(error)))
    if options.format == "json":
        told = [{"key": each.key, "reason": reason} for each, reason in kept]
        write_document(own_stdout(), {"removed": [each.key for each in removed], "kept": told})
    else:
        for each, reason in kept:
            sys.stderr.write(f"warning: {each.key} stays: {reason}\n")
        sys.stdout.write(f"removed {tell_count(removed, 'environment')}, {_size(sum(each.size for each in removed))}\n")
    return StepError.exit_code if kept else 0


def _render(store: Store, found: Sequence[Found]) -> str:
    style = style_for(sys.stdout, os.environ)
    lines = []
    for each in found:
        made = each.environment
        what = style.yellow(each.problem) if made is None else ", ".join(made.requirements)
        what += style.dim("  locked") if made is not None and made.locked else ""
        lines.append(f"{one_line(each.key):<20}  {_size(each.size):>7}  {_age(each.used):>12}  {what}")
    total = _size(sum(each.size for each in found))
    lines.append(style.dim(f"{len(found)} in {store.directory}, {total}"))
    return "".join(f"{line}\n" for line in lines)


def _as_json(found: Found) -> dict[str, Any]:
    made = found.environment
    return {
        "key": found.key,
        "directory": None if made is None else made.directory,
        "requirements": [] if made is None else list(made.requirements),
        "packages": [] if made is None else list(made.packages),
        "locked": made is not None and made.locked,
        "problem": found.problem or None,
        "size_bytes": found.size,
        "last_used": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(found.used)),
    }


def _size(count: float) -> str:
    for unit in _UNITS[:-1]:
        if count < _STEP:
            return f"{count:.0f} {unit}"
        count /= _STEP
    return f"{count:.1f} {_UNITS[-1]}"


def _age(used: float) -> str:
    days = int((time.time() - used) / _DAY)
    return "today" if days < 1 else f"{days} day{'' if days == 1 else 's'} ago"

"""Small distributions, installed as an installer leaves them: modules, and a directory of metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support.command import Project


def install(cli: Project, name: str, entry_points: dict[str, str], *, version: str = "1.2", **modules: str) -> None:
    """Install a distribution where the command finds it.

    Args:
        cli: The project.
        name: The distribution's.
        entry_points: `group/name` to target: `{"stepengine/vault": "vault_plugin"}`.
        version: Its version.
        modules: The texts of its modules by name.
    """
    cli.environ["PYTHONPATH"] = str(cli.directory / "site")
    info = f"site/{name.replace('-', '_')}-{version}.dist-info"
    cli.write(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    groups: dict[str, list[str]] = {}
    for key, target in entry_points.items():
        group, _, entry = key.partition("/")
        groups.setdefault(group, []).append(f"{entry} = {target}")
    lines = [line for group, entries in groups.items() for line in (f"[{group}]", *entries)]
    cli.write(f"{info}/entry_points.txt", "\n".join(lines) + "\n")
    for module, text in modules.items():
        cli.write(f"site/{module}.py", text)

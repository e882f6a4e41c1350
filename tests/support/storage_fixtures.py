"""A run in a directory of its own, blocks, and a storage in memory."""

import pytest

from stepengine.plugin import Context


@pytest.fixture
def events():
    return []


@pytest.fixture
def work(tmp_path):
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.fixture
def block():
    """The data of blocks, by type."""
    return {}


@pytest.fixture
def context(work, events, block):
    return Context(
        str(work), emit=lambda kind, data: events.append((kind, data)), block=lambda slug, _name: block[slug]
    )


@pytest.fixture
def memory():
    import fsspec

    filesystem = fsspec.filesystem("memory")
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]
    yield filesystem
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]

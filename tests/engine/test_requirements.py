"""Whether what a step requires is here: what is installed may be described in any way."""

from __future__ import annotations

import pytest

from stepengine.catalogue.requirements import check_requirements, requirement_problem


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Gives what checks one requirement, with a distribution `odd` whose metadata is the test's."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def run(requirement, metadata="Version: 1.0\n"):
        (tmp_path / "odd-1.0.dist-info").mkdir()
        (tmp_path / "odd-1.0.dist-info" / "METADATA").write_text(f"Metadata-Version: 2.1\nName: odd\n{metadata}")
        (state,) = check_requirements([requirement], None)
        return state

    return run


@pytest.mark.parametrize(
    "metadata",
    [
        "Version: 1.0\nRequires-Dist: foo (>=1.0.*)\n",  # as setuptools wrote it long ago
        "Version: 1.0\nRequires-Dist: foo (>=1.0.*); extra == 'more'\n",
        "Version: 1.0\nRequires-Dist: \n",
        "",
    ],
)
def test_metadata_that_cannot_be_read_is_told(check, metadata):
    state = check("odd[more]>=1", metadata)
    assert (state.satisfied_by, state.problem) == ("", "odd is installed, but its metadata cannot be read")


def test_what_an_installed_distribution_requires_is_not_read_where_no_extra_is_asked_for(check):
    assert check("odd>=1", "Version: 1.0\nRequires-Dist: foo (>=1.0.*)\n").satisfied_by == "odd 1.0, installed"


@pytest.mark.parametrize("requirement", ["odd>=1.0.*", "odd; python_version ~= 'x'", "odd; 'a' ~= 'b'", "="])
def test_what_is_no_requirement_is_told(requirement):
    assert "is no requirement" in requirement_problem(requirement)


@pytest.mark.parametrize("requirement", ["odd", "odd>=1.0", "odd[more]~=1.0", "odd; python_version > '3'", "odd===a"])
def test_a_requirement_is_one(requirement):
    assert not requirement_problem(requirement)

"""What authors of steps and hook plugins import."""

from __future__ import annotations

import pytest

from stepengine import plugin


def test_all_that_is_public_is_there():
    assert [name for name in plugin.__all__ if not hasattr(plugin, name)] == []


@pytest.mark.parametrize("name", ["outputs", "deprecated", "libraries", "touches"])
def test_a_text_is_no_list_of_names(name):
    with pytest.raises(TypeError, match=rf"{name} of a step is a list, not the text 'value': write \['value'\]"):
        plugin.step(**{name: "value"})


@pytest.mark.parametrize("phase", ["both", "", "Worker", 1])
def test_a_phase_is_one_of_two(phase):
    with pytest.raises(ValueError, match="phase of a step is 'deployer' or 'worker'"):
        plugin.step(phase=phase)


def test_what_a_step_touches_is_said_in_known_words():
    with pytest.raises(ValueError, match="touches of a step has no word 'disk': there are directory, environment"):
        plugin.step(touches=["disk"])

    def make(): ...

    assert plugin.step(touches=["files", "network"])(make).__step__.touches == ("files", "network")
    assert plugin.step(touches=[])(make).__step__.touches == ()
    assert plugin.step()(make).__step__.touches is None


@pytest.mark.parametrize("phase", ["deployer", "worker", None])
def test_a_step_is_marked_and_stays_as_it_is(phase):
    def make(): ...

    assert plugin.step(outputs=["a"], phase=phase, deprecated=("b",))(make) is make
    assert make.__step__ == plugin.StepOptions(("a",), phase, deprecated=("b",))

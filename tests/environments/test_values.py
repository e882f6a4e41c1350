"""What steps return, in this process and in an environment: the same outputs, or the same refusal."""

from __future__ import annotations

import pytest

VALUES = """\
import asyncio, datetime, decimal, pathlib, uuid
from dataclasses import dataclass, field
from typing import Any, TypedDict

@dataclass
class Data:
    tag: str = "v1"
    more: dict = field(default_factory=lambda: {"a": [1, 2.5, None, True]})

class Typed(TypedDict):
    tag: str

class Thing:
    pass

def mapping(): return {"text": "ü\\u2028\\ud83d\\ude00", "list": [1, {"deep": None}], "flag": True, "number": 1.5}
def data(): return Data()
def nested(): return {"data": Data()}
def typed() -> Typed: return Typed(tag="v1")
def none(): return None
def number(): return 3
def sequence(): return [1, 2]
def generator(): yield 1
def thing(): return {"a": {"client": [Thing()]}}
def whole(): return Thing()
def sets(): return {"it": {1}}
def path(): return {"it": pathlib.PurePosixPath("/a/b")}
def moment(): return {"it": datetime.datetime(2024, 1, 2, 3, 4, 5)}
def day(): return {"it": datetime.date(2024, 1, 2)}
def exact(): return {"it": decimal.Decimal("1.10")}
def octets(): return {"it": b"abc"}
def infinite(): return {"it": float("nan")}
def keys(): return {"it": {1: "a", None: "b"}}
def pair_keys(): return {"it": {(1, 2): "a"}}
def own_loop():
    it = {}
    it["self"] = it
    return it
def huge(): return {"it": 10 ** 5000}
async def coroutine():
    await asyncio.sleep(0)
    return {"tag": "v1"}
def fails():
    raise ValueError("two\\nlines")
"""

SAME = {
    "mapping": {"text": "ü\u2028\U0001f600", "list": [1, {"deep": None}], "flag": True, "number": 1.5},
    "data": {"tag": "v1", "more": {"a": [1, 2.5, None, True]}},
    "typed": {"tag": "v1"},
    "none": {},
    "number": {},
    "sequence": {},
    "sets": {"it": [1]},
    "path": {"it": "/a/b"},
    "moment": {"it": "2024-01-02 03:04:05"},
    "day": {"it": "2024-01-02"},
    "exact": {"it": "1.10"},
    "infinite": {"it": "nan"},
    "keys": {"it": {"1": "a", "null": "b"}},
    "coroutine": {"tag": "v1"},
}

NOT_PASSED_ON = {
    "thing": "its output 'a.client[0]' cannot be passed on: a Thing is no data",
    "whole": "its return value cannot be passed on: a Thing is no data",
    "octets": "its output 'it' cannot be passed on: a bytes is no data",
    "pair_keys": "its output 'it' cannot be passed on: keys must be",
    "own_loop": "cannot be passed on: ValueError: Circular reference",
}


@pytest.fixture
def values(isolated, package_index):
    package_index.add("values", "1.0", {"far.py": VALUES})
    isolated.write("near.py", VALUES)
    return isolated


PLACES = {"here": ("near", ""), "environment": ("far", "    requires: values\n")}


def write(values, place, *names):
    module, requires = PLACES[place]
    steps = "".join(f"- {module}.{name}:\n    id: {name}\n{requires}" for name in names)
    values.write("prefect.yaml", f"build:\n{steps}")


@pytest.mark.parametrize("place", PLACES)
def test_data_are_the_same_outputs_here_and_in_an_environment(values, place):
    write(values, place, *SAME)
    outcome = values.stepengine("run", "--install", "--format", "json")
    assert outcome.code == 0, outcome.err
    assert {step["id"]: step["outputs"] for step in outcome.json["pipelines"][0]["steps"]} == SAME
    assert outcome.err.count("which is no mapping: it has no outputs") == 2


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["generator", "fails"])
def test_what_fails_fails_alike_here_and_in_an_environment(values, place, name):
    write(values, place, name)
    outcome = values.stepengine("run", "--install", "--format", "json")
    assert outcome.code == 1
    told = {"generator": "it is a generator function, and nothing of it has run", "fails": "ValueError: two lines"}
    assert outcome.json["error"]["message"] == told[name]


@pytest.mark.parametrize("name", NOT_PASSED_ON)
def test_what_is_no_data_is_named_with_the_way_to_it(values, name):
    write(values, "environment", name)
    outcome = values.stepengine("run", "--install", "--format", "json")
    assert outcome.code == 1
    message = outcome.json["error"]["message"]
    assert NOT_PASSED_ON[name] in message
    assert "\n" not in message


def test_parts_of_a_dataclass_are_data_in_an_environment(values):
    write(values, "environment", "nested")
    outputs = values.stepengine("run", "--install", "--format", "json").json["pipelines"][0]["outputs"]
    assert outputs["nested"] == {"data": SAME["data"]}

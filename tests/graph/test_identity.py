"""What a pipeline is called, and what it was made with."""

import copy
import inspect

import pytest
from attention import NAMES, pipeline
from sdpaflow.graph import Dataflow
from sdpaflow.graph.names import kebab
from sdpaflow.numerics import SQ

X = SQ(8, 0)


class Tap2Filter(Dataflow):
    """With arguments of every kind."""

    def __init__(self, taps, *more, width: int = 8, **others):
        super().__init__()
        x = self.input(SQ(width, 0))
        taps = None  # what was given is kept all the same
        self.output(y=x)


class Renamed(Tap2Filter):
    name = "fir"


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("MemoryFree", "memory-free"),
        ("Naive", "naive"),
        ("Tap2Filter", "tap2-filter"),
        ("AXIPort", "axi-port"),
        ("_Private", "private"),
        ("Snake_Case", "snake-case"),
    ],
)
def test_kebab(name, wanted):
    assert kebab(name) == wanted


@pytest.mark.parametrize("name", NAMES)
def test_pipelines_are_called_as_they_are_asked_for(name):
    """The command line's names are the classes' own."""
    assert pipeline(name).name == name


def test_a_name_of_ones_own():
    """From the class, or as it says."""
    assert (Tap2Filter(1).name, Renamed(1).name) == ("tap2-filter", "fir")


def test_parameters():
    """As given, or the defaults; a subclass need not do anything."""
    assert Tap2Filter(3).parameters == {"taps": 3, "more": (), "width": 8, "others": {}}
    assert Renamed(3, 4, width=9, scale=2).parameters == {
        "taps": 3, "more": (4,), "width": 9, "others": {"scale": 2}
    }  # fmt: skip


def test_resized_fifos_are_parameters():
    """Only those that differ from what the constructor said."""
    dut = Tap2Filter(3)
    assert "depths" not in dut.resize({"x": 2}).parameters
    assert dut.resize({"x": 5}).parameters["depths"] == dut.resized == {"x": 5}
    assert "depths" not in dut.resize({"x": 2}).parameters


def test_arguments_that_do_not_fit():
    """Python's own error, at the caller's line."""
    with pytest.raises(TypeError, match=r"missing 1 required positional argument: 'taps'"):
        Tap2Filter()


def test_a_graph_can_be_copied():
    """Whatever copies it makes it without arguments."""
    dut = Tap2Filter(3)
    assert copy.copy(dut).parameters == dut.parameters


def test_is_long():
    """Deeper than what keeps one token per cycle."""
    dut = pipeline("naive")
    assert [edge.name for edge in dut.edges if edge.is_long] == ["row"]
    assert not any(edge.is_long for edge in pipeline("memory-free").edges)


def test_the_signature_is_still_a_components():
    """One object, whatever asks for it; metadata too."""
    dut = Tap2Filter(3)
    assert dut.signature is dut.signature
    assert set(dut.metadata.as_json()["interface"]["members"]) == {
        "x", "y", "saturated", "misframed"
    }  # fmt: skip
    assert inspect.signature(Tap2Filter).parameters.keys() >= {"taps", "width"}

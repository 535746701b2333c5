"""Carry: an operator on one field of a structure, the rest of it kept in step."""

import numpy as np
import pytest
from amaranth.lib import data
from helpers.bench import apply, raises
from sdpaflow.numerics import SQ, UQ, Add, Carry, Chain, Divide, Dot, Multiply, Narrow, raw

N = 30
ROW = data.StructLayout({"index": UQ(5, 0), "x": SQ(4, 4), "tag": data.ArrayLayout(UQ(1, 2), 2)})
VECTOR = data.ArrayLayout(SQ(2, 2), 3)
VECTORS = data.StructLayout({"x": VECTOR, "shift": UQ(6, 0)})


def random(rng, shape):
    if isinstance(shape, data.StructLayout):
        return {name: random(rng, field) for name, field in shape.members.items()}
    if isinstance(shape, data.ArrayLayout):
        return np.stack([random(rng, shape.elem_shape) for _ in range(shape.length)], axis=1)
    return rng.integers(shape.raw_min, shape.raw_max + 1, N)


CASES = {  # operator, layout, at, new name
    "one stage": (Narrow(SQ(4, 4), SQ(3, 2)), ROW, 0, None),
    "several stages": (Dot(VECTOR, VECTOR, 1), VECTORS, 0, None),
    "second argument": (Add(SQ(3, 1), SQ(4, 4)), ROW, 1, None),
    "renamed": (Multiply(SQ(4, 4), UQ(3, 1)), ROW, 0, "scaled"),
    "pipeline that saturates": (Divide(SQ(4, 4), UQ(2, 2), SQ(3, 3), 2), ROW, 0, "quotient"),
}


@pytest.mark.parametrize(("fn", "layout", "at", "result"), CASES.values(), ids=CASES)
def test_the_field_is_replaced_and_the_rest_is_kept(fn, layout, at, result):
    """Token by token: latency, flags and the order of the fields are the operator's own."""
    carry = Carry(fn, layout, "x", at, result)
    given = [random(np.random.default_rng(1), shape) for shape in carry.inputs]
    results, trace = apply(carry, *given)
    assert raw.equal(results, carry.model(*given)).all()
    inner = [value["x"] if index == at else value for index, value in enumerate(given)]
    wanted, clamped = fn.evaluate(*inner)
    name = result or "x"
    assert list(results) == [name if field == "x" else field for field in layout.members]
    for field, values in results.items():
        assert (values == (wanted if field == name else given[at][field])).all()
    assert carry.shape[name].shape == fn.shape
    assert carry.latency == fn.latency == trace.times["o"][0]
    assert trace.saturations == ({} if clamped is None else {"unit": clamped.sum()})


def test_a_chain_is_one_pipeline_of_all_its_operators():
    """Stages follow each other; flags are those of the last."""
    add, narrow = Add(SQ(3, 1), SQ(4, 4)), Narrow(SQ(5, 4), SQ(3, 2))
    chain = Chain(add, narrow)
    given = [random(np.random.default_rng(2), shape) for shape in chain.inputs]
    results, trace = apply(chain, *given)
    wanted, clamped = narrow.evaluate(add.model(*given))
    assert (results == wanted).all()
    assert (chain.model(*given) == wanted).all()
    assert trace.saturations == {"unit": clamped.sum()}
    assert clamped.any()
    assert trace.times["o"][0] == chain.latency == add.latency + narrow.latency
    assert chain.fn is narrow


def test_a_chain_must_fit():
    """From one to the next, and only the last may saturate."""
    add, narrow = Add(SQ(3, 1), SQ(4, 4)), Narrow(SQ(5, 4), SQ(3, 2))
    with raises(TypeError, f"{add!r} cannot follow {narrow!r}"):
        Chain(narrow, add)
    again = Narrow(SQ(3, 2), SQ(2, 0))
    with raises(TypeError, f"{again!r} cannot follow {narrow!r}"):
        Chain(narrow, again)


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("tag", "Field 'tag' must be SQ(4,4) for Narrow(SQ(4,4) -> SQ(3,2)), not "),
        ("y", "Field 'y' must be SQ(4,4) for Narrow(SQ(4,4) -> SQ(3,2)), not None"),
    ],
)
def test_the_field_must_fit(field, message):
    shape = ROW.members.get(field)
    with raises(TypeError, message if shape is None else message + repr(shape)):
        Carry(Narrow(SQ(4, 4), SQ(3, 2)), ROW, field)

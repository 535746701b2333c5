"""Folders that the command line's tests work in."""

import sys

import numpy as np
import pytest
from attention import head

NORMALISE = '''
from sdpaflow.graph import Dataflow, skew
from sdpaflow.numerics import UQ, Divide, Sum


class Normalise(Dataflow):
    """Each row waits for its sum."""

    def __init__(self, row_max, shape=UQ(4, 8), spare=0):
        super().__init__()
        if row_max < 1:
            raise ValueError(f"Rows must have 1 number or more, not {row_max}")
        x = self.input(shape, rank=1)
        x_row, x_sum = self.fork(x)
        sum_i = self.reduce(Sum(x.shape, growth=8), x_sum)
        row = x_row.fifo(row_max + skew(x_row, sum_i) + spare)
        row_sum = self.repeat(sum_i, over=row)
        share = self.map(Divide(x.shape, sum_i.shape, UQ(1, 15)), row_sum)
        self.output(share=share)


def rows_of(row_max=9):
    return Normalise(row_max)
'''

TWICE = '''
from sdpaflow.pipelines import Config, MemoryFree, Naive


class Twice(MemoryFree):
    """Memory-free attention, said to be so many times that."""

    def __init__(self, config, times=2.0):
        super().__init__(config)
        if times <= 0:
            raise ValueError(f"Times must be above 0, not {times}")
        self.times = times

    def reference(self, q, k, v, lengths=None):
        return self.times * super().reference(q, k, v, lengths)


class Stored(Naive):
    """Naive attention by another name."""


def whole(d=4):
    return Naive(Config(d=d, row_max=8))
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with q, k and v of one head (q.npy …) and of three (q3.npy …)."""
    for name, array in zip("qkv", head(n_q=3, n_k=5), strict=True):
        np.save(tmp_path / f"{name}.npy", array)
    for name, arrays in zip(
        "qkv", zip(*(head(seed=s, n_q=2) for s in range(3)), strict=True), strict=True
    ):
        np.save(tmp_path / f"{name}3.npy", np.stack(arrays))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def own(folder, monkeypatch):
    """The same, with pipelines of one's own: normalise.py and twice.py."""
    (folder / "normalise.py").write_text(NORMALISE)
    (folder / "twice.py").write_text(TWICE)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield folder
    for path in folder.glob("*.py"):
        sys.modules.pop(path.stem, None)

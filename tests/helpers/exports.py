# amaranth: UnusedElaboratable=no
"""What tests of exported files do often: export a small pipeline, and run its testbench."""

import functools
import shutil
import subprocess

import pytest
from attention import NAMES, pipeline
from sdpaflow_sim.attention.inputs import build, sample_of, split_heads
from sdpaflow_sim.exporting.write import export, files
from sdpaflow_sim.verilog.count import count

__all__ = ["ENDINGS", "HEADS", "SHAPES", "counted_pipeline", "exported", "simulate"]

HEADS = split_heads(*sample_of(4, None, 8))
ENDINGS = {".v", ".json", "_tb.v", ".core", *(f"_tb_{n}.hex" for n in "qkvo")}
SHAPES = [
    *((name, 4, "native") for name in NAMES),
    *((name, 2, "axi") for name in ("naive", "memory-free")),
]


@functools.cache
def counted_pipeline(name):
    """A pipeline in beats with rows of up to 32 keys, and its count, made once."""
    dut = pipeline(name, lanes=2, row_max=32)
    return dut, count(dut)


@functools.cache
def _texts(name, lanes, ports):
    return files(build(name, HEADS, lanes=lanes), heads=HEADS, ports=ports)


def exported(path, name="memory-free", lanes=4, ports="native", heads=HEADS, **options):
    """Folder and name of an export of a small pipeline, and the pipeline.

    What several tests look at is made once.
    """
    dut = build(name, heads, lanes=lanes, **options)
    if heads is HEADS and not options:
        texts = _texts(name, lanes, ports)
        path.mkdir(exist_ok=True)
        for file, text in texts.items():
            (path / file).write_text(text, encoding="utf-8")
        written = [path / file for file in texts]
    else:
        written = export(dut, path, heads=heads, ports=ports)
    assert {p.name.removeprefix(written[0].stem) for p in written} == ENDINGS
    assert all(p.is_file() for p in written)
    return path, written[0].stem, dut


def simulate(folder, top):
    """Exit code and words of the testbench in Icarus, which knows nothing of Python."""
    if shutil.which("iverilog") is None:
        pytest.fail("Icarus Verilog is missing: apt-get install iverilog")
    subprocess.run(
        ["iverilog", "-g2005-sv", "-o", "tb.vvp", f"{top}.v", f"{top}_tb.v"],
        cwd=folder,
        check=True,
    )
    done = subprocess.run(
        ["vvp", "-n", "tb.vvp"], cwd=folder, capture_output=True, text=True, timeout=300
    )
    return done.returncode, done.stdout

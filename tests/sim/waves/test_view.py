# amaranth: UnusedElaboratable=no
"""Save files are checked against the dumps they are for; GTKWave is not needed."""

import re
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from amaranth.lib import data
from attention import correct, head, pipeline
from helpers.bench import raises
from helpers.gtkw import Samples, parse
from sdpaflow.numerics import Sum
from sdpaflow.numerics.fixed import SQ, UQ
from sdpaflow.units import Fifo, Reduce, Repeat
from sdpaflow_sim.engines.amaranth import simulate
from sdpaflow_sim.waves.gtkwave import STATES
from sdpaflow_sim.waves.view import save_path, save_view
from vcd.gtkw import GTKWFlag

N_Q, N_K = 4, 6
DUT = "bench.top.dut"


@pytest.fixture(
    scope="module",
    params=[("memory-free", 4), ("memory-free", 2), ("naive", 4), ("naive", 2), ("scaled", 1)],
    ids=lambda param: f"{param[0]}-{param[1]}",
)
def case(request, tmp_path_factory):
    name, lanes = request.param
    dut = pipeline(name, 4, lanes, row_max=N_K)
    given = head(4, N_Q, N_K)
    vcd = tmp_path_factory.mktemp("waves") / f"{name}.vcd"
    report = correct(dut, *given, vcd=vcd)
    save_view(save_path(vcd), vcd, dut)
    return SimpleNamespace(
        dut=dut, given=given, vcd=vcd, report=report, save=parse(save_path(vcd)), dump=Samples(vcd)
    )


def states(case, port):
    """The colour that the state row of a port has, cycle by cycle."""
    colours = dict(line.split(" ", 1) for line in STATES.read_text(encoding="ascii").splitlines())
    handshake = [f"{DUT}.{port}__valid", f"{DUT}.{port}__ready"]
    (row,) = [row for row in case.save.rows if row.names[-2:] == handshake]
    return [colours[bits] for bits in case.dump.bits(row.names)]


def accepted(case, port):
    """The numbers shown for a port while its state row is green, (tokens, numbers)."""
    name, _, stream = f"{DUT}.{port}".rpartition(".")
    data_of = f"{name}.\\{stream}__payload.data"
    rows = [row for row in case.save.rows if row.names[0].startswith(data_of)]
    green = ["green" in state for state in states(case, port)]
    return np.array([case.dump.shown(row) for row in rows]).T[green]


def leaves(dump, scope):
    """Variables in a scope, layouts by their scalars alone."""
    names = [name for name, width in dump.widths.items() if name.startswith(f"{scope}.") and width]
    return {n for n in names if not any(m.startswith((f"{n}.", f"{n}[")) for m in names)}


def test_declared(case):
    """Every name in the save file is in the dump, letter by letter, with the width it says."""
    references = re.findall(r"\$var \w+ \d+ \S+ (\S+) \$end", case.vcd.read_text(encoding="ascii"))
    for row in case.save.rows:
        for name, (plain, width, _) in zip(row.names, map(case.dump.find, row.names), strict=True):
            assert case.dump.widths[plain] == width
            _, escaped, rest = name.partition("\\")
            assert f"{escaped}{rest}".partition(f"[{width - 1}:0]")[0] in {"", *references}
            assert escaped or name.count(".") <= 4
    assert case.save.settings["dumpfile"] == f'"{case.vcd}"'


def test_complete(case):
    """Every bit of every stream of every unit is shown."""
    shown = {case.dump.find(name)[0] for row in case.save.rows for name in row.names}
    for node in case.dut.nodes:
        for port in (*node.inputs, *node.outputs):
            scope = f"{DUT}.{node.name}"
            wanted = {n for n in leaves(case.dump, scope) if n.startswith(f"{scope}.{port}__")}
            assert len(wanted) >= 3
            assert wanted <= shown


def test_order(case):
    """Clock first, then inputs, units in graph order, outputs; levels of short FIFOs at the end."""
    titles = [
        row.alias.split(":")[0] for row in case.save.rows if not row.folded and ":" in row.alias
    ]
    edges = [edge for node in case.dut.nodes for edge in node.outputs.values()]
    assert [row.alias for row in case.save.rows[:2]] == ["clk", "rst"]
    assert titles == [
        *case.dut.input_edges,
        *(name for edge in edges for name in [edge.name] * (2 if edge.depth > 2 else 1)),
        *case.dut.output_edges,
    ]
    short = [edge for edge in case.dut.edges if edge.depth <= 2]
    ending = case.save.rows[-len(short) :]
    assert [row.alias for row in ending] == [f"{edge.name} of {edge.depth}" for edge in short]
    assert all(row.height == 1 and not row.folded for row in ending)


def test_inputs_as_numbers(case):
    """The numbers shown for k, where its row is green, are those given, rounded to the format."""
    k = case.given[1]
    shown = accepted(case, "k_fifo.i").reshape(N_Q, *k.shape)
    assert np.abs(shown - k).max() <= case.dut.config.k.ulp / 2


def test_outputs_as_numbers(case):
    """The numbers shown for the output, where its row is green, are the results, exactly."""
    (edge,) = case.dut.output_edges.values()
    shown = accepted(case, f"{edge.name}_fifo.o")
    assert (shown.reshape(N_Q, -1) == case.report.outputs).all()


def test_unsigned_numbers(case):
    """Weights and their places are shown as such; shares are 1 in all in each row."""
    divided = any(node.name == "p_ij" for node in case.dut.nodes)
    weight, down = accepted(case, "p_ij.o" if divided else "w_ij.o")[:, :2].T
    assert weight.min() >= 0
    assert 0.5 < weight.max() <= 2  # the top bit is set, and is no sign
    assert down.min() >= 0
    shown = (weight * 2.0 ** -(case.dut.places.step * down)).reshape(N_Q, N_K)
    assert not divided or np.abs(shown.sum(axis=1) - 1).max() < N_K * 2**-16


def test_states(case):
    """As many cycles are green as tokens move, and brightest as rows end; red only if one waits."""
    seen = states(case, "k_fifo.i")
    assert sum("green" in state for state in seen) == N_Q * N_K * case.dut.config.beats
    assert seen.count("?green?") == N_Q
    assert sum("waits" in state for state in states(case, "v_fifo.i")) > N_K


def test_state_words():
    """Up to rank 3, all states have a colour."""
    colours = dict(line.split(" ", 1) for line in STATES.read_text(encoding="ascii").splitlines())
    wanted = ["".join(bits) for rank in range(4) for bits in product("01", repeat=rank + 2)]
    assert list(colours) == wanted
    for bits, colour in colours.items():
        *last, valid, ready = map(int, bits)
        assert ("black" in colour) == (not valid)
        assert ("waits" in colour) == (valid and not ready)
        assert (colour == "?green?") == bool(valid and ready and last and last[0])


def test_levels(case):
    """Each level is drawn once and reaches the peak of the run; long FIFOs are drawn higher."""
    flags = GTKWFlag.analog_step | GTKWFlag.analog_fullscale
    rows = {row.names[0].split(".")[3]: row for row in case.save.rows if flags in row.flags}
    assert set(rows) == {f"{edge.name}_fifo" for edge in case.dut.edges}
    assert sum(flags in row.flags for row in case.save.rows) == len(rows)
    for edge in case.dut.edges:
        row = rows[f"{edge.name}_fifo"]
        assert max(case.dump.shown(row)) == case.report.peaks[edge.name]
        assert (row.height > 1) == (edge.depth > 2)


def test_folded(case):
    """Rows that open are marked, and of a vector only the first lane is in sight."""
    for row in case.save.rows:
        assert (row.alias.endswith("▸")) == (GTKWFlag.grp_begin in row.flags)
        assert row.folded or "[1]" not in row.alias


def test_zoom(case):
    """The whole run fits the waves beside the names, and fills most of them."""
    width = int(case.save.settings["size"].split()[0])
    names = int(case.save.settings["signals_width"])
    pixels = case.dump.end * 200 / 2 ** -case.save.settings["zoom"]
    assert 0.9 * (width - names) < pixels < width - names


def unit(tmp_path, dut, sources, counts):
    vcd = tmp_path / "unit.vcd"
    simulate(dut, sources, counts, vcd=vcd)
    save_view(save_path(vcd), vcd, dut)
    save, dump = parse(save_path(vcd)), Samples(vcd)
    for row in save.rows:
        assert all(dump.widths[name] == width for name, width, _ in map(dump.find, row.names))
    return save, dump


def test_unit(tmp_path):
    """A single unit: its inputs, then its outputs, as numbers."""
    dut = Reduce(Sum(SQ(4, 4), 4), 1)
    save, dump = unit(tmp_path, dut, {"i": [0x010, 0x1F0, 0x118]}, {"o": 2})
    stream = ["i ▸", "valid", "ready", "last", "i", "o ▸", "valid", "ready", "o"]
    assert [row.alias for row in save.rows] == ["clk", "rst", *stream, "saturated"]
    assert {0.0, 1.0, 1.5} <= set(dump.shown(save.row("o")))


def test_fifo(tmp_path):
    """A FIFO on its own shows its level."""
    save, _ = unit(tmp_path, Fifo(SQ(4, 4), 1, 20), {"i": range(30)}, {"o": 30})
    assert save.row("level of 20").height == 4


def test_combinational_unit(tmp_path):
    """A unit without a clock has none in the view; layouts within layouts have spaces for dots."""
    pair = data.StructLayout({"x": SQ(2, 2), "n": 3})
    dut = Repeat(UQ(0, 4), data.ArrayLayout(pair, 2), 1)
    save, _ = unit(tmp_path, dut, {"i": [1], "over": [1 << 14]}, {"o": 1})
    aliases = [row.alias for row in save.rows]
    assert "clk" not in aliases
    found = [alias for alias in aliases if alias.startswith("over[")]
    assert found == ["over[0] x of 2 ▸", "over[0] n", "over[1] x", "over[1] n"]
    assert GTKWFlag.fpdecshift not in save.row("over[[]0] n").flags


def test_foreign_dump(case, tmp_path):
    """A dump of another design is refused, by the first name that is missing."""
    missing = rf"{DUT}.q_fifo.\i__payload.data[0] of 18 bits"
    with raises(ValueError, f"{case.vcd} is of another design: it has no {missing}"):
        save_view(tmp_path / "x.gtkw", case.vcd, pipeline("reordered", 4, 4, q=SQ(6, 12)))
    assert not (tmp_path / "x.gtkw").exists()


def test_no_dump(tmp_path):
    """A file that is no VCD is refused."""
    path = tmp_path / "x.vcd"
    path.write_text("q,k,v\n")
    with raises(ValueError, f"{path} is no VCD file: it has no header"):
        save_view(save_path(path), path, Fifo(SQ(4, 4), 1))


def test_script(tmp_path):
    """The script leaves a dump and a save file, and says how to open them."""
    script = Path(__file__).parents[3] / "scripts" / "waves.py"
    command = [sys.executable, script, "naive", "--queries", "2", "--keys", "3", "--out", tmp_path]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert f"gtkwave {tmp_path / 'naive.gtkw'}" in said
    assert parse(tmp_path / "naive.gtkw").row("row level of *").height > 1


def test_screenshot_needs(tmp_path):
    """Without GTKWave and its display, the script says what to install."""
    script = Path(__file__).parents[3] / "scripts" / "screenshot_waves.sh"
    (tmp_path / "dirname").symlink_to(shutil.which("dirname"))
    done = subprocess.run(
        ["/bin/sh", script], env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "apt-get install gtkwave xvfb xdotool imagemagick" in done.stderr

# amaranth: UnusedElaboratable=no
"""Waveforms of runs that end early, and windows as they are written on the command line."""

import contextlib

import pytest
from amaranth.hdl import unsigned
from attention import head, pipeline
from helpers.bench import raises
from helpers.dumps import DUT, same, values
from helpers.gtkw import Samples, parse
from sdpaflow.graph import Dataflow
from sdpaflow.numerics import UQ, Add
from sdpaflow.units import Fifo
from sdpaflow_sim.attention.heads import Workload
from sdpaflow_sim.cli import main
from sdpaflow_sim.engines import amaranth
from sdpaflow_sim.engines.choose import ENGINES
from sdpaflow_sim.engines.compiled import engine as compiled
from sdpaflow_sim.errors import DeadlockError, FramingError, InputError, LimitError
from sdpaflow_sim.waves import window
from sdpaflow_sim.waves.view import save_path, save_view

pytestmark = pytest.mark.slow

N_K = 6


def test_windows_as_text():
    """Either end may be left out."""
    assert window.parse("3:9") == (3, 9)
    assert window.parse(":9") == (0, 9)
    assert window.parse("3:") == (3, None)
    assert window.parse("4:4") == (4, 4)


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("window must be FIRST:LAST in cycles, such as 1000:1200, not '5'", ["--window", "5"]),
        ("window must be FIRST:LAST in cycles, such as 1000:1200, not ':'", ["--window", ":"]),
        ("window must be FIRST:LAST in cycles, such as 1000:1200, not 'a:b'", ["--window", "a:b"]),
        ("window must not end before it begins, as 9:3 does", ["--window", "9:3"]),
        ("window must begin before the limit of 5", ["--window", "9:", "--limit", "5"]),
        ("leave the window out, or use verilator", ["--window", "1:2", "--engine", "amaranth"]),
        ("window must begin within the run of", ["--window", "900:", "--engine", "verilator"]),
    ],
)
def test_bad_windows_on_the_command_line(capsys, tmp_path, message, arguments):
    """One line and exit code 2; nothing is written."""
    size = ["--pipeline", "memory-free", "--tokens", "3", "--lanes", "2", "--quiet"]
    files = ["--vcd", str(tmp_path / "w.vcd"), "--out", str(tmp_path / "o.npy")]
    code = None
    with contextlib.suppress(SystemExit):
        code = main(["run", *size, *files, *arguments])
    said = capsys.readouterr().err
    assert code in {2, None}
    assert said.startswith("sdpaflow")
    assert message in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_command(capsys, tmp_path):
    """A run that is given up leaves its window and the save file; without the window, neither."""
    size = ["--pipeline", "memory-free", "--tokens", "3", "--lanes", "2", "--quiet"]
    vcd = tmp_path / "w.vcd"
    assert main(["run", *size, "--vcd", str(vcd), "--window", "30:35"]) == 0
    assert len(Samples(vcd).cycles) == 6
    assert parse(save_path(vcd)).settings["timestart"] == "29500"
    assert main(["run", *size, "--vcd", str(vcd), "--window", "5:", "--limit", "9"]) == 1
    assert "not finished after 9 cycles" in capsys.readouterr().err
    assert len(Samples(vcd).cycles) == 4
    assert parse(save_path(vcd)).settings["timestart"] == "4500"


def test_a_deadlock_is_shown(tmp_path):
    """To the cycle in which it was found, like Amaranth's; and is no other for the waveform."""
    dut = pipeline("naive", 4, 2, row_max=N_K, depths={"row": 3})
    workload, found = Workload(dut.config, [head(4, 2, N_K)]), []
    for engine, simulate in ENGINES.items():
        vcd = tmp_path / f"{engine}.vcd"
        with pytest.raises(DeadlockError, match="nothing moves from cycle") as caught:
            simulate(dut, workload.sources(), {"o": workload.outputs}, vcd=vcd)
        found.append((str(caught.value), Samples(vcd)))
    (said, one), (also, other) = found
    assert said == also
    assert same(other, one, dut)
    end = len(one.cycles)
    for given, shown in (((end - 3, end - 1), True), ((end, None), False)):
        vcd = tmp_path / f"{shown}.vcd"
        with raises(DeadlockError, said):
            compiled.simulate(
                dut, workload.sources(), {"o": workload.outputs}, vcd=vcd, window=given
            )
        assert vcd.exists() == shown


class Both(Dataflow):
    """Two streams added, whose ends of groups may differ."""

    def __init__(self):
        super().__init__()
        a = self.input(UQ(8), 1)
        b = self.input(UQ(8), 1)
        both = self.map(Add(UQ(8), UQ(8)), a, b)
        self.output(o=both)


@pytest.mark.parametrize(
    ("kind", "options"), [(FramingError, {}), (LimitError, {"limit": 2, "watch": False})]
)
def test_what_ends_a_run_early_is_shown(tmp_path, kind, options):
    """The cycle that an error names is the last in the dump, and whole."""
    dut, found = Both(), []
    tokens = {"a": [1, 2, 1 << 8 | 3], "b": [1, 1 << 8 | 2, 1 << 8 | 3]}
    for engine, simulate in ENGINES.items():
        vcd = tmp_path / f"{engine}.vcd"
        with pytest.raises(kind):
            simulate(dut, tokens, {"o": 3}, vcd=vcd, **options)
        found.append(Samples(vcd))
    assert same(found[1], found[0], dut)


def test_a_job_abandoned_before_is_not_shown(tmp_path):
    """Time begins with the run that counts."""
    dut, vcd = Fifo(unsigned(8), 0, depth=5), [tmp_path / "0.vcd", tmp_path / "1.vcd"]
    for path, before in zip(vcd, (None, ({"i": [7, 8, 9]}, 3)), strict=True):
        compiled.simulate(dut, {"i": range(9)}, {"o": 9}, vcd=path, abandoned=before)
    names = [f"{DUT}.{port}__{bit}" for port in "io" for bit in ("valid", "ready", "payload")]
    dumps = list(map(Samples, vcd))
    # What a FIFO gives while it offers nothing is left from before.
    valid = values(dumps[0], f"{DUT}.o__valid")
    for name in names:
        pairs = zip(values(dumps[0], name), values(dumps[1], name), valid, strict=True)
        always = not name.endswith("payload")
        assert all(one == other for one, other, on in pairs if on or always), name
    save_view(save_path(vcd[0]), vcd[0], dut)
    assert parse(save_path(vcd[0])).row("level of 5")


def test_amaranth_takes_no_window(tmp_path):
    """Nor does it begin."""
    vcd = tmp_path / "w.vcd"
    with pytest.raises(InputError, match="shows whole runs"):
        amaranth.simulate(Both(), {}, {"o": 1}, vcd=vcd, window=(0, 1))
    assert not vcd.exists()

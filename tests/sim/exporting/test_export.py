# amaranth: UnusedElaboratable=no
"""Exported files: names, order and bytes; and, where it can run, what the testbench says."""

import json
import re
import subprocess
import sys
from contextlib import contextmanager

import pytest
from attention import NAMES, pipeline
from helpers.exports import ENDINGS, HEADS, SHAPES, exported
from sdpaflow.units import Fifo, Replay
from sdpaflow_sim.attention.inputs import build, sample_of, split_heads
from sdpaflow_sim.attention.run import run
from sdpaflow_sim.cli import main
from sdpaflow_sim.exporting import write as module
from sdpaflow_sim.exporting.design import pipeline_design
from sdpaflow_sim.exporting.write import PORTS, export
from sdpaflow_sim.verilog import yosys
from sdpaflow_sim.verilog.convert import to_verilog


def ports_of(text, name):
    head = re.search(rf"^module {name} \((.*?)\);", text, re.M | re.S)[1]
    return re.findall(r"(?:wire|reg) (?:\[.*?\] )?(\w+)", head)


def inside(text):
    """All modules but the first."""
    return text.partition("\nendmodule\n")[2]


@pytest.mark.parametrize(("name", "lanes", "ports"), SHAPES)
def test_names(tmp_path, name, lanes, ports):
    """Modules and instances are called like the graph's nodes and FIFOs; nothing is escaped."""
    folder, top, dut = exported(tmp_path, name, lanes, ports)
    text = (folder / f"{top}.v").read_text(encoding="utf-8")
    parts = {node.name for node in dut.nodes} | {f"{edge.name}_fifo" for edge in dut.edges}
    modules = re.findall(r"^module (\S+)", text, re.M)
    assert modules[0] == top
    assert sorted(modules) == sorted([top, *(f"{top}_{part}" for part in parts)])
    assert {(f"{top}_{part}", part) for part in parts} == set(
        re.findall(rf"^  ({top}_\w+) (\w+) \($", text, re.M)
    )
    assert "\\" not in text
    assert set(re.findall(r"\$\w*", text)) <= {"$signed", "$unsigned"}
    assert not re.search(r"[\w)]/\w|/(home|root|usr|tmp)", text)
    assert text.isascii()


@pytest.mark.parametrize("name", NAMES)
def test_ports_are_in_order(tmp_path, name):
    """Clock, reset, inputs in the order q, k, v, output, flags; in AXI the names of AXI."""
    _, top, _ = exported(tmp_path, name)
    text = (tmp_path / f"{top}.v").read_text(encoding="utf-8")
    streams = [f"{s}__{part}" for s in "qkvo" for part in ("payload", "valid", "ready")]
    flags = ["misframed", "saturated"]
    assert ports_of(text, top) == ["clk", "rst", *streams, *flags]
    for part in re.findall(r"^module (\S+)", text, re.M):
        clocks = [port for port in ports_of(text, part) if port in {"clk", "rst"}]
        assert ports_of(text, part)[: len(clocks)] == clocks == sorted(clocks)
        names = set(ports_of(text, part)) - {"clk", "rst", *flags}
        inner = r"(i|o|over)\d*__(payload|valid|ready)"
        assert part == top or all(re.fullmatch(inner, port) for port in names), names
    # A port is called after its direction, even where input and output are the same signal.
    assert not re.search(
        r"^  input .* (o\d*__(payload|valid)|i__ready)( =|,|$)", inside(text), re.M
    )
    assert not re.search(
        r"^  output .* (i__(payload|valid)|o\d*__ready)( =|,|$)", inside(text), re.M
    )

    _, top, _ = exported(tmp_path, name, 2, "axi")
    text = (tmp_path / f"{top}.v").read_text(encoding="utf-8")
    prefixes = ["s_axis_q", "s_axis_k", "s_axis_v", "m_axis_o"]
    streams = [f"{s}_t{part}" for s in prefixes for part in ("data", "last", "valid", "ready")]
    assert ports_of(text, top) == ["aclk", "aresetn", *streams, *flags]
    assert [p["name"] for p in json.loads((tmp_path / f"{top}.json").read_text())["ports"]] == (
        ports_of(text, top)
    )


@pytest.mark.slow
def test_same_bytes(tmp_path):
    """Twice the same commands, in processes with different hashes: the same bytes."""
    runs = []
    for seed in ("1", "2"):
        subprocess.run(
            [
                sys.executable,
                "-c",
                "import sys; from sdpaflow_sim.cli import main\n"
                "command = ['export', *'--pipeline naive --d 2 --lanes 1 --ports'.split()]\n"
                f"for ports in {PORTS}: assert main([*command, ports, '--out', '{seed}']) == 0",
            ],
            cwd=tmp_path,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
            check=True,
            capture_output=True,
        )
        runs.append({p.name: p.read_bytes() for p in (tmp_path / seed).iterdir()})
    assert runs[0] == runs[1]
    assert len(runs[0]) == len(PORTS) * len(ENDINGS)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    ["--d 4 --dv 2 --lanes 2 --weight-bits 15 --digits 2", "--d 1 --row-max 9 --scale 0.3"],
)
def test_command_in_the_header(tmp_path, monkeypatch, options):
    """The command that the header names makes the same Verilog."""
    monkeypatch.chdir(tmp_path)
    kind = "naive" if "row" in options else "memory-free"
    assert main(["export", "--pipeline", kind, "--out", "once", *options.split()]) == 0
    (path,) = (p for p in (tmp_path / "once").glob("*.v") if not p.stem.endswith("_tb"))
    command = json.loads(path.with_suffix(".json").read_text())["command"]
    assert f"// {command}\n" in path.read_text(encoding="utf-8")
    assert main(command.replace("'", "").split()[1:]) == 0
    assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_configurations_differ_in_name(tmp_path):
    """Each configuration has files of its own, and leaves others alone."""
    changes = [
        {},
        {"lanes": 2},
        {"ports": "axi"},
        {"name": "naive", "row_max": 8},
        {"name": "naive", "row_max": 9},
        {"scale": 0.25},
        {"segments": 32, "score_bits": 12},
        {"weight_bits": 15, "digits": 2},
        {"o": pipeline("naive").config.o},
        {"heads": split_heads(*sample_of(4, 6, 8))},
    ]
    names = set()
    for change in changes:
        options = {"name": "memory-free", "lanes": 4, "heads": HEADS, "ports": "native", **change}
        name, heads, ports = (options.pop(key) for key in ("name", "heads", "ports"))
        names.add(pipeline_design(build(name, heads, **options), ports).name)
    assert len(names) == len(changes)

    exported(tmp_path)
    files = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    exported(tmp_path, "naive", 2, "axi")
    assert all((tmp_path / name).read_bytes() == text for name, text in files.items())
    assert len(list(tmp_path.iterdir())) == 2 * len(ENDINGS)


def test_header(tmp_path):
    """The head of the file says what it holds; figures are those of the pipeline."""
    _, top, dut = exported(tmp_path, "naive", 2)
    text = (tmp_path / f"{top}.v").read_text(encoding="utf-8")
    for line in (
        "d = 4, dv = 4, 2 lanes of q and k, 2 of v and o, rows of up to 8 keys",
        "Cycles per score: 2.",
        f"row of {next(e.depth for e in dut.edges if e.name == 'row')} words",
        "v  last beat of the vector, last key of the row",
        "Made by sdpaflow ",
    ):
        assert line in text


@pytest.mark.parametrize("name", NAMES)
def test_latency(tmp_path, name):
    """Where a vector is one token, a row of one key takes as many cycles as the file says."""
    one = [array[:1] for array in HEADS[0]]
    _, top, dut = exported(tmp_path, name)
    known = json.loads((tmp_path / f"{top}.json").read_text())
    assert run(dut, *one).cycles == known["latency"] + 1


@pytest.mark.slow
def test_failing_export_leaves_nothing(tmp_path, monkeypatch, capsys):
    """Neither a missing tool nor a full disk leaves a file, or half of one."""
    target = tmp_path / "out"
    command = ["export", "--pipeline", "memory-free", "--d", "1", "--out", str(target)]
    with monkeypatch.context() as patch:
        patch.setattr(yosys, "YOSYS", "no_yosys")
        assert main(command) == 2
    assert capsys.readouterr().err.startswith("sdpaflow: error: Export takes Yosys: pip install")
    assert not target.exists()

    heads = split_heads(*sample_of(1, None, 4))
    dut = build("memory-free", heads)
    export(dut, target, heads=heads)
    before = {p.name: p.read_bytes() for p in target.iterdir()}
    calls = []

    class Full(type(tmp_path)):
        def write_text(self, text, **options):
            calls.append(self)
            if len(calls) == 3:
                raise OSError(28, "No space left on device")
            return super().write_text("half", **options)

    real = module.replacing

    @contextmanager
    def failing(path):
        with real(path) as temporary:
            yield Full(temporary)

    monkeypatch.setattr(module, "replacing", failing)
    with pytest.raises(OSError, match="No space"):
        export(dut, target, heads=heads)
    assert {p.name: p.read_bytes() for p in target.iterdir()} == before


UNITS = "qk_ij, dot_ij, s_ij, m_ij, x_ij, w_ij, w_ij_fork, l_i, wv_ij, a_i, o_i"
MAPS = "dot_ij, s_ij, w_ij, wv_ij, o_i"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--d 5 --lanes 2", "lanes must divide d = 5, not be 2"),
        ("--d 400", "d must be 1 to 384, not 400"),
        ("--dv 4", "--dv goes with --d; data has its own dimensions"),
        ("--d 4 --layer 2 --tokens 3", "--d is instead of data; leave out --layer and --tokens"),
        ("--d 4 --unit Map", f"memory-free has 5 units of kind Map: name one of {MAPS}"),
        (
            "--d 4 --unit Mop",
            f"unit must be one of {UNITS}, a stream's FIFO (q_fifo), or a kind of which "
            "memory-free has one, not 'Mop'",
        ),
        ("--d 4 --unit Fork --ports axi", "units have native ports, not axi"),
        ("--d 4 --out there", "there: is a file; a folder is needed"),
        ("--d 4 --out no/where", "no/where: there is no folder no"),
    ],
)
def test_bad_input(tmp_path, monkeypatch, capsys, options, message):
    """One line, exit code 2, no files."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").touch()
    given = ["export", "--pipeline", "memory-free", "--out", "out", *options.split()]
    assert main(given) == 2
    assert capsys.readouterr().err == f"sdpaflow: error: {message}\n"
    assert [p.name for p in tmp_path.iterdir()] == ["there"]


def test_nothing_to_export(capsys):
    """Neither a pipeline nor a unit: one line."""
    assert main(["export", "--d", "4", "--out", "out"]) == 2
    message = "sdpaflow: error: --pipeline says what to export, or --unit\n"
    assert capsys.readouterr().err == message


@pytest.mark.parametrize("unit", [Fifo(8, 1, 5), Replay(8, 8, 4)], ids=["fifo", "replay"])
def test_any_unit(unit):
    """Units of any configuration can be converted, keywords among their signals and all."""
    text = to_verilog(unit, "unit")
    assert ports_of(text, "unit")[:2] == ["clk", "rst"]
    assert "\\" not in text


def test_unit(tmp_path):
    """A unit has the name, the ports and the text that it has in its pipeline."""
    _, top, dut = exported(tmp_path, "memory-free", 2)
    whole = (tmp_path / f"{top}.v").read_text(encoding="utf-8")
    export(dut, tmp_path, heads=HEADS, unit="m_ij")
    text = (tmp_path / f"{top}_m_ij.v").read_text(encoding="utf-8")
    head, module, body = text.partition("module ")
    assert module + body in whole
    assert head.startswith(f"// {top}_m_ij: Scan of RunningMax,\n// unit m_ij of the pipeline")
    assert "Cycles per token: 1. Latency: 3 cycles." in head
    known = json.loads((tmp_path / f"{top}_m_ij.json").read_text())
    assert known["streams"]["i"] == {
        "direction": "input",
        "width": 26,
        "data": "SQ(7,18)",
        "rank": 1,
    }
    assert [port["name"] for port in known["ports"]] == ports_of(text, f"{top}_m_ij")

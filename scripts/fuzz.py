"""Call the command line with what nobody meant: no traceback, no other exit code, no half a file.

    python scripts/fuzz.py --seed 7 --calls 2000

Calls are made of what is right, and then spoilt: options, numbers, names, files. All run in this
process, up to where the long work begins (Yosys, a compiler, other processes), which is left out.
"""

import argparse
import contextlib
import io
import itertools
import json
import os
import random
import shlex
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
from sdpaflow_sim.cli import main
from sdpaflow_sim.errors import ToolError

__all__ = ["Folder", "calls", "fault"]

PATIENCE = 30
"""Seconds after which a call hangs."""

LONG_WORK = (
    "sdpaflow_sim.cli.measure.measure_all",
    "sdpaflow_sim.study.runner.run_points",
    "sdpaflow_sim.sizing.search",
    "sdpaflow_sim.fpga.flow.implement",
    "sdpaflow_sim.verilog.count.count",
    "sdpaflow_sim.exporting.design.to_verilog",
    "sdpaflow_sim.engines.compiled.lookup.library",
)

NUMBERS = [
    "0", "-1", "1", "2", "3", "4", "7", "65536", "65537", "99999999999", str(2**63), str(2**64),
    "1" * 40, "9" * 5000, "", " ", "1.5", "1e3", "1e308", "1e-308", "nan", "inf", "-inf", "0x10",
    "1_0", "٣", "+2", " 2 ", "2,", "2,2", "1,2", ",", "two", "\n", "\0", "-", "--", "%s", "None",
]  # fmt: skip
NAMES = [
    "", ".", "..", "/", "-", "o.npy", "o.json", "o.svg", "o.png", "q.npy", "k.npy", "./q.npy",
    "fifo", "loop", "dangling", "link.npy", "none/o", "q.npy/o", "own.py", "/dev/null", "/dev/full",
    "/proc/o", "x" * 300, "n\0l", "new\nline", "esc\x1b[31m", "\udcff", "~", "*", "folder",
    "folder/o", "o.vcd", "o.gtkw", "ж.npy", "a b.json", "one.npz", "two.npz", "cut.npy",
    "odd.npy", "o.",
]  # fmt: skip
TEXTS = [
    "naive", "memory-free", "reordered", "scaled,naive", "all", "none", "own.py:Own", "own.py:Bad",
    "own.py:", ":Own", "own:Own", "nowhere:X", "sdpaflow.pipelines:Naive", "os:stat",
    "q=SQ(4,12)", "q=SQ(62,0)", "o=SQ(1,1)", "x=SQ(4,4)", "q=UQ(4,4)", "q", "=", "a=1", "a=(",
    "1101", "q=01,o=1", "random:0.5", "random:1", "random:nan", "x=1", "0:3", ":2", "3:", "5:1",
    "::", "native", "axi", "svg", "dot", "pdf", "amaranth", "m_ij", "Map", "Scan", "tcp://",
    "x=in.json", "x=q.npy", "x=fifo", "y=q.npy", "ecp5-85f", "ice40-up5k",
]  # fmt: skip
OPTIONS = [
    "--pipeline", "--pipelines", "--arg", "--input", "--q", "--k", "--v", "--layer", "--head",
    "--tokens", "--lanes", "--formats", "--scale", "--row-max", "--segments", "--score-bits",
    "--weight-bits", "--digits", "--stalls", "--seed", "--limit", "--vcd", "--gtkw", "--window",
    "--out", "--json", "--quiet", "--figure", "--markdown", "--jobs", "--run", "--format", "--unit",
    "--d", "--dv", "--ports", "--test-tokens", "--n", "--device", "--seeds", "--synth-only",
    "--logs", "--fresh", "--scheduler", "--days", "--megabytes", "--clear", "--help", "--version",
    "--toke", "--po", "-h", "-x", "--", "extra", "@file",
]  # fmt: skip

DATA = ["--q", "q.npy", "--k", "k.npy", "--v", "v.npy"]
SMALL = ["--engine", "amaranth", "--quiet"]
RIGHT = [
    (30, ["graph", "--pipeline", "memory-free", *DATA]),
    (10, ["graph", "--pipeline", "naive", *DATA, "--out", "o.svg"]),
    (10, ["graph", "--pipeline", "own.py:Own"]),
    (6, ["run", "--pipeline", "memory-free", *DATA, *SMALL, "--json", "o.json", "--out", "o.npy"]),
    (3, ["run", "--pipeline", "naive", *DATA, *SMALL, "--vcd", "o.vcd"]),
    (3, ["run", "--pipeline", "own.py:Own", "--tokens", "2", *SMALL, "--out", "o.npz"]),
    (4, ["run", "--pipeline", "own.py:Own", "--input", "x=in.json", *SMALL, "--json", "o.json"]),
    (6, ["compare", "--pipelines", "naive,memory-free", *DATA, "--figure", "o.png"]),
    (6, ["count", "--pipeline", "memory-free", *DATA, "--json", "o.json"]),
    (6, ["export", "--pipeline", "memory-free", "--d", "1", "--out", "new"]),
    (4, ["export", "--unit", "m_ij", "--d", "1", "--out", "folder"]),
    (6, ["study", "--pipelines", "memory-free", "--n", "2", "--out", "new/deep"]),
    (4, ["depths", "--pipeline", "memory-free", "--n", "2", "--json", "o.json"]),
    (4, ["fpga", "--pipeline", "memory-free", "--d", "1", "--logs", "new"]),
    (2, ["cache"]),
]
"""What is right, and how often it is taken."""

OWN = """\
from amaranth.hdl import unsigned
from sdpaflow.graph import Dataflow
from sdpaflow.numerics import UQ, Sum

class Own(Dataflow):
    def __init__(self, a=1):
        super().__init__()
        x = self.input(UQ(4, 4), rank=1)
        self.output(o=self.reduce(Sum(x.shape, growth=a), x))

class Bad(Dataflow):
    def __init__(self):
        raise RuntimeError("it does\\nnot work")
"""


class Folder:
    """A folder with files right and wrong, put right again after each call."""

    def __init__(self, path: Path, rng: random.Random) -> None:
        self.path, self._rng = path, rng
        arrays = {"q": np.ones((2, 2)), "k": np.ones((3, 2)), "v": np.full((3, 2), 0.5)}
        self.files: dict[str, bytes] = {"own.py": OWN.encode(), "in.json": b"[[1, 2], [3]]"}
        for name, array in arrays.items():
            self.files[f"{name}.npy"] = _octets(np.save, array)
        whole = self.files["q.npy"]
        self.files["one.npz"] = _octets(np.savez, arrays["q"])
        self.files["two.npz"] = _octets(np.savez, arrays["q"], arrays["k"])
        self.files["cut.npy"], self.files["odd.npy"] = whole[:-3], whole
        (path / "folder").mkdir()
        os.mkfifo(path / "fifo")
        for link, target in {"loop": "loop", "dangling": "gone", "link.npy": "q.npy"}.items():
            (path / link).symlink_to(target)
        self.spoil()

    def spoil(self) -> None:
        """All files as they were, and one damaged anew."""
        odd = bytearray(self.files["q.npy"])
        kind = self._rng.randrange(4)
        if kind == 0:
            for _ in range(self._rng.randrange(1, 4)):
                odd[self._rng.randrange(len(odd))] = self._rng.randrange(256)
        elif kind == 1:
            del odd[self._rng.randrange(len(odd)) :]
        elif kind == 2:
            odd += self._rng.randbytes(self._rng.randrange(1, 99))
        else:
            odd[10:127] = odd[10:127].replace(b"2, 2", self._rng.choice(
                [b"2, 3", b"-2,2", b"2,2,", b"2 2 ", b"1e9,", b"4,  ", b"(2,)", b"9**9", b"0, 0"]
            ))  # fmt: skip
        self.files["odd.npy"] = bytes(odd)
        for name, content in self.files.items():
            file = self.path / name
            if not file.is_file() or file.read_bytes() != content:
                file.write_bytes(content)

    def seen(self) -> dict[str, bytes | None]:
        """Everything in the folder, with contents of files."""
        return {
            str(path.relative_to(self.path)): path.read_bytes() if path.is_file() else None
            for path in self.path.rglob("*")
            if "__pycache__" not in path.parts
        }

    def clean(self, before: dict[str, bytes | None]) -> None:
        """Away with what a call has made."""
        for name in sorted(self.seen().keys() - before.keys(), reverse=True):
            path = self.path / name
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def _octets(save: object, *arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    save(file, *arrays)  # type: ignore[operator]
    return file.getvalue()


def calls(rng: random.Random) -> Iterator[list[str]]:
    """Calls without an end, each spoilt in up to three places."""
    weights = [weight for weight, _ in RIGHT]
    pools = (NUMBERS, NAMES, TEXTS)
    while True:
        words = list(rng.choices(RIGHT, weights)[0][1])
        for _ in range(rng.choice([0, 0, 1, 1, 1, 2, 3])):
            place = rng.randrange(1, len(words) + 1)
            match rng.randrange(6):
                case 0 | 1:
                    words[place:place] = [rng.choice(OPTIONS), rng.choice(rng.choice(pools))]
                case 2 | 3 if place < len(words):
                    words[place] = rng.choice(rng.choice(pools))
                case 4 if place < len(words):
                    del words[place]
                case _:
                    words.insert(place, rng.choice(OPTIONS))
        yield words


def _hangs(*_: object) -> None:
    raise SystemError("it hangs")


def fault(folder: Folder, words: list[str]) -> tuple[int | None, str | None]:
    """Exit code of a call, and what is wrong with how it ended; None if nothing is."""
    before = folder.seen()
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    old = signal.signal(signal.SIGALRM, _hangs)
    signal.alarm(PATIENCE)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                code = main(words)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        return None, f"{type(error).__name__}: {error} ({place})"
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)
    err.flush()
    said = err.buffer.getvalue().decode("utf-8")  # type: ignore[attr-defined]
    after = folder.seen()
    folder.clean(before)
    return code, _ended_wrongly(code, said, before, after)


def _ended_wrongly(
    code: int, said: str, before: dict[str, bytes | None], after: dict[str, bytes | None]
) -> str | None:
    changed = {name for name, _ in before.items() ^ after.items()}
    if code not in {0, 1, 2, 130}:
        return f"exit code {code}"
    if code == 2 and changed:
        return f"exit code 2, but written: {sorted(changed)}"
    if code == 2 and (said.count("\n") != 1 or not said.startswith("sdpaflow")):
        return f"not one line: {said!r}"
    if not said.replace("\n", "").isprintable():
        return f"not printable: {said!r}"
    for name in changed:
        content = after.get(name)
        if name in before and not name.startswith("o."):
            return f"{name} was there and is changed"
        if Path(name).name.startswith(".") or "build-" in name:
            return f"{name} is left"
        if name.endswith(".json") and content is not None:
            json.loads(content, parse_constant=lambda word: float(f"no {word}"))
        if name.endswith(".npy") and content is not None:
            np.load(io.BytesIO(content))
    return None


@contextlib.contextmanager
def without_long_work() -> Iterator[None]:
    """Where the long work begins, a tool is missing."""
    with contextlib.ExitStack() as stack:
        for name in LONG_WORK:
            missing = mock.Mock(side_effect=ToolError("left out here"))
            stack.enter_context(mock.patch(name, missing))
        yield


def fuzz(seed: int, count: int, path: Path) -> tuple[list[str], Counter[int | None]]:
    """Faults of so many calls in a folder of their own, and how often each exit code came."""
    rng = random.Random(seed)
    here, modules = Path.cwd(), list(sys.path)
    os.chdir(path)
    faults: list[str] = []
    codes: Counter[int | None] = Counter()
    try:
        with without_long_work(), mock.patch.dict(os.environ, XDG_CACHE_HOME=str(path.parent)):
            folder = Folder(path, rng)
            for words in itertools.islice(calls(rng), count):
                folder.spoil()
                code, found = fault(folder, words)
                codes[code] += 1
                if found is not None:
                    faults.append(f"sdpaflow {shlex.join(words)}: {found}")
    finally:
        os.chdir(here)
        sys.path[:] = modules
        sys.modules.pop("own", None)
    return faults, codes


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--calls", type=int, default=500)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "calls"
        path.mkdir()
        faults, codes = fuzz(arguments.seed, arguments.calls, path)
    for line in faults:
        print(line.encode("ascii", "backslashreplace").decode("ascii"))
    ended = ", ".join(f"{count} with {code}" for code, count in codes.most_common())
    print(f"{arguments.calls} calls ({ended}), {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(_main())

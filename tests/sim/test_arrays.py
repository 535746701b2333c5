"""Arrays from files and from Python: what is taken, and what is said of the rest."""

import io
import os
import sys
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from attention import head
from helpers.bench import raises
from numpy.lib import format as npy
from sdpaflow.numerics import UQ
from sdpaflow.pipelines import Config
from sdpaflow_sim import model, run
from sdpaflow_sim.arrays import load, numbers, opened
from sdpaflow_sim.attention.inputs import build
from sdpaflow_sim.errors import InputError
from sdpaflow_sim.streams import stream_of

Q = np.arange(20.0).reshape(5, 4)
END = "; an .npy file of numbers is needed"


def octets(array, **options):
    """An array as its file."""
    file = io.BytesIO()
    npy.write_array(file, array, **options)
    return file.getvalue()


def archive(**members):
    """Files in an archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name, content in members.items():
            made.writestr(f"{name}.npy", content)
    return file.getvalue()


WHOLE = octets(Q)
ONE = archive(q=WHOLE)

TAKEN = {
    "as it is": WHOLE,
    "version 2": octets(Q, version=(2, 0)),
    "version 3": octets(Q, version=(3, 0)),
    "by columns": octets(np.asfortranarray(Q)),
    "other end first": octets(Q.astype(">f8")),
    "half": octets(Q.astype("f2")),
    "integers": octets(Q.astype("u1")),
    "long": octets(Q.astype(np.longdouble)),
    "Python 2": WHOLE.replace(b"(5, 4), } ", b"(5L, 4), }"),
    "archive": ONE,
}


@pytest.mark.parametrize("case", TAKEN)
def test_what_is_taken(tmp_path, case):
    """Every kind of file of one array, whatever its name."""
    (tmp_path / "a.dat").write_bytes(TAKEN[case])
    assert np.array_equal(numbers("a", load(tmp_path / "a.dat")), Q)


DAMAGED = {
    "nothing": (b"", "{}: is empty"),
    "text": (b"1 2 3\n", "{}: is no .npy file"),
    "pickle": (b"\x80\x04\x95", "{}: is a pickle of Python"),
    "magic": (WHOLE[:6], "{}: has a damaged header, of no known version"),
    "version": (WHOLE[:6] + b"\x09\x00" + WHOLE[8:],
                "{}: has a damaged header, of no known version"),
    "header cut": (WHOLE[:60], "{}: is cut off within its header, or that is damaged"),
    "header long": (WHOLE[:8] + b"\xff\xff" + WHOLE[10:],
                    "{}: is cut off within its header, or that is damaged"),
    "cut": (WHOLE[:-8],
            "{}: is cut off: 152 octets of numbers where its header says 160"),
    "more rows": (WHOLE.replace(b"(5, 4)", b"(6, 4)"),
                  "{}: is cut off: 160 octets of numbers where its header says 192"),
    "fewer rows": (WHOLE.replace(b"(5, 4)", b"(4, 4)"),
                   "{}: has more behind its end: 160 octets of numbers where its header says 128"),
    "behind": (WHOLE + b"x",
               "{}: has more behind its end: 161 octets of numbers where its header says 160"),
    "vast": (WHOLE.replace(b"(5, 4), }          ", b"(99999999999999, 4),}"),
             "{}: is cut off: 162 octets of numbers where its header says 3.2e+15"),
    "open": (WHOLE.replace(b"(5, 4)", b"(5, 4 "), "{}: has a damaged header"),
    "negative": (WHOLE.replace(b"(5, 4)", b"(-5,4)"), "{}: has a damaged header"),
    "fraction": (WHOLE.replace(b"(5, 4)", b"(5.,4)"), "{}: has a damaged header"),
    "order": (WHOLE.replace(b"False", b"'Any'"), "{}: has a damaged header"),
    "type": (WHOLE.replace(b"<f8", b"<q9"), "{}: has a damaged header"),
    "encoding": (octets(Q, version=(3, 0)).replace(b"descr", b"d\xe9scr"),
                 "{}: has a damaged header"),
    "objects": (octets(np.array([[1, None]])), "{}: holds Python objects"),
    "records": (octets(np.zeros(3, [("a", "f8"), ("b", "f8")])), "{}: holds records"),
    "no zip": (ONE[:-30], "{}: is a damaged archive (File is not a zip file)"),
    "zip": (ONE.replace(b"\x00\x00\x08@", b"\x00\x00\x09@"),
            "{}: is a damaged archive (Bad CRC-32 for file 'q.npy')"),
    "behind zip": (ONE + b"x", "{}: has more behind the end of its archive"),
    "cut in zip": (archive(q=WHOLE[:-8]),
                   "{}: its q.npy is cut off: 152 octets of numbers where its header says 160"),
    "text in zip": (archive(q=b"1 2"), "{}: its q.npy is no .npy file"),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_files(tmp_path, case):
    """A file that is not whole is refused, in words that are true of it."""
    content, message = DAMAGED[case]
    (tmp_path / "a.npy").write_bytes(content)
    with raises(InputError, message.format(tmp_path / "a.npy") + END):
        load(tmp_path / "a.npy")


@pytest.mark.parametrize(("names", "said"), [("", "0 files"), ("qk", "2 files: q.npy, k.npy")])
def test_archives_of_more_and_of_none(tmp_path, names, said):
    (tmp_path / "a.npz").write_bytes(archive(**dict.fromkeys(names, WHOLE)))
    with raises(InputError, f"{tmp_path}/a.npz: is an archive of {said}; one array is needed"):
        load(tmp_path / "a.npz")


def test_what_is_no_regular_file(tmp_path, monkeypatch):
    """A pipe is not waited for; each is named for what it is."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("fifo")
    os.symlink("b", "a")
    os.symlink("a", "b")
    for name, message in {
        "fifo": "fifo: is a pipe; a regular file is needed",
        "/dev/null": "/dev/null: is a device; a regular file is needed",
        "a": "a: cannot be read: Too many levels of symbolic links",
        ".": ".: cannot be read: Is a directory",
        "gone": "gone: no such file",
        "n\0l": "n\0l: no file name has a NUL in it",
        "": "a file name must not be empty",
    }.items():
        with raises(InputError, message):
            with opened(name):
                pass


def test_narrow_floats(tmp_path, monkeypatch):
    """bfloat16 is read by ml_dtypes, if that is there; what a file does not name is refused."""
    path, half = tmp_path / "a.npy", Q.astype("f2")
    path.write_bytes(octets(half).replace(b"<f2", b"<V2"))
    monkeypatch.setitem(sys.modules, "ml_dtypes", SimpleNamespace(bfloat16=np.float16))
    assert np.array_equal(load(path), half)  # float16 in its place
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    with raises(
        InputError,
        f"{path}: holds <V2, which stands for bfloat16: pip install ml_dtypes, or save it as "
        "float32",
    ):
        load(path)
    path.write_bytes(octets(np.zeros((2, 2), "u1")).replace(b"|u1", b"|V1"))
    with raises(
        InputError,
        f"{path}: holds items of one octet (|V1), which may be any of a dozen formats such as "
        "float8_e4m3fn; save them as float32",
    ):
        load(path)


def test_kinds_that_are_no_numbers():
    """Refused from Python too, with the name of the argument."""
    ragged = numbers_of([[1], [2, 3]])
    assert ragged.startswith("q must be an array of numbers: setting an array element")
    assert "\n" not in ragged
    assert numbers_of(np.ones(2, "m8[s]")) == (
        "q must be an array of numbers, not of timedelta64[s]"
    )
    assert numbers_of(np.full(2, np.longdouble("1e4000"))) == (
        "q has numbers beyond float64, such as 1e+4000"
    )


def numbers_of(given):
    """What is said of an array."""
    with pytest.raises(InputError) as error:
        numbers("q", given)
    return str(error.value)


def test_masks_are_not_dropped():
    """A masked number has no value, wherever it stands; a mask that hides nothing is none."""
    masked = np.ma.masked_array([1.0, 2.0], mask=[False, True])
    said = " has masked numbers, which have no value: fill them first"
    for given in (masked, [masked, masked], [1.0, np.ma.masked]):
        assert numbers_of(given) == f"q{said}"
    assert numbers("q", np.ma.masked_array([1.0, 2.0])).tolist() == [1, 2]
    q, k, v = head(n_q=2, n_k=3)
    with raises(InputError, f"k{said}"):
        model("memory-free", q, np.ma.masked_array(k, mask=k > 1), v)
    with raises(InputError, f"lengths{said}"):
        model("memory-free", q, k, v, lengths=np.ma.masked_array([1, 2], mask=[0, 1]))
    with raises(InputError, f"groups{said}"):
        stream_of(UQ(4, 4), masked)


def test_a_batch_of_heads():
    """Outputs of four dimensions for queries of four; otherwise one array per head."""
    heads = [head(seed=seed, n_q=2) for seed in range(6)]
    q, k, v = (np.stack(arrays) for arrays in zip(*heads, strict=True))
    one_by_one = model("memory-free", q, k, v)["outputs"]
    batches = [array.reshape(2, 3, *array.shape[1:]) for array in (q, k, v)]
    outputs = model("memory-free", *batches)["outputs"]
    assert outputs.shape == (2, 3, *one_by_one[0].shape)
    assert np.array_equal(outputs.reshape(6, *one_by_one[0].shape), one_by_one)


def test_limits_hold_from_python_too():
    """What the command line refuses is refused from Python, before anything is simulated."""
    q, k, v = head(n_q=1, n_k=2)
    pipeline = build("memory-free", [(q, k, v)])
    many = np.zeros(((1 << 16) + 1, 4))
    with raises(InputError, "rows may have up to 65536 keys, not 65537"):
        run(pipeline, q, many, many)
    for limit in (0, -1):
        with raises(InputError, f"limit must be at least 1 cycle, not {limit}"):
            run(pipeline, q, k, v, limit=limit, engine="amaranth")
    with raises(InputError, f"limit must be at most {1 << 62} cycles, not {1 << 64}"):
        run(pipeline, q, k, v, limit=1 << 64, engine="amaranth")
    for scale in (1e308, 1e-300):
        with raises(ValueError, f"scale must be 1e-18 to 1e+18, not {scale}"):
            Config(d=4, scale=scale)
    with raises(ValueError, "d must be at most 65536, not 65537"):
        Config(d=65537)


def test_values_that_overflow_a_format_are_counted():
    """However large they are: no warning, and each is counted as clamped."""
    q, k, v = head(n_q=1, n_k=2)
    large = np.full_like(q, 1e308)
    pipeline = build("memory-free", [(q, k, v)])
    assert model(pipeline, large, k, v)["saturations"]["input q"] == large.size
    with raises(InputError, "q reaches inf, which no format holds: scale it"):
        build("memory-free", [(large, k, v)], scale=1e3)

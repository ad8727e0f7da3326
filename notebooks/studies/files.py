# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Files that people have
#
# > Is a file read as its owner meant it, or refused with the true reason?
#
# Real files have headers of numbers, clocks, units, decimal commas and holes. Each kind below is
# written by a few lines, with what must come out: names and values, or the words of a refusal. Many
# are kinds that users of pysindy, pandas, imageio, Pillow and astropy have reported trouble with. The
# tests of the package read the same table.

# %%
import gzip
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pandas
from PIL import Image
from scipy.io import savemat

from eqflow_nb.inputs import BUDGETS, InputError, choice
from eqflow_nb.running.scorecard import Scorecard
from eqflow_nb.user_data import read

# %% tags=["parameters"]
seed = 0
device = "auto"  # nothing here takes a GPU
budget = "laptop"

# %%
choice(budget, BUDGETS, "budget")
rng = np.random.default_rng(seed)
N = 40
X = rng.normal(size=(N, 3)).round(3)  # what every table below holds
T = np.arange(N) / 10
XYZ = ("x", "y", "z")
FILES = {}  # name of the kind: (file, what writes it, options of `read`, what must come out)


def kind(name, file, write, *words, values=X, names=XYZ, says=(), **options):
    """One kind of file: it gives `values` and `names`, and notes that say so; or is refused."""
    FILES[name] = (file, write, options, words or (np.asarray(values), names, says))


def text(rows, separator=",", head="x,y,z\n", end="\n", decimal="."):
    """A table as text."""
    lines = (separator.join(f"{cell:g}" for cell in row).replace(".", decimal) for row in rows)
    return head + "".join(line + end for line in lines)


def with_first(first, head, separator=",", rows=X):
    """A table with a column in front, whose cells are text already."""
    lines = text(rows, separator, "").splitlines()
    return head + "".join(f"{a}{separator}{line}\n" for a, line in zip(first, lines))


# %% [markdown]
# ## Tables that are read
# Separators, decimal signs, encodings and what stands above the numbers.

# %%
plain = ("x0", "x1", "x2")
kind("commas", "a.csv", text(X))
kind("no header", "a.csv", text(X, head=""), names=plain)
kind("spaces, no header", "a.txt", text(X, "  ", "", decimal="."), names=plain)
kind("numpy.savetxt", "a.dat", lambda path: np.savetxt(path, X), names=plain)
kind("a header in a comment", "a.txt", text(X, " ", "# made by hand\n# x y z\n"))
kind("MATLAB's comments", "a.txt", text(X, " ", "% Model: a\n% x y z\n"))
kind(
    "Fortran's columns", "a.dat", text(X, "   ", "", end=" \n").replace("\n", "\n   "), names=plain
)
kind("Fortran's exponents", "a.out", "".join(
    " ".join(f"{c:.6E}".replace("E", "D") for c in row) + "\n" for row in X), names=plain)  # fmt: skip
kind("another language's comments", "a.txt", text(X, " ", "! x y z\n"))
kind("comments at the ends", "a.csv", text(X, head="x,y,z # units: mm\n", end=" # ok\n"))
kind("Weka's", "a.arff", text(X, head="@RELATION r\n@ATTRIBUTE x NUMERIC\n@DATA\n"), names=plain)
kind("tabs", "a.tsv", text(X, "\t", "x\ty\tz\n"))
kind("tabs with another ending", "a.xyz", text(X, "\t", "x\ty\tz\n"))

# %%
kind("semicolons", "a.csv", text(X, ";", "x;y;z\n"))
kind("decimal commas", "a.csv", text(X, ";", "x;y;z\n", decimal=","), says=("decimal",))
kind("tabs and decimal commas", "a.txt", text(X, "\t", "x\ty\tz\n", decimal=","), says=("decimal",))
quoted = "".join(",".join(f'"{c:g}"'.replace(".", ",") for c in row) + "\n" for row in X)
kind("decimal commas in quotes", "a.csv", "x,y,z\n" + quoted, says=("decimal",))
BIG = np.round(900 + 100 * X)
kind("thousands", "a.txt", "x\ty\tz\n" + "".join("\t".join(f"{c:,.0f}" for c in row) + "\n" for row in BIG),
     values=BIG, says=("thousands",))  # fmt: skip
kind("a true minus", "a.csv", text(X).replace("-", "\N{MINUS SIGN}"))
kind("Excel's first line", "a.csv", "sep=;\n" + text(X, ";", "x;y;z\n"), says=("sep=",))
kind("numbers above names", "a.data", text(X, " ", "1 2 3\nx y z\n"))
kind("bars", "a.txt", text(X, "|", "x|y|z\n"))
kind("packed", "a.csv.gz", gzip.compress(text(X).encode()))
kind("Excel's byte order mark", "a.csv", text(X, end="\r\n").encode("utf-8-sig"))
kind("Excel's Unicode text", "a.txt", text(X, "\t", "x\ty\tz\n").encode("utf-16"))
kind(
    "an accent in Latin 1",
    "a.csv",
    text(X, head="µ,y,z\n").encode("latin-1"),
    names=("µ", "y", "z"),
)
kind("a row of units", "a.csv", text(X, head="x,y,z\nmm,mm,s\n"), says=("mm",))
kind("a logger's four lines", "a.dat", text(
    X, head='"TOA5","CR1000","12"\n"x","y","z"\n"mm","mm","C"\n"Avg","Avg","Avg"\n'))  # fmt: skip

# %%
kind("lines above the table", "a.csv", text(X, head="Station 7\nbegun: 3 May\n\nx,y,z\n"),
     says=("Station 7",))  # fmt: skip
kind("units in the names", "a.csv", text(X, head='x [mm],"y, mm",lambda\n'),
     names=("x [mm]", "y, mm", "lambda"))  # fmt: skip
kind("an oscilloscope's", "a.csv", text(
    X, head="Model,A 7\n,\nPoint Format,Y,\nHorizontal Units,S,\nx,y,z\n"))  # fmt: skip
kind("quotes around names", "a.csv", with_first([f"'0:{i:02d}.5'" for i in range(N)],
     "'Elapsed time','x','y','z'\n'mm:ss','mV','mV','mV'\n"))  # fmt: skip
kind("names on two levels", "a.csv", text(X, head="run,run,run\nx,y,z\n"))
kind("hundreds of comments", "a.csv", "# a note\n" * 300 + text(X))
kind("one column of decimal commas", "a.txt", text(X[:, :1], head="", decimal=","),
     values=X[:, :1], names=("x0",), says=("decimal",))  # fmt: skip

# %%
kind("thousands of empty lines", "a.csv", text(X) + "\n" * 3000)
kind("thousands of empty cells", "a.csv", text(X) + ",,\n" * 3000, says=("3,000 empty",))
kind("a separator at the end", "a.csv", text(X, head="x,y,z,\n", end=",\n"))
kind("a separator at the end of rows", "a.csv", text(X, end=",\n"))
kind("MATLAB's line ends", "a.csv", text(X, end="\r", head="x,y,z\r"))

# %% [markdown]
# ## Columns that are no states
# Row numbers and times are left out, and a note says how to have them.

# %%
frame = pandas.DataFrame(X, columns=list(XYZ))
kind("pandas.to_csv", "a.csv", frame.to_csv, says=("'column 0'", "columns=['column 0', 'x'"))
kind("pandas.to_csv, shuffled", "a.csv", frame.sample(frac=1, random_state=1).to_csv,
     values=frame.sample(frac=1, random_state=1))  # fmt: skip
kind(
    "a header of numbers", "a.csv", text(X, head="0,1,2\n"), names=("0", "1", "2"), says=("names",)
)
kind("numbers above and beside", "a.csv", pandas.DataFrame(X).to_csv, names=("0", "1", "2"))
kind("years for names", "a.csv", text(X, head="1996,1997,1998\n"), names=("1996", "1997", "1998"))
kind("R's row names", "a.txt", with_first([f'"{i + 1}"' for i in range(N)], '"x" "y" "z"\n', " "))
kind("row names in words", "a.csv", with_first([f"cell_{i}" for i in range(N)], ",x,y,z\n"))
kind("a time", "a.csv", with_first(T, "t,x,y,z\n"), says=("'t'", "columns=['t', 'x'"))
kind("a time that is asked for", "a.csv", with_first(T, "t,x,y,z\n"), columns=["t", 2],
     values=np.stack([T, X[:, 1]], 1), names=("t", "y"))  # fmt: skip
kind("an uneven time with a unit", "a.csv", with_first(T**2, "Time [s],x,y,z\n"), says=("a time",))
kind("a time without brackets", "a.csv", with_first(T**2, "time_s,x,y,z\n"))
kind("a time in runs without names", "a.npy", lambda path: np.save(
    path, np.concatenate([np.tile(T[:20], 2)[:, None], X], 1).reshape(2, 20, 4)),
    names=("x1", "x2", "x3"))  # fmt: skip
kind("a time without a name", "a.dat", with_first(T, "", " "), names=("x1", "x2", "x3"))
kind("times of several runs", "a.csv", with_first([*T[:20], *T[:20]], "t,x,y,z\n"))

# %%
kind("dates", "a.csv", with_first([f"2024-01-{i % 28 + 1:02d} 10:00:00" for i in range(N)],
     "when,x,y,z\n"), says=("'when'",))  # fmt: skip
kind("sorted by a state", "a.csv", text(X[X[:, 0].argsort()]), values=X[X[:, 0].argsort()])
kind("labels that are not asked for", "a.csv", with_first(["G1"] * N, "phase,x,y,z\n"),
     columns=list(XYZ))  # fmt: skip

# %% [markdown]
# ## Tables that are refused
# Unless the reader says what to do.

# %%
holes = text(X).splitlines()
holes[3], holes[9] = "1,,2", "NA,1,2"
holes = "\n".join(holes) + "\n"
kind("holes", "a.csv", holes, "2 row(s)", "row 2", "'y'", "drop_missing=True")
kind("holes, dropped", "a.csv", holes, values=np.delete(X, [2, 8], 0), drop_missing=True,
     says=("2 of 40 rows",))  # fmt: skip
kind("labels", "a.csv", with_first(["G1"] * N, "phase,x,y,z\n"), "'G1'", "line 2", "'phase'",
     "columns=['x', 'y', 'z']")  # fmt: skip
dots = text(X).replace("\n", "\n.,.,5\n", 1)
kind("dots for missing", "a.csv", dots, values=X, drop_missing=True, says=("1 of 41 rows",))
kind("one word", "a.csv", text(X) + "1,off,2\n", "'off'", "line 42", "'y'")
kind("percents", "a.csv", text(X, head="x,y,z\n", end="%\n"), "%", "'z'", "line 2")
kind("only percents", "a.csv", text(X[:, :1], head="x\n", end="%\n"), "x / ", "plain numbers")
kind("units in cells", "a.csv", "x,y\n" + "1.2 mm,3.4 mm\n" * 20, "1.2 mm", "plain numbers")
kind("thousands in Excel", "a.csv", text(X) + '1,"1,234.5",2\n', "'1,234.5'", "line 42")
kind("a longer line", "a.csv", text(X) + "1,2,3,4\n", "line 42", "saw 4")
kind("two columns of one name", "a.csv", text(X, head="x,x,z\n"), "two columns 'x'", "rename")
kind("on its side", "a.csv", text(X.T, head=""), "3 rows and 40 columns", "transpose=True")
kind("on its side, turned", "a.csv", text(X.T, head=""), names=plain, transpose=True)
kind("on its side, with names", "a.csv", with_first(XYZ, "", rows=X.T), transpose=True)
kind("too few rows", "a.csv", text(X[:5]), "5 row(s)", "at least 10")

# %%
kind("nothing", "a.csv", "", "is empty")
kind(
    "prose",
    "a.txt",
    "Dear all,\nplease find the data below.\n",
    "Dear all",
    "rows of plain numbers",
)
kind("a spreadsheet", "a.xlsx", b"PK\3\4\0\0\0\0\x08\0", "is no text", ".csv")

# %% [markdown]
# ## Arrays

# %%
runs = [X[:10], X[10:25], X[25:]]


def npz(*several, **named):
    return lambda path: np.savez(path, *several, **named)


def npy(array):
    return lambda path: np.save(path, array, allow_pickle=True)


# %%
kind("points", "a.npy", npy(X), names=plain)
kind("big-endian, Fortran's order", "a.npy", npy(np.asfortranarray(X).astype(">f8")), names=plain)
kind("scipy's sol.y", "a.npy", npy(X.T), "3 rows and 40 columns", "transpose=True")
kind("scipy's sol.y, turned", "a.npy", npy(X.T), names=plain, transpose=True)
kind("many coordinates on their side", "a.npy", npy(np.tile(X.T, (4, 1))), names=tuple(
    f"x{i}" for i in range(N)), values=np.tile(X.T, (4, 1)), says=("transpose=True",))  # fmt: skip
kind("runs", "a.npy", npy(X.reshape(4, 10, 3)), names=plain, says=("4 runs of 10", "order is not"))
kind("runs on their side", "a.npy", npy(X.reshape(4, 10, 3).swapaxes(1, 2)), "transpose=True")
kind("runs of unequal lengths", "a.npz", npz(*runs), names=plain, says=("3 runs of 10 to 15",))
kind("pickled runs", "a.npy", npy(np.array(runs, dtype=object)), "never read", "savez(path, *runs)")
kind("a pickle", "a.pkl", frame.to_pickle, "is no text")

# %%
kind("x and t", "a.npz", npz(t=T, x=X, dt=0.1), names=plain, says=("'x' was read", "t (40,)"))
kind(
    "two tables", "a.npz", npz(test=X[:15], train=X), "train (40, 3), test (15, 3)", "array='train'"
)
kind("two tables, one asked for", "a.npz", npz(test=X[:15], train=X), array="train", names=plain)
kind("names beside, pickled", "a.npz", npz(x=X, names=np.array(XYZ, dtype=object)), names=plain)
kind("an array that isn't there", "a.npz", npz(test=X[:15], train=X), "'y' is not in", array="y")
kind("columns", "a.npz", npz(t=T, **dict(zip(XYZ, X.T))), says=("'t'",))
kind("named fields", "a.npy", npy(np.rec.fromarrays(X.T, names=XYZ)))
kind("MATLAB", "a.mat", lambda path: savemat(path, {"t": T, "X": X}), names=plain)
kind("MATLAB's columns", "a.mat", lambda path: savemat(path, dict(zip(XYZ, X.T))))
kind("parquet", "a.parquet", frame.to_parquet, "is no text")


def cut(path):
    npy(X)(path)
    path.write_bytes(path.read_bytes()[:300])


kind("cut short", "a.npy", cut, "is damaged")
kind("a word for an archive", "a.npz", "hello", "not what its name says")

# %%
kind("no rows", "a.npy", npy(X[:0]), "0 row(s)", "at least 10")
kind("complex numbers", "a.npy", npy(X + 1j), "complex")


def folder(path):
    path.mkdir()
    (path / "README").write_text("three runs")
    for i, run in enumerate(runs):
        (path / f"{i}.csv").write_text(text(run))


kind("a folder of runs", "a", folder, says=("3 runs of 10 to 15",))

# %% [markdown]
# ## Pictures

# %%
P = rng.integers(0, 256, (6, 2, 12, 16), np.uint8)  # two channels
COLOUR = rng.integers(0, 256, (5, 12, 16, 3), np.uint8)
DEEP = rng.integers(0, 2**16, (5, 12, 16), np.uint16)
rgb, grey = ("red", "green", "blue"), ("grey",)
channels_first = COLOUR.transpose(0, 3, 1, 2)


def stack(frames, **options):
    first, *others = map(Image.fromarray, frames)
    return lambda path: first.save(path, save_all=True, append_images=others, **options)


def album(frames, end):
    def write(path):
        path.mkdir()
        for i, frame in enumerate(frames):
            if frame.ndim == 3 and frame.shape[2] not in (3, 4):
                stack(frame)(path / f"{i}{end}")
            else:
                Image.fromarray(frame).save(path / f"{i}{end}")

    return write


# %%
def deep_png(path):
    """Colours of 16 bits, which Pillow can't write."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in COLOUR[0].astype(int) * 257)
    parts = b"IHDR" + struct.pack(">IIBBBBB", 16, 12, 16, 2, 0, 0, 0), b"IDAT" + zlib.compress(rows)
    chunks = (struct.pack(">I", len(p) - 4) + p + struct.pack(">I", zlib.crc32(p))
              for p in (*parts, b"IEND"))  # fmt: skip
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


# %%
two = ("channel 0", "channel 1")
imagej = "ImageJ=1.53\nimages=12\nchannels=2\nframes=6\nhyperstack=true"
kind("channels first", "a.npy", npy(P), values=P, names=("x0", "x1"))
kind("channels last", "a.npy", npy(P.transpose(0, 2, 3, 1)), values=P, names=("x0", "x1"),
     says=("put first",))  # fmt: skip
kind("pictures of one channel", "a.npy", npy(DEEP / 7), values=DEEP[:, None] / 7, names=("x0",),
     says=("5 pictures of one channel and 16 by 12 pixels",))  # fmt: skip
kind("one picture as an array", "a.npy", npy(COLOUR[0]), values=channels_first[:1], names=plain,
     says=("one picture",))  # fmt: skip
kind("one grey picture as an array", "a.npy", npy(P[0, 0]), values=P[:1, :1], names=("x0",),
     says=("one grey picture",))  # fmt: skip
kind("one PNG", "a.png", stack(COLOUR[:1]), values=channels_first[:1] / 255, names=rgb)
kind("a stack", "a.tif", stack(P[:, 0]), values=P[:, :1] / 255, names=grey)
kind("a stack of 16 bits", "a.tiff", stack(DEEP), values=DEEP[:, None] / 65535, names=grey)
kind("ImageJ's channels", "a.tif", stack(P.reshape(12, 12, 16), description=imagej),
     values=P / 255, names=two)  # fmt: skip
ome = '<OME><Pixels DimensionOrder="XYCZT" SizeC="2" SizeT="6" SizeZ="1"/></OME>'
kind("OME's channels", "a.ome.tif", stack(P.reshape(12, 12, 16), description=ome),
     values=P / 255, names=two)  # fmt: skip
kind("a BMP", "a.bmp", Image.fromarray(COLOUR[0]).save, values=channels_first[:1] / 255, names=rgb)
kind("a folder of TIFFs of 16 bits", "a", album(DEEP, ".tif"), values=DEEP[:, None] / 65535,
     names=grey)  # fmt: skip

# %%
kind("a folder of stacks", "a", album(P.swapaxes(0, 1), ".tif"), names=grey,
     values=P.swapaxes(0, 1).reshape(12, 1, 12, 16) / 255)  # fmt: skip
kind("colours of 16 bits", "a.png", deep_png, values=channels_first[:1] / 255, names=rgb,
     says=("16 bits",))  # fmt: skip
kind("a damaged picture", "a.png", lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 99),
     "is damaged")  # fmt: skip
kind("a huge picture", "a.png", Image.new("1", (5000, 5000)).save, "5000 by 5000 pixels; at most")
kind("no film", "a.mp4", "no film", "ffmpeg -i a.mp4", "folder")
kind("sizes that differ", "a", album([P[0, 0], P[0, 0, :8]], ".png"), "different sizes", "16 by 8")
kind("an empty folder", "a", lambda path: path.mkdir(), "holds no files")

# %% [markdown]
# ## Read them all


# %%
def fault(name):
    """What is wrong with how a kind of file is read; nothing if it is right."""
    file, write, options, due = FILES[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, file)
        if callable(write):
            write(path)
        else:
            path.write_bytes(write if isinstance(write, bytes) else write.encode())
        try:
            found = read(path, **options)
        except InputError as error:
            lacks = [word for word in due if not isinstance(word, str) or word not in str(error)]
            return f"refused: {error}" if lacks else ""
    if isinstance(due[0], str):
        return f"read as {found.names}, shape {found.values.shape}"
    values, names, says = due
    if found.names != names or found.values.shape != values.shape:
        return f"read as {found.names}, shape {found.values.shape}"
    lacks = [word for word in says if word not in " ".join(found.notes)]
    close = np.allclose(found.values, values, rtol=1e-12, atol=0)
    return f"notes are {found.notes}" if lacks else "" if close else "other values"


# %%
faults = {name: said for name in FILES if (said := fault(name))}
for name, said in faults.items():
    print(f"{name}: {said}")
refused = [name for name, (*_, due) in FILES.items() if isinstance(due[0], str)]
print(f"{len(FILES) - len(faults)} of {len(FILES)} kinds of files as they should be")
print(f"{len(refused)} of them are to be refused: {', '.join(refused)}")

# %% [markdown]
# ## Scorecard

# %%
card = Scorecard("files", seed=seed, budget=budget)
card.row("files.tried", len(FILES), target=">= 40", kinds=list(FILES))
right = len(FILES) - len(faults)
card.row("files.right", right, target=f">= {len(FILES)}", wrong=list(faults))
card.row("files.refused", len(refused), kinds=refused)
card.show()

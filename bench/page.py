"""Make docs/benchmarks.md of the results of bench.py and startup.py.

    page.py results.json startup.json benchmarks.md

bench/notes.txt holds a sentence for each case that is slower than PyPy: `case: what it lacks`.
"""
import json
import math
import os
import sys

GOALS = ("int_loop", "float_loop", "mandelbrot", "oo_mono", "oo_poly", "oo_virtual", "spectral", "cloud_distance")


def seconds(value):
    if value is None:
        return "–"
    if value < 0.001:
        return f"{value * 1e6:.1f} µs"
    if value < 1:
        return f"{value * 1e3:.2f} ms"
    return f"{value:.2f} s"


def times(ratio):
    if ratio is None:
        return "–"
    return f"{ratio:.0f}" if ratio >= 100 else f"{ratio:.1f}" if ratio >= 10 else f"{ratio:.2f}"


def quotient(a, b):
    return a / b if a and b else None


def geometric_mean(values):
    values = [value for value in values if value]
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def read_notes():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "notes.txt")
    notes = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            case, colon, note = line.partition(": ")
            if colon and not line.startswith("#"):
                notes[case] = note.strip()
    return notes


def rows(results):
    """For each case: name, best times by interpreter, ratios to CPython and to the better PyPy, first call's ratio."""
    for name, result in results.items():
        best, first = result["best"], result["first"]
        pypys = [best[name] for name in ("pypy", "pypy4m") if name in best]
        yield {
            "case": name.partition("/")[2],
            "best": best,
            "cpython": quotient(best.get("cpython"), best.get("adder")),
            "pypy": quotient(min(pypys), best.get("adder")) if pypys else None,
            "off": quotient(best.get("adder-off"), best.get("cpython")),
            "first": quotient(first.get("adder"), first.get("cpython")),
            "rss": result["rss"].get("adder"),
            "agree": len(set(result["checksum"].values())) == 1,
        }


def page(results, startup, notes):
    table = list(rows(results))
    lines = [
        "# Benchmarks",
        "",
        "The programs of `bench/`, side by side in one run (`cargo xtask bench`). Times are the best call of each case, the",
        "median over the runs of the programs; absolute times say little, the ratios of one run count. `first` is the first",
        "call of a case against CPython's, with all compiling in it; `JIT off` is the interpreter's time against CPython's.",
        "",
        "| case | CPython 3.14 | PyPy | PyPy, 4 MiB nursery | Adder | Adder, JIT off | × CPython | × better PyPy | JIT off: time ÷ CPython | first: time ÷ CPython | MiB |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in table:
        cells = [seconds(row["best"].get(name)) for name in ("cpython", "pypy", "pypy4m", "adder", "adder-off")]
        cells += [times(row["cpython"]), times(row["pypy"]), times(row["off"]), times(row["first"])]
        cells.append("–" if row["rss"] is None else f"{row['rss']:.0f}")
        mark = "" if row["agree"] else " (checksums differ)"
        lines.append(f"| {row['case']}{mark} | " + " | ".join(cells) + " |")
    lines += ["", "Geometric means over the cases that ran:", ""]
    for key, text in (("cpython", "× CPython, JIT on"), ("pypy", "× the better PyPy"), ("off", "time of the JIT-less interpreter ÷ CPython's"),
                      ("first", "time of the first call ÷ CPython's")):
        lines.append(f"- {text}: {times(geometric_mean(row[key] for row in table))}")
    lines += ["", "## The goals", "", "At least 10 times CPython and 0.5 times the better PyPy:", ""]
    for row in table:
        if row["case"] in GOALS:
            met = (row["cpython"] or 0) >= 10 and (row["pypy"] is None or row["pypy"] >= 0.5)
            verdict = "met" if met else "not met"
            lines.append(f"- {row['case']}: {times(row['cpython'])} × CPython, {times(row['pypy'])} × PyPy: {verdict}")
    slow_starts = [row["case"] for row in table if (row["first"] or 0) > 1.5]
    if slow_starts:
        lines += ["", "First call slower than 1.5 times CPython's: " + ", ".join(slow_starts) + "."]
    lines += ["", "## Starting", "", "Median wall time and peak memory of a whole process.", ""]
    names = list(next(iter(startup.values())))
    lines += ["| | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    for title, by_name in startup.items():
        cells = [f"{by_name[name]['ms']:.1f} ms, {by_name[name]['mib']:.0f} MiB" for name in names]
        lines.append(f"| `{title}` | " + " | ".join(cells) + " |")
    lines += ["", "## Below PyPy", ""]
    for row in table:
        if row["pypy"] is not None and row["pypy"] < 1 or "adder" not in row["best"]:
            state = f"{times(row['pypy'])} × PyPy" if "adder" in row["best"] else "does not run"
            lines.append(f"- {row['case']} ({state}): {notes.get(row['case'], 'not looked into.')}")
    return "\n".join(lines) + "\n"


def main():
    source, startup_source, target = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        results = json.load(file)
    with open(startup_source, encoding="utf-8") as file:
        startup = json.load(file)
    with open(target, "w", encoding="utf-8") as file:
        file.write(page(results, startup, read_notes()))


if __name__ == "__main__":
    main()

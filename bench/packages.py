"""Packages that nobody here wrote under several interpreters, and the page about them.

    packages.py [--runs N] [--only SCRIPT]... [--folder FOLDER] [--json FILE] [--page FILE] CPYTHON ADDER [PYPY...]

bench/packages/fetch.py gets the packages; each script of bench/packages drives one and prints a checksum and the seconds of its
first and of its best call. All interpreters run in turn; of several PyPys the better figure counts. Figures are medians over the
runs. Exit status 1 when results differ.

bench/packages/notes.txt holds a sentence for each script that is slower than CPython: `script: what it comes from`.
"""
import argparse
import ast
import glob
import json
import math
import os
import shlex
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = os.path.join(HERE, "packages")
HELPERS = ("fetch", "measure", "markdown_text")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("interpreters", nargs="+", metavar="COMMAND", help="CPython, Adder, then any number of PyPys")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--only", action="append", default=[], metavar="SCRIPT", help="part of a script's name; repeatable")
    parser.add_argument("--folder", default=os.path.join(HERE, "..", "target", "packages"))
    parser.add_argument("--fetch-with", default=sys.executable, metavar="PYTHON", help="a Python that has pip")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--page", metavar="FILE")
    return parser.parse_args()


def names(only):
    found = [os.path.basename(path)[:-3] for path in sorted(glob.glob(os.path.join(SCRIPTS, "*.py")))]
    return [name for name in found if name not in HELPERS and (not only or any(part in name for part in only))]


def environment(**more):
    """Ours, but for what concerns this Python alone."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | more


def run(command, name, site):
    """First seconds, best seconds, checksum; or what went wrong."""
    settings = environment(PYTHONPATH=site, PYTHONHASHSEED="0")
    path = os.path.join(SCRIPTS, name + ".py")
    try:
        done = subprocess.run(shlex.split(command) + [path], capture_output=True, text=True, env=settings, timeout=300)
    except subprocess.TimeoutExpired:
        return None, None, "no end after 300 s"
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            _, first, best, checksum = line.split()
            return float(first), float(best), checksum
    last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
    return None, None, last[:100]


def measure(interpreters, name, site, runs):
    results = {}
    for _ in range(runs):
        for key, command in interpreters.items():
            results.setdefault(key, []).append(run(command, name, site))
    return {
        key: {
            "first": statistics.median(first for first, _, _ in rows) if all(row[0] for row in rows) else None,
            "best": statistics.median(best for _, best, _ in rows) if all(row[0] for row in rows) else None,
            "checksum": sorted({checksum for _, _, checksum in rows}),
        }
        for key, rows in results.items()
    }


def figures(result):
    """Of a script: seconds of the first and of the best call of CPython, the better PyPy and Adder."""
    pypys = [row for key, row in result.items() if key.startswith("pypy") and row["best"]]
    better = lambda what: min((row[what] for row in pypys), default=None)
    return {
        what: {"cpython": result["cpython"][what], "pypy": better(what), "adder": result["adder"][what]}
        for what in ("first", "best")
    }


def ratio(a, b):
    return a / b if a and b else None


def shown(value):
    return "–" if value is None else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def milliseconds(value):
    return "–" if value is None else f"{value * 1000:.0f}" if value >= 0.1 else f"{value * 1000:.1f}"


def mean(values):
    values = [value for value in values if value]
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def description(name):
    with open(os.path.join(SCRIPTS, name + ".py"), encoding="utf-8") as file:
        return ast.get_docstring(ast.parse(file.read()))


def versions():
    found = {}
    for requirements in ("wheels.txt", "sources.txt"):
        with open(os.path.join(SCRIPTS, requirements), encoding="utf-8") as file:
            for line in file:
                package, _, rest = line.partition("==")
                found[package] = rest.split()[0] if rest else ""
    return found


def read_notes():
    notes = {}
    with open(os.path.join(SCRIPTS, "notes.txt"), encoding="utf-8") as file:
        for line in file:
            name, colon, note = line.partition(": ")
            if colon and not line.startswith("#"):
                notes[name] = note.strip()
    return notes


def agree(result):
    return len({checksum for key, row in result.items() if row["best"] for checksum in row["checksum"]}) == 1 and result["adder"]["best"]


def page(results):
    pinned, notes = versions(), read_notes()
    table = {name: figures(result) for name, result in results.items()}
    lines = [
        "# Packages",
        "",
        "Packages of pure Python that nobody here wrote, as their authors released them, each driven by a short script of",
        "`bench/packages` (`cargo xtask packages`). `first` is the first call of the script's function, after importing; `warm` the best",
        "of the calls that follow, in processor time of all threads. Milliseconds say little, the ratios of one run count. All results are equal unless it says so.",
        "",
        "| script | what it does | first: CPython | PyPy | Adder | warm: CPython | PyPy | Adder | first: CPython ÷ Adder | PyPy ÷ Adder | warm: CPython ÷ Adder | PyPy ÷ Adder |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    columns = [(what, who) for what in ("first", "best") for who in ("cpython", "pypy", "adder")]
    ratios = {
        name: {(what, who): ratio(row[what][who], row[what]["adder"]) for what in ("first", "best") for who in ("cpython", "pypy")}
        for name, row in table.items()
    }
    for name, row in table.items():
        package = description(name).partition(":")[0]
        text = description(name).partition(": ")[2].rstrip(".")
        mark = "" if agree(results[name]) else f" (**{', '.join(results[name]['adder']['checksum'])}**)"
        cells = [milliseconds(row[what][who]) for what, who in columns] + [shown(value) for value in ratios[name].values()]
        lines.append(f"| {package} {pinned.get(package, '')}{mark} | {text} | " + " | ".join(cells) + " |")
    lines += ["", "Geometric means:", ""]
    for key, text in (
        (("first", "cpython"), "first call, CPython's time ÷ Adder's"),
        (("first", "pypy"), "first call, the better PyPy's time ÷ Adder's"),
        (("best", "cpython"), "warm, CPython's time ÷ Adder's"),
        (("best", "pypy"), "warm, the better PyPy's time ÷ Adder's"),
    ):
        lines.append(f"- {text}: {shown(mean(row[key] for row in ratios.values()))}")
    slow = [name for name, row in ratios.items() if min(row["first", "cpython"] or 9, row["best", "cpython"] or 9) < 1]
    lines += ["", "## Slower than CPython", ""]
    for name in slow:
        first, warm = shown(ratios[name]["first", "cpython"]), shown(ratios[name]["best", "cpython"])
        lines.append(f"- {name} (first {first}, warm {warm}): {notes.get(name, 'not looked into.')}")
    return "\n".join(lines) + "\n"


def main():
    options = parse_arguments()
    interpreters = dict(zip(("cpython", "adder"), options.interpreters))
    interpreters.update((f"pypy{number}", command) for number, command in enumerate(options.interpreters[2:]))
    fetch = [options.fetch_with, os.path.join(SCRIPTS, "fetch.py"), options.folder]
    site = subprocess.run(fetch, check=True, stdout=subprocess.PIPE, text=True, env=environment()).stdout.strip()
    results = {}
    for name in names(options.only):
        result = results[name] = measure(interpreters, name, site, options.runs)
        row = figures(result)
        cells = [f"{who} {milliseconds(row['first'][who]):>5} {milliseconds(row['best'][who]):>5}" for who in row["best"]]
        times = " ".join(shown(ratio(row[what][who], row[what]["adder"])) for what in ("first", "best") for who in ("cpython", "pypy"))
        mark = "" if agree(result) else f"  RESULTS DIFFER {[row['checksum'] for row in result.values()]}"
        print(f"{name:22} {'  '.join(cells)}  x {times}{mark}", flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
    if options.page:
        with open(options.page, "w", encoding="utf-8") as file:
            file.write(page(results))
    return 0 if all(agree(result) for result in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())

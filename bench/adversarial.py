"""The programs of bench/adversarial with the JIT and without, and the page about them.

    adversarial.py [--runs N] [--only PROGRAM]... [--reference PYTHON] [--json FILE] [--page FILE] ADDER

Each program is written so that a tracing JIT gains little and may lose much. It runs with `ADDER_JIT=off` and with the
defaults in turn (A B A B …). Counted are processor time, of all threads, and wall time; the ratios on the page are those of the medians.
All runs must print the same, the reference's too if there is one. Exit status 1 if some do not, 2 if one is slower than
LIMIT times the interpreter alone.

bench/adversarial/notes.txt holds a sentence for each program: `program: what its ratio comes from`.
"""
import argparse
import ast
import glob
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = os.path.join(HERE, "adversarial")
LIMIT = 1.2


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("adder")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", action="append", default=[], metavar="PROGRAM", help="part of a program's name; repeatable")
    parser.add_argument("--reference", metavar="PYTHON")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--page", metavar="FILE")
    return parser.parse_args()


def find_programs(only):
    paths = sorted(glob.glob(os.path.join(PROGRAMS, "*.py")))
    return [path for path in paths if not only or any(part in os.path.basename(path) for part in only)]


def run(interpreter, path, jit):
    """Output, processor seconds, wall seconds."""
    environment = dict(os.environ, PYTHONHASHSEED="0")
    environment.pop("ADDER_JIT", None)
    if jit:
        environment["ADDER_JIT"] = jit
    start = time.perf_counter()
    process = subprocess.Popen([interpreter, path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
    output = process.stdout.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        output += f"exit status {process.returncode}"
    return output, usage.ru_utime + usage.ru_stime, wall


def measure(adder, path, runs, reference):
    outputs = set()
    times = {"off": [], "on": []}
    if reference:
        outputs.add(run(reference, path, "")[0])
    for _ in range(runs):
        for name, jit in (("off", "off"), ("on", "")):
            output, processor, wall = run(adder, path, jit)
            outputs.add(output)
            times[name].append((processor, wall))
    middle = {name: [statistics.median(values) for values in zip(*pairs)] for name, pairs in times.items()}
    return {
        "processor": {name: pair[0] for name, pair in middle.items()},
        "wall": {name: pair[1] for name, pair in middle.items()},
        "agree": len(outputs) == 1,
    }


def ratios(result):
    return [result[kind]["on"] / result[kind]["off"] for kind in ("processor", "wall")]


def description(program):
    with open(os.path.join(PROGRAMS, program + ".py"), encoding="utf-8") as file:
        return ast.get_docstring(ast.parse(file.read()))


def read_notes():
    notes = {}
    with open(os.path.join(PROGRAMS, "notes.txt"), encoding="utf-8") as file:
        for line in file:
            program, colon, note = line.partition(": ")
            if colon and not line.startswith("#"):
                notes[program] = note.strip()
    return notes


def page(results):
    notes = read_notes()
    lines = [
        "# Adversarial programs",
        "",
        "Programs from which a tracing JIT gains little and on which it may lose much, with the defaults and with the interpreter",
        "alone (`ADDER_JIT=off`), in turn in one run (`cargo xtask adversarial`). Counted is the processor time of all threads, for",
        "code is generated on a thread of its own, and wall time. A ratio above 1 says that the JIT costs more than it gains; none may be",
        f"above {LIMIT}. Why the JIT stays civil, and what bounds its cost, is in [policy.md](policy.md).",
        "",
        "| program | unfriendly by | alone | with the JIT | processor time ÷ alone | wall time ÷ alone |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for program, result in results.items():
        off, on = (f"{result['processor'][name]:.2f} s" for name in ("off", "on"))
        processor, wall = ratios(result)
        mark = "" if result["agree"] else " (outputs differ)"
        lines.append(f"| {program}{mark} | {description(program)} | {off} | {on} | {processor:.2f} | {wall:.2f} |")
    slow = [program for program, result in results.items() if max(ratios(result)) > LIMIT]
    verdict = f"Slower than {LIMIT} times the interpreter alone: {', '.join(slow)}." if slow else f"None of the {len(results)} is slower than {LIMIT} times the interpreter alone."
    lines += ["", verdict, "", "## Where the ratios come from", ""]
    lines += [f"- {program}: {notes.get(program, 'not looked into.')}" for program in results]
    return "\n".join(lines) + "\n"


def main():
    options = parse_arguments()
    results = {}
    for path in find_programs(options.only):
        program = os.path.basename(path)[:-3]
        result = results[program] = measure(options.adder, path, options.runs, options.reference)
        processor, wall = ratios(result)
        mark = "" if result["agree"] else "  OUTPUTS DIFFER"
        mark += "  SLOW" if max(processor, wall) > LIMIT else ""
        off, on = result["processor"]["off"], result["processor"]["on"]
        print(f"{program:24} {off:6.2f} s {on:6.2f} s  processor {processor:5.2f}  wall {wall:5.2f}{mark}", flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
    if options.page:
        with open(options.page, "w", encoding="utf-8") as file:
            file.write(page(results))
    if not all(result["agree"] for result in results.values()):
        return 1
    return 2 if any(max(ratios(result)) > LIMIT for result in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())

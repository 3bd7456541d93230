"""Measure what starting costs: `-c pass` and importing json, re and argparse.

    startup.py OUT.json NAME=COMMAND...

Each command line runs RUNS times, in turn with the others; the figures are the median time and the peak memory.
"""
import json
import os
import shlex
import statistics
import sys
import time

RUNS = 21
CASES = {"-c pass": "pass", "import json, re, argparse": "import json, re, argparse"}


def run(command, text):
    """Wall time in ms and peak memory in MiB of one start."""
    arguments = shlex.split(command) + ["-c", text]
    start = time.perf_counter()
    process = os.posix_spawnp(arguments[0], arguments, os.environ)
    _, status, usage = os.wait4(process, 0)
    elapsed = time.perf_counter() - start
    if status:
        raise SystemExit(f"{command} -c '{text}' fails")
    return elapsed * 1e3, usage.ru_maxrss / 1024


def main():
    target, *interpreters = sys.argv[1:]
    result = {}
    for title, text in CASES.items():
        samples = {}
        for _ in range(RUNS):
            for interpreter in interpreters:
                name, _, command = interpreter.partition("=")
                samples.setdefault(name, []).append(run(command, text))
        result[title] = {name: {"ms": statistics.median(ms for ms, _ in values), "mib": max(mib for _, mib in values)}
                         for name, values in samples.items()}
    with open(target, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)


if __name__ == "__main__":
    main()

"""Shared by the scripts of this folder: calls a function until the time is up and prints one line.

    RESULT <first seconds> <best seconds> <checksum>

"first" is the first call, with all compiling in it (importing the package came before), "best" the best of the later ones. Seconds are
of processor time, of all threads: other programs may be running.
"""
import sys
from time import process_time
from zlib import crc32

BUDGET = 3.0


def text_of(value):
    """A text that is the same wherever the value is."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return "%.9g" % value
    if isinstance(value, (list, tuple)):
        return "(" + ",".join(map(text_of, value)) + ")"
    return repr(value)


def measure(function, *arguments):
    start = process_time()
    value = function(*arguments)
    first = total = process_time() - start
    checksum = crc32(text_of(value).encode())
    best = None
    calls = 1
    while best is None or total < BUDGET and calls < 200:
        start = process_time()
        value = function(*arguments)
        seconds = process_time() - start
        calls += 1
        total += seconds
        best = seconds if best is None else min(best, seconds)
        if crc32(text_of(value).encode()) != checksum:
            print("the result of call %d is another one" % calls)
            sys.exit(1)
    print("RESULT %.6f %.6f %08x" % (first, best, checksum))

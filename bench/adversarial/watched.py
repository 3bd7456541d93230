"""A tracer, a profiler and the collector's thresholds are switched on and off all the time."""
import gc
import sys

seen = [0]


def watch(frame, event, argument):
    seen[0] += 1
    return watch


def work(n):
    total = 0
    for i in range(n):
        total += i & n
    return total


def main(rounds):
    total = 0
    for number in range(rounds):
        total += work(200)
        if number % 4 == 0:
            sys.settrace(watch)
            total += work(3)
            sys.settrace(None)
        if number % 8 == 0:
            sys.setprofile(watch)
            total += work(3)
            sys.setprofile(None)
        if number % 16 == 0:
            gc.disable()
            gc.enable()
    return total, seen


print(main(120_000))

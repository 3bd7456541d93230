"""toolz: streams of records grouped, reduced, joined and counted."""
from measure import measure
from toolz import accumulate, compose, countby, curry, frequencies, groupby, join, merge_with, partition_all, pipe, reduceby, sliding_window, unique
from toolz.curried import filter, map

RECORDS = [{"id": n, "kind": "abc"[n % 3], "size": n * 37 % 101} for n in range(20_000)]


def run():
    double = compose(lambda x: x * 2, lambda record: record["size"])
    big = pipe(RECORDS, filter(lambda record: record["size"] > 50), map(double), list)
    groups = groupby("kind", RECORDS)
    sums = reduceby("kind", lambda total, record: total + record["size"], RECORDS, 0)
    joined = list(join("size", RECORDS[:200], "id", RECORDS[:200]))
    windows = sum(a * b for a, b in sliding_window(2, big))
    merged = merge_with(sum, [{record["size"]: 1} for record in RECORDS])
    add = curry(lambda a, b: a + b)
    parts = [sum(part) for part in partition_all(7, accumulate(add, big))]
    return [len(big), sorted(sums.items()), len(joined), windows, len(merged), parts[-3:], len(list(unique(big))),
            sorted(frequencies(big).items())[:5], sorted(countby(lambda r: r["size"] & 3, RECORDS).items()), [len(v) for v in groups.values()]]


measure(run)

"""A set of 4,000,000 objects with default hashes is built and searched."""
from benchutil import bench, pick


class Thing:
    __slots__ = ()


def hash_set(n):
    things = [Thing() for _ in range(n)]
    found = set()
    for thing in things:
        found.add(thing)
    hits = 0
    for thing in things:
        if thing in found:
            hits += 1
    misses = 0
    for _ in range(n // 4):
        if Thing() not in found:
            misses += 1
    return len(found), hits, misses


if __name__ == "__main__":
    bench("hash_set", hash_set, pick(4000000, 40000))

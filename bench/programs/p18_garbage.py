"""Boxed values that die at once: the allocation rate."""
from benchutil import bench, pick


class Point:
    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x = x
        self.y = y


def pairs(n):
    kept = [None] * 16
    for i in range(n):
        kept[i & 15] = (i, n)
    return kept[3]


def points(n):
    kept = [None] * 16
    for i in range(n):
        kept[i & 15] = Point(i, n)
    return kept[3].x


def complexes(n):
    kept = [0j] * 16
    for i in range(n):
        kept[i & 15] = complex(i, n)
    return int(kept[3].real)


def big_ints(n):
    kept = [0] * 16
    x = 1 << 63
    for i in range(n):
        x += i
        kept[i & 15] = x
    return kept[3] % 1000003


if __name__ == "__main__":
    bench("garbage_pairs", pairs, pick(10000000, 20000))
    bench("garbage_points", points, pick(10000000, 20000))
    bench("garbage_complex", complexes, pick(10000000, 20000))
    bench("garbage_big_ints", big_ints, pick(5000000, 20000))

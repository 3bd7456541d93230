"""How long collections stop a program that has a heap of small objects.

Builds chains of nodes of 24 bytes under a table, replaces chains at random, and prints what gc.get_stats(pauses=True)
says: milliseconds, of pauses that were minor collections alone and of those with a step of a full collection in them.
"""
import argparse
import gc

CHAIN = 40


class Node:
    __slots__ = ("next", "number")

    def __init__(self, next, number):
        self.next = next
        self.number = number


def chain(number):
    node = None
    for _ in range(CHAIN):
        node = Node(node, number)
    return node


def main():
    parser = argparse.ArgumentParser(description="how long collections stop a program that has a heap of small objects")
    parser.add_argument("mebibytes", type=int, nargs="?", default=1024, help="size of the heap (default 1024)")
    chains = parser.parse_args().mebibytes * 1048576 // (24 * CHAIN)
    table = [chain(i) for i in range(chains)]
    x = 12345
    for _ in range(2 * chains):
        x = x * 1103515245 + 12345 & 0x7FFFFFFF
        table[x % chains] = chain(x)
    print(f"{chains * CHAIN} nodes, {chains * CHAIN * 24 >> 20} MiB")
    print("             count  total    p50    p99  longest")
    for name, row in zip(("minor", None, "full"), gc.get_stats(pauses=True)):
        if name:
            times = [row[key] * 1e3 for key in ("pause_total", "pause_p50", "pause_p99", "pause_max")]
            print(f"{name:10} {row['pauses']:7} {times[0]:6.0f} {times[1]:6.2f} {times[2]:6.2f} {times[3]:8.2f}")


if __name__ == "__main__":
    main()

"""sortedcontainers: lists, dicts and sets that are kept in order through random changes."""
from measure import measure
from sortedcontainers import SortedDict, SortedKeyList, SortedSet


def run():
    state = 9
    keys, table, chosen = SortedKeyList(key=lambda x: -x), SortedDict(), SortedSet()
    total = 0
    for n in range(3000):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        value = (state >> 8) % 5000
        keys.add(value)
        table[value] = n
        chosen.symmetric_difference_update([value])
        if n % 5 == 0:
            keys.pop(len(keys) // 2)
            total += table.bisect_left(value) + keys.bisect(value)
            total += sum(table.irange(value, value + 20))
    return [total, len(keys), len(table), len(chosen), list(chosen[:50])]


measure(run)

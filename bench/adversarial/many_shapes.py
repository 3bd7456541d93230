"""Objects get and lose attributes in no order, so that nearly each has a shape of its own."""


class Record:
    pass


NAMES = ["n%d" % number for number in range(24)]


def main(rounds):
    state = 99
    total = 0
    kept = []
    for number in range(rounds):
        record = Record()
        for _ in range(5):
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF
            setattr(record, NAMES[(state >> 8) % 24], number)
        record.common = number & 7
        kept.append(record)
        if len(kept) > 50:
            old = kept.pop(0)
            total += old.common
            for name in list(old.__dict__)[:3]:
                delattr(old, name)
            total += len(old.__dict__)
            if hasattr(old, "n3"):
                total += old.n3 & 3
    return total


print(main(600_000))

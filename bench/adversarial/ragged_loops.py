"""Loops in loops in loops, of which each goes round none to five times, at random."""


def lengths(count):
    state = 11
    result = []
    for _ in range(count):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        result.append((state >> 10) % 6)
    return result


def main(rounds):
    sizes = lengths(997)
    at = 0
    total = 0
    for _ in range(rounds):
        at += 1
        for i in range(sizes[at % 997]):
            at += 1
            j = sizes[at % 997]
            while j > 0:
                j -= 1
                for k in range(sizes[(at + j) % 997]):
                    if k > 3:
                        break
                    total += k * i
                else:
                    total ^= j
                    continue
                at += 1
    return total


print(main(760_000))

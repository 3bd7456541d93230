"""Globals that are read in each round are rewritten in each round, functions among them."""

limit = 0
scale = 1
table = {}


def even(x):
    return x + scale


def odd(x):
    return x - limit


handler = even


def main(rounds):
    global limit, scale, handler, table
    total = 0
    for number in range(rounds):
        limit = number & 15
        scale = limit + 1
        handler = even if number & 1 else odd
        total += handler(number) + limit * scale
        if number % 64 == 0:
            table = {number: total}
            globals()["extra%d" % (number & 1023)] = number
        total ^= len(table)
    return total


print(main(4_000_000))

"""Each round makes functions, and one call reaches closures of forty functions."""
from functools import partial

SOURCES = "\n".join(
    f"def make{number}(n):\n    def inner(x):\n        return x * {number} + n\n    return inner" for number in range(40)
)
exec(SOURCES)
MAKERS = [globals()[f"make{number}"] for number in range(40)]


def apply(function, x):
    return function(x)


def main(rounds):
    state = 5
    total = 0
    for number in range(rounds):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        inner = MAKERS[(state >> 8) % 40](number)
        total = (total + apply(inner, total)) & 0xFFFFF
        if state & 0x30000 == 0:
            total += apply(partial(lambda a, b: a ^ b, number), total)
        if state & 0x40000:
            total += apply(lambda x: x & number, total)
    return total


print(main(2_400_000))

"""The operands of one expression have other types in each round."""
from fractions import Fraction

VALUES = [3, 2.5, True, 7 << 70, 1 + 2j, Fraction(3, 4), -5, 0.125, False, 10**30, 4j, Fraction(-1, 8), 11]


def combine(a, b):
    return (a + b) * a - b


def main(rounds):
    state = 12345
    total = 0.0
    for _ in range(rounds):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        a = VALUES[(state >> 8) % 13]
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        b = VALUES[(state >> 8) % 13]
        total += abs(combine(a, b)) % 1000.0
    return round(total, 3)


print(main(500_000))

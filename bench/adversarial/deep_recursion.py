"""Recursion some hundred frames deep, that branches, with work before and after each call."""


def descend(depth, state):
    if depth == 0:
        return state & 7
    if state & 3 == 0:
        return descend(depth - 1, state * 5 + 1 & 0xFFFFF) + 1
    if state & 3 == 1:
        return max(descend(depth - 1, state * 3 + 7 & 0xFFFFF), depth)
    if state & 4:
        left = descend(depth - 1, state >> 1)
        return left ^ depth
    result = 0
    for value in (descend(depth - 1, state + 13),):
        result += value
    return result


def ackermann(m, n):
    if m == 0:
        return n + 1
    if n == 0:
        return ackermann(m - 1, 1)
    return ackermann(m - 1, ackermann(m, n - 1))


def main(rounds):
    total = 0
    for number in range(rounds):
        total += descend(700, number * 7919 & 0xFFFFF)
        if number % 100 == 0:
            total += ackermann(2, 60)
    return total


print(main(9000))

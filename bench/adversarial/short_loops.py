"""Loops of three rounds, entered half a million times from many places."""


def rows(matrix, vector):
    result = []
    for row in matrix:
        total = 0
        for k in range(3):
            total += row[k] * vector[k]
        result.append(total & 1023)
    return result


def small(n):
    while n:
        n -= 1
    return n


def main(rounds):
    matrix = [[1, 2, 3], [4, 5, 6], [7, 8, 10]]
    vector = [1, 1, 1]
    total = 0
    for number in range(rounds):
        vector = rows(matrix, vector)
        total += small(3) + vector[number % 3]
        for left in "abc":
            total += left in "bcd"
    return total


print(main(700_000))

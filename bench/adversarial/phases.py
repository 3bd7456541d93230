"""The data of a loop change their type as soon as the loop has been compiled for the last one."""


def total_of(items, start):
    total = start
    for item in items:
        total = total + item * 2
    return total


class Number:
    def __init__(self, value):
        self.value = value

    def __add__(self, other):
        return Number(self.value + (other.value if isinstance(other, Number) else other))

    def __mul__(self, other):
        return Number(self.value * other)


class Other(Number):
    pass


def main(rounds):
    kinds = [
        (list(range(400)), 0),
        ([float(x) for x in range(400)], 0.0),
        (tuple(range(400)), 0),
        ([Number(x) for x in range(400)], Number(0)),
        (range(400), 0),
        ([True, False] * 200, 0),
        ([x << 65 for x in range(400)], 0),
        ([Other(x) for x in range(400)], Other(0)),
        ({x: x for x in range(400)}, 0.5),
        ([complex(x, 1) for x in range(400)], 0j),
    ]
    result = 0
    for number in range(rounds):
        items, start = kinds[number // 4 % len(kinds)]
        value = total_of(items, start)
        result += value.value if isinstance(value, Number) else int(abs(value)) & 0xFFFF
    return result


print(main(24_000))

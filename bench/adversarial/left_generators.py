"""Generators are begun and left after an item or two, closed, or thrown into."""


def numbers(start):
    try:
        while True:
            got = yield start
            start += 1 if got is None else got
    except KeyError:
        yield -1
    finally:
        CLOSED[0] += 1


def chained(start):
    yield from numbers(start)


CLOSED = [0]


def main(rounds):
    total = 0
    for number in range(rounds):
        generator = chained(number) if number % 3 else numbers(number)
        total += next(generator)
        if number % 4 == 0:
            total += generator.send(number & 7)
        elif number % 4 == 1:
            total += generator.throw(KeyError)
        elif number % 4 == 2:
            total += sum(item for item, _ in zip(generator, range(2)))
        generator.close()
    return total, CLOSED


print(main(640_000))

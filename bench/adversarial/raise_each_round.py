"""Each round raises, some functions deep, one of many exceptions."""


class Odd(ValueError):
    pass


ERRORS = [ValueError, KeyError, IndexError, Odd, TypeError, ZeroDivisionError, OSError, AttributeError, LookupError]


def fail(number):
    try:
        if number % 5 == 0:
            return [][number]
        if number % 5 == 1:
            return {}[number]
        raise ERRORS[number % 9](number)
    finally:
        COUNTS[number % 3] += 1


def between(number):
    try:
        return fail(number)
    except (KeyError, Odd) as error:
        raise RuntimeError(number) from error


COUNTS = [0, 0, 0]


def main(rounds):
    total = 0
    state = 7
    for _ in range(rounds):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        try:
            total += between(state >> 9)
        except LookupError as error:
            total += 1 + len(error.args)
        except (ValueError, RuntimeError) as error:
            total += error.args[0] & 15
        except Exception as error:
            total += len(type(error).__name__)
    return total, COUNTS


print(main(1_000_000))

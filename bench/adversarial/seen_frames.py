"""Frames, local variables and tracebacks are looked at in each round."""
import sys


def caller_of(depth):
    return sys._getframe(depth)


def probe(x):
    frame = caller_of(2)
    return frame.f_lineno % 3 + len(frame.f_locals) + x


def failing(x):
    raise ValueError(x)


def main(rounds):
    total = 0
    for number in range(rounds):
        total += probe(number & 3)
        if number % 4 == 0:
            try:
                failing(number)
            except ValueError as error:
                traceback = error.__traceback__
                while traceback is not None:
                    total += traceback.tb_lineno
                    traceback = traceback.tb_next
        total += len(locals())
    return total


print(main(900_000))

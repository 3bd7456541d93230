"""pyflakes: what is wrong with a program."""
import ast

import pyflakes.checker
from measure import measure

PART = """
import os, sys as system{n}
from math import *
def function{n}(a, b=unknown{n}, *c, **d):
    global G{n}
    try:
        x = a + b
        for i, (j, k) in enumerate(c):
            y = [z for z in d if z == i]
            lambda q: q + undefined
    except (ValueError, KeyError) as error:
        return f"{{x!r}} {{y}}"
    class Local{n}(Base):
        def method(self): return self.x + __class__
    print("%s %d" % (1,))
    return locals
"""
TEXT = "".join(PART.format(n=n) for n in range(50))


def run():
    checker = pyflakes.checker.Checker(ast.parse(TEXT), "x.py")
    return sorted(str(message) for message in checker.messages)


measure(run)

"""Every class of node at least once: what `tests/trees.rs` parses."""

from __future__ import annotations
import os, a.b as c
from . import x
from ..pkg import (y as z, w)
from m import *

@deco.rator(1)
# class in a comment
@other
class C[T: int, *Ts, **P](Base, metaclass=M):
    "doc"
    field: int = 1; other: str
    (grouped): int
    async def m(self, a, /, b: int = 1, *args: str, c, d=2, **kw) -> None:
        await x; return
        async for i in y: pass
        async with z as q, w: ...
        yield 1
        x = yield
        [i async for i in y if i if not i]

def gen(*, k): yield from k; return (1,)
lambda: 0; lambda a, *b, c=1: (a, b)
type Alias[T = int] = list[T]
del a, b[0], c.d
x = y = 1; x += 1; x @= 2; x //= 3
for i, (j, *k) in z:
    continue
else:
    break
while True: pass
if a: b
elif c: d
elif e: f
else: g
with (open(p) as f, lock): pass
try:
    raise E from None
except (A, B) as e:
    raise
except: pass
else: pass
finally: pass
try: pass
except* G: pass
assert a, "b"
global g1, g2
def f():
    nonlocal n
match v:
    case 1 | "a" | -1 | 1+2j | None | a.b: pass
    case [x, *rest, _] if x: pass
    case {"k": v, **others}: pass
    case C(a, b=2): pass
    case (A() as whole): pass
    case [*_] | {}: pass
a and b or not c; a if b else c; -a ** ~b + +c
a < b <= c == d != e > f >= g is h is not i in j not in k
a | b ^ c & d << e >> f - g * h / i % j
{1: 2, **d}, {1, 2}, [*a], (), {}
[i for i in x], {i for i in x}, {k: v for k, v in x}, (i for i in x), f(i for i in x), f(a, *b, k=1, **c)
x[1], x[1:2], x[::3], x[1, 2:3, ...]
1, 10**20, 100000000000000000000, 1.5, 2j, "s" 'é' "\ud800", b"\xff" b'2', u"u", True, False, None, ...
f"a{x}b{y!r:>{w}}c" "d" f'{z=}{q = !s}{{}}' f"{x:%H:%M}"
t"a{x !a:{w}}b{ y = }"
(n := 1)
f"""{
    x  # comment
}"""

//! Pieces of programs, as in `snippets`, that lead the JIT where drawn code seldom does: rare instructions in hot loops, frames
//! looked at in mid-trace, operator methods that raise, functions that are recorded from their entry.

pub const RARE: &[&str] = &[
    // An inner loop that goes round once while it is to be recorded, and often from then on.
    "
def s@S():
    total = 0
    for i in range(@N * 8):
        n = 3 if i < 8 else 1 if i < @N * 4 else 40
        j = 0
        while j < n:
            total += i ^ j
            j += 1
    return total
",
    // Signals, in a loop that is being recorded and in a compiled one.
    "
def s@S():
    import signal
    hits = [0]
    def handler(number, frame): hits[0] += 1
    old = signal.signal(signal.SIGUSR1, handler)
    total = 0
    for i in range(@N * 2):
        total += i
        if i < 7 or i % (@K % 3 + 2) == 1: signal.raise_signal(signal.SIGUSR1)
    for i in range(5): pass
    signal.signal(signal.SIGUSR1, old)
    return total, hits
",
    // Loops close to the recursion limit; where exactly it lies is the implementation's business.
    "
def s@S():
    def add(a): return a + 1
    def deep(n): return deep(n + 1) + 1
    source = 'def near(n):\\n if n: return near(n - 1)\\n total = 0\\n for i in range(12): total = add(total) if i < 3 else twice(total)\\n return total'
    for n in range(960, 1000):
        exec(source, names := {'add': add, 'twice': lambda a: add(add(a))})
        try: names['near'](n)
        except RecursionError: pass
    for i in range(5):
        try: deep(0)
        except RecursionError as e: log(type(e).__name__)
    return names['near'](@K)
",
    // Another function, class or builtin at a call that had one.
    "
def s@S():
    class A@S:
        def m(self, v): return v + 1
    class B@S(A@S):
        def m(self, v): return super().m(v) * 2
    class C@S:
        m = staticmethod(lambda v: v - 1)
        def __call__(self, v): return v ^ 3
    def outer(k):
        def inner(v): return v + k
        return inner
    one, other = outer(1), outer(@K)
    callees = [one, other, lambda v: v * 2, lambda v, w=3: v + w, abs, int, A@S().m, B@S().m, C@S(), C@S.m]
    objects = [A@S(), B@S(), C@S()]
    total = 0
    for i in range(@N * 4):
        at = 0 if i < @N else i % 2 if i < @N * 2 else i % len(callees)
        total = (total + callees[at](i) + objects[at % 3].m(i)) % 1000003
    return total
",
    // Operator methods run in the middle of a handler: they return, decline, raise, and are left in the middle.
    "
def s@S():
    class V:
        table = [1, 2, 3, 4, 5, 6, 7, 8, NotImplemented]
        def __init__(self, x): self.x = x
        def __add__(self, o):
            if o % 13 == 9: raise ValueError(o)
            if o % 13 == 11: raise KeyError(o)
            return V(self.x + o) if o % 3 else V(self.x ^ o)
        __radd__ = __add__
        def __sub__(self, o): return self.table[o % 9] if o > 20 else o
        def __mul__(self, o): return o * 0.5 if o % 17 == 16 else o * 2
        def __iadd__(self, o): self.x += o; return self
        def __getitem__(self, i): return V(i) + i
    v, total, events = V(@K), 0, 0
    for i in range(@N * 3):
        try:
            v = v + i
            v = i + v
            total += v - i
            total += v * i
            v += 1
        except ValueError: events += 1
        except KeyError: events += 10
        except TypeError as e:
            events += 100
            if events < 1000: log(e)
    return v.x, total, events
",
    // Exceptions of operator methods leave generators, of several classes at one place.
    "
def s@S():
    class V:
        def __add__(self, o):
            if o % 7 == 3: raise ValueError(o)
            if o % 7 == 5: raise KeyError(o)
            if o % 11 == 7: raise StopIteration(o)
            return o
        def __mul__(self, o): raise errors[o % 3 if o > 20 else 0]
    errors = [ValueError(1), KeyError(2), RuntimeError(3)]
    v = V()
    def generator(n):
        yield 1
        yield v + n
    def raising(n): yield v * n
    def delegating(n): yield from raising(n)
    def plain(n): return v + n
    total = events = 0
    for i in range(@N * 4):
        try:
            for q in generator(i): total += q
        except ValueError: events += 1
        except KeyError: events += 3
        except RuntimeError as e:
            events += 7
            if events < 99: log(e, type(e.__cause__).__name__)
        try:
            for q in raising(i): total += q
        except (ValueError, KeyError, RuntimeError) as e: events += e.args[0]
        try:
            for q in delegating(i): total += q
        except (ValueError, KeyError, RuntimeError) as e: events += e.args[0]
        try: total += plain(i)
        except (ValueError, KeyError) as e: events += e.args[0]
        except StopIteration as e: events += e.value
    return total, events
",
    // Compiled frames looked at and written from a callee that is not inlined, with objects that were never made.
    "
def s@S():
    import sys
    class P:
        def __init__(self, x): self.x = x
    def look(i, write):
        n = 0
        for _ in range(3 + i % 9): n += 1
        if i % 10 == 7 and i > 20:
            names = sys._getframe(1).f_locals
            n += names['p'].x
            if write: names['q'] = i
        return n
    def inner(i):
        p, q = P(i), 1
        n = look(i, i % 20 == 7)
        return p.x + q + n
    total, kept = 0, []
    for i in range(@N * 3):
        p, q = P(i + @K), 2
        total += inner(i) + look(i, True) + p.x + q
        if i % 30 == 0: kept.append(p)
    return total, [p.x for p in kept]
",
    // Functions recorded from their entry: they return, raise, have loops of their own.
    "
def s@S():
    def fail(n):
        if n % 19 == 18: return n
        raise ValueError(n)
    def once(n):
        t = 0
        for i in range(1 + n % 2): t += i + n
        return t
    def often(n):
        t = 0
        for i in range(9): t += i ^ n
        return t
    def steps(n): return once(n) + often(n) if n % 5 else -n
    def tell(n):
        try: return fail(n) + 1
        except ValueError as e: return e.args[0] * 2
    out = [steps(i) for i in range(6)] + [once(i) for i in range(9)]
    for f in (fail, once, often, steps, tell):
        i = 0
        while i < @N * 2:
            try: out.append(f(i))
            except ValueError as e: out.append(~e.args[0])
            i += 1
    return len(out), sum(out) % 100003, out[-9:]
",
    // Bodies of classes and modules, executed again and again.
    "
g@S: int = @K
def s@S():
    x = @K
    def make(n):
        class C:
            a: int = n
            b = x + n
            if n % 2: c: str
            y = [q + n for q in range(2)]
            def m(self): return __class__, self.a
        class G[T]:
            n: T
            def m(self, v: T) -> T: return v + x
        return len(C.__annotations__) + C().m()[1] + C.y[1] + C.b + G().m(n)
    code = compile('v: int = n\\nif n % 2: w: int = n + 1\\nu = v * 2\\nimport math\\nfrom math import floor as f\\nr = f(n / 2)\\ndel u', 'm', 'exec')
    future = compile('from __future__ import annotations\\nv: int = n\\nif n % 2: w: str = n', 'm', 'exec')
    total = 0
    for i in range(@N):
        exec(future, names := {'n': i})
        total += len(names['__annotations__'])
        names = {'n': i}
        exec(code, names)
        total += make(i) + names['v'] + names['r'] + eval('n + g@S', {'n': i, 'g@S': 1}) + (g@S == @K)
    return total, sorted(names['__annotate__'](1)) if '__annotate__' in names else None
",
    // Rare instructions in hot loops; what ends a recording has a loop of its own.
    "
def s@S():
    total, text = 0, 'abcdefgh'
    for i in range(@N * 2):
        t = t'{i} {text!r:>9} {total=}'
        total += t.values[0] + len(t.strings)
    for i in range(@N * 2):
        s = {*range(i % 5), *text}
        a = list(range(9))
        a[i % 3:4] = [i] * (i % 4)
        a[::2] = a[::2]
        total += len(s) + len(a) + len(text[i % 3:-1]) + a[-1] + ~i + -i + (not i) + (i is None)
        del a[0], a[1:2]
    for i in range(@N * 2):
        assert i >= 0, i
        d = {'a': i, **{'b': 1}}
        match d:
            case {'a': q, **r}: total += q + len(r)
        match [i, *text]:
            case [p, *q]: total += p + len(q)
        first, *rest, last = text
        total += len(rest) + len(f'{i:>4}{text!r}{last}')
    for i in range(@N * 2):
        total += (lambda *p, k=1, **w: len(p) + k + len(w))(*text, **{'k': 2, 'z': i})
        total += {n: n for n in range(3)}[1] + sum({n for n in range(3)}) + len([(n, m) for n in text for m in text])
    for i in range(@N * 2):
        def annotated(p: int, q: 'x' = 1, *, r=2) -> int: return p + q + r
        total += annotated(i)
    for i in range(@N):
        type Alias[T] = dict[T, int]
        def generic[T: int = bool](v: T) -> T: return v
        total += generic(i) + len(Alias.__type_params__)
    return total % 1000003
",
    // Imports, deleted names and cells in hot loops.
    "
def s@S():
    global g@S
    total = 0
    for i in range(@N * 2):
        g@S = i
        total += g@S
        del g@S
        try: g@S
        except NameError: total += 1
    for i in range(@N * 2):
        c = i
        def cell(): return c
        total += cell()
        del c
        try: cell()
        except NameError: total += 1
    for i in range(@N):
        import math
        total += math.floor(i / 2)
    for i in range(@N):
        from math import sqrt as root
        total += root(i * i)
    for i in range(@N // 2): exec('from math import *', {})
    return total
",
    // Attributes of an object, of its class, of a module, of a slot: read, written, deleted, missing.
    "
def s@S():
    import math
    class S:
        __slots__ = ('a', 'b')
    class D:
        k = @K
        def __getattr__(self, name): return len(name)
    total = 0
    for i in range(@N * 2):
        s, d = S(), D()
        s.a, d.a, d.c = i, 0.5 if i % 7 == 6 else i, 1
        del d.c
        if i % 5 == 4: d.__dict__['x'] = i
        total += s.a + d.a + d.k + d.c + d.xyz + len(vars(d)) + (math.pi > 3)
        if i % 11 == 10: D.k = i
        try: s.b
        except AttributeError: total += 1
        if i % 3: s.b = 2
        total += getattr(s, 'b', 3)
    return total
",
    // Coroutines and asynchronous iteration, thrown into and closed, in a hot loop.
    "
def s@S():
    class Wait:
        def __init__(self, v): self.v = v
        def __await__(self):
            try: got = yield self.v
            except KeyError as e: got = e.args[0]
            return got
    class Numbers:
        def __init__(self, n): self.n = n
        def __aiter__(self): return self
        async def __anext__(self):
            self.n -= 1
            if self.n < 0: raise StopAsyncIteration
            return await Wait(self.n) or self.n
    class Manager:
        async def __aenter__(self): return await Wait(5) or 4
        async def __aexit__(self, t, v, tb): return t is ValueError
    async def numbers(n):
        for i in range(n): yield i
    async def work(i):
        total = 0
        for r in range(1 + i % 8):
            async for x in Numbers(i % 4): total += x
        async for x in numbers(3): total += x
        async with Manager() as m:
            total += m
            if i % 3 == 0: raise ValueError(i)
        return total + sum([x async for x in Numbers(2)]) + await Wait(i)
    def plain(i):
        got = yield from Wait(i).__await__()
        return got + 1
    results = []
    for i in range(@N):
        c, n = work(i), 0
        try:
            c.send(None)
            while True:
                n += 1
                if i % 5 == 3 and n == 2: c.throw(KeyError(7))
                elif i % 5 == 4 and n == 3: c.throw(TypeError(i))
                else: c.send(n)
        except StopIteration as e: results.append(e.value)
        except TypeError as e: results.append(('t', e.args[0]))
        g = plain(i)
        next(g)
        try: g.throw(KeyError(i)) if i % 2 else g.send(i)
        except StopIteration as e: results.append(e.value)
        c.close()
    return len(results), results[-12:]
",
    // Exception groups, chains, and reraising, in a hot loop.
    "
def s@S():
    class Error(Exception): pass
    def work(i):
        try:
            if i % 4 == 0: raise ExceptionGroup('g', [ValueError(i), Error(i), KeyError(i)])
            if i % 4 == 1: raise Error(i) from ValueError(i)
            if i % 4 == 2: return [][i]
        except* ValueError as e: events.append(len(e.exceptions))
        except* (Error, IndexError) as e:
            events.append(type(e.exceptions[0].__cause__).__name__)
            if i % 8 == 1: raise
        finally: events.append('f')
    events = []
    for i in range(@N * 2):
        try:
            try: work(i)
            except ExceptionGroup as e: events.append(sorted(type(x).__name__ for x in e.exceptions))
        except* KeyError: events.append('k')
        try:
            try: raise Error(i) if i % 2 else KeyError(i)
            except KeyError as e: raise
            except Error as e: raise ValueError(i) from e
        except (ValueError, KeyError) as e: events.append((type(e).__name__, e.__context__ is None, e.__suppress_context__))
    return len(events), events[-14:]
",
    // Assumptions that fall while a trace relies on them runs: in a callee, in the middle of an operator, in a generator.
    "
def s@S():
    class A:
        k = 1
        def __init__(self, x): self.x = x
        def get(self): return self.x + self.k
        def __add__(self, o):
            if o == @N: A.k = 5
            return self.x + o + self.k
    class B(A): pass
    def slow(i):
        for _ in range(5): pass
        if i == @N + 7: A.get = lambda self: -self.x
        if i == @N + 9: B.get = lambda self: 100
        if i == @N + 11: B.__bases__ = (A,)
        return i
    def items(b):
        for i in range(4):
            if b.x == @N * 2: A.k = 9
            yield b.k + i
    total = 0
    for i in range(@N * 3):
        a, b = A(i), B(i)
        total += a.get() + b.get() + slow(i) + (a + i) + sum(items(b))
        if i == @N * 2 + 5: a.__class__ = B
        total += a.get()
    return total
",
    // An outer loop's trace goes on in an inner loop's, which falls again and again.
    "
def s@S():
    class A:
        k = 1
    def bump(i):
        for _ in range(5): pass
        if i % 6 == 5: A.k = i
    a, total = A(), @K
    for i in range(@N * 3):
        total += i
        for j in range(6): total += a.k + j
        bump(i)
    return total
",
];

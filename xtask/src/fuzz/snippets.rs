//! Pieces of programs for what the grammar of `generate` does not draw: one function `s@S` each, with `@K` a small number and
//! `@N` a number of iterations. Together with the drawn code they reach every opcode.

pub const SNIPPETS: &[&str] = &[
    "
def s@S():
    class Wait:
        def __await__(self):
            got = yield @K
            return got
    class Range:
        def __init__(self): self.i = 0
        def __aiter__(self): return self
        async def __anext__(self):
            self.i += 1
            if self.i > 4: raise StopAsyncIteration
            return await Wait() or self.i
    class Manager:
        async def __aenter__(self): return 5
        async def __aexit__(self, t, v, tb): return t is ValueError
    async def agen():
        for i in range(3):
            got = yield i
            if got: log('got', got)
    async def main():
        total = 0
        async for x in Range(): total += x
        async with Manager() as m:
            total += m
            if total % 2: raise ValueError(total)
        total += sum([x async for x in agen()])
        g = agen()
        total += await g.asend(None)
        await g.aclose()
        return total + sum([await Wait() or 1 for _ in range(2)])
    c = main()
    n = 0
    while True:
        try:
            c.send(None if n % 3 else n or None)
            n += 1
        except StopIteration as e:
            return e.value, n
",
    "
def s@S():
    x = @K
    class Outer:
        y = x + 1
        z = [y for y in range(3)]
        def method(self): return __class__.__name__, x
        class Inner:
            a: int = x
            def __init_subclass__(cls, **kw): cls.kw = kw
    class Sub(Outer.Inner, tag=x): b: str
    return Outer().method(), Outer.y, Outer.z, Sub.kw, Outer.Inner.a, sorted(Sub.__annotations__)
",
    "
def s@S():
    log(f'{@K:>5} {@K!r:<4}| {@K / 7:.3f} {\"n\"!s} {@K=}')
    t = t'a {@K} b {@K + 1!r:>3}'
    a, *b, c = range(@N)
    d = {**{'k': @K}, 'l': len(b)}
    e = [*b[:3], *(1, 2)]
    f = {*e, 99}
    del d['k'], e[0]
    s = 'abcdef'
    e[1:2] = [7, 8]
    return t.strings, t.values, a, c, d, e, sorted(f), s[1:4], s[::2], (lambda *p, **k: (p, sorted(k)))(*e, **d)
",
    "
def s@S():
    results = []
    for i in range(@N):
        try:
            try:
                if i % 5 == 0: raise ExceptionGroup('g', [ValueError(i), TypeError(i), KeyError(i)])
                if i % 5 == 1: raise ValueError(i)
                if i % 5 == 2: 1 // (i % 2)
            except* ValueError as e: results.append(len(e.exceptions))
            except* TypeError: results.append('t')
            finally: results.append('f')
        except ExceptionGroup as e: results.append(e.exceptions[0].args[0])
        except ZeroDivisionError: results.append('z')
    return results[-20:]
",
    "
def s@S():
    def gen(n):
        try:
            for i in range(n):
                x = yield i * @K
                if x: yield from (x, x + 1)
        except ValueError as e: yield e.args[0]
        finally: log('gen closed')
    total = 0
    for n in range(@N):
        g = gen(n % 7)
        for v in g:
            total += v
            if v > 60: break
        if n % 4 == 1: g.close()
        if n % 4 == 2:
            try: total += g.throw(ValueError(n))
            except (ValueError, StopIteration): total += 1
        # When a generator that nobody refers to is closed is the implementation's business.
        g.close()
    return total
",
    "
def s@S():
    from math import floor, sqrt as root
    import os.path as path, json
    exec('from math import *', ns := {})
    ns['count'] = 0
    exec('def f(n):\\n    global count\\n    count += n\\n    return count\\nfor q in range(@N): f(q)\\ndel q', ns)
    return floor(root(@K)), path.join('a', 'b'), json.dumps({'k': [@K]}), ns['count'], ns['cos'](0)
",
    "
def s@S():
    class P:
        __match_args__ = ('x', 'y')
        def __init__(self, x, y): self.x, self.y = x, y
    out = []
    for v in (P(0, @K), P(1, [2, 3]), [1, 2, 3], {'a': {'b': @K}, 'c': 1}, 'text', @K, 2.5, None, (1, (2, 3)), []):
        match v:
            case P(0, y): out.append(('axis', y))
            case P(x, [a, b]): out.append((x, a, b))
            case [first, *rest]: out.append((first, len(rest)))
            case {'a': {'b': q}, **others}: out.append((q, sorted(others)))
            case str() | float() as t: out.append(t)
            case int(n) if n > 10: out.append(('big', n))
            case None | 0: out.append('nothing')
            case _: out.append('other')
    return out
",
    "
def s@S():
    class D:
        def __set_name__(self, owner, name): self.name = name
        def __get__(self, o, c): return 5 if o is None else o.__dict__.get(self.name, @K)
        def __set__(self, o, v): o.__dict__[self.name] = v * 2
    class M(type):
        def __call__(cls, *a): return super().__call__(*a)
        def __getattr__(cls, name): return len(name)
    class A(metaclass=M):
        d = D()
        def __init__(self, v=1): self.v = v
        def __iadd__(self, o): self.v += o; return self
        def __matmul__(self, o): return self.v * 2
        def __getattribute__(self, name):
            return super().__getattribute__(name)
    a = A(3)
    total = 0
    for i in range(@N):
        a.d = i
        a += i
        total += a.d + a @ a + A.missing
        if i == @K: A.d = 7
    return total, a.v, A.d
",
    "
def s@S():
    def deep(n, acc=0):
        if n == 0: return acc
        try: return deep(n - 1, acc + n) + (1 if n % 3 else deep(0, 2))
        finally: counts[0] += 1
    counts = [0]
    def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
    def even(n): return n == 0 or odd(n - 1)
    def odd(n): return n != 0 and even(n - 1)
    return deep(@N), counts, fib(11), even(@K), [fib(i) for i in range(8)]
",
    "
def s@S():
    a, b = 1, @K
    for i in range(@N * 3):
        a, b = b, a + b
    n = 2**62 - @K
    seen = []
    for i in range(@N):
        n += i
        if i % 9 == 0: seen.append(n)
    f = 0.5
    for i in range(@N): f = 3.9 * f * (1 - f)
    z = 0j
    for i in range(20): z = z * z + complex(0.1 * (@K % 10), 0.3)
    return a % 10**9, seen[-3:], f, abs(z) < 3, n << 3, -n >> 2, n ** 2 % 1009, divmod(-n, 7), n / 3
",
    "
def s@S():
    b = bytearray(range(50))
    s = set()
    for i in range(@N):
        b[i % 50] ^= @K
        s |= {b[i % 50]}
        s ^= {i}
        s &= set(range(60))
    m = memoryview(bytes(b))
    d = dict.fromkeys('abc', @K) | {'z': 1}
    d2 = {k: v for k, v in d.items() if k != 'a'}
    return sum(b), sorted(s)[:9], m[3], bytes(m[:4]), d2, b'%d' % @K, sorted(d, reverse=True), frozenset('a') == {'a'}
",
    "
def s@S():
    def deco(f):
        def wrapper(*args, **kw): return f(*args, **kw) + 1
        return wrapper
    @deco
    def g[T](x: T, /, y: int = 2, *, z=3) -> T: return x + y * z
    type Pair[K] = tuple[K, K]
    class Box[T]:
        item: T
        def get(self): return self.item
    b = Box()
    b.item = @K
    total = 0
    for i in range(@N): total += g(i) + g(i, i) + g(i, y=1, z=i) + g(*[i], **{'z': 2}) + b.get()
    return total, Pair.__name__, g.__name__
",
    "
def s@S():
    import sys
    def peek(): return sys._getframe(1).f_locals['i']
    def poke(v): sys._getframe(1).f_locals['x'] = v
    x = total = 0
    for i in range(@N):
        x += 1
        total += peek() + x
        if i % 7 == 3: poke(i * @K)
    return x, total, sys._getframe().f_code.co_name
",
    "
def s@S():
    class Manager:
        def __init__(self, log): self.log = log
        def __enter__(self): self.log.append('in'); return self
        def __exit__(self, t, v, tb): self.log.append(t and t.__name__); return t is KeyError
    events = []
    def f(i):
        with Manager(events) as a, Manager(events):
            if i % 4 == 0: raise KeyError(i)
            if i % 4 == 1: return i
            if i % 4 == 2: raise ValueError(i)
        return -i
    total = 0
    for i in range(@N):
        try: total += f(i) or 0
        except ValueError as e: total += e.args[0]
    assert total != 10**9, 'never'
    return total, events[-6:], len(events)
",
    "
def s@S():
    from collections import deque, defaultdict, Counter, namedtuple
    from functools import reduce, lru_cache, partial
    from itertools import accumulate, islice, cycle, groupby
    P = namedtuple('P', 'x y')
    @lru_cache(None)
    def f(n): return 1 if n < 2 else f(n - 1) + f(n - 2)
    q, d = deque(maxlen=5), defaultdict(list)
    for i in range(@N):
        q.append(i); d[i % 3].append(i)
    return (list(q), d[1][:3], Counter('abca')['a'], P(1, @K).y, reduce(lambda a, b: a * 3 + b, range(9)), f(30), partial(max, 3)(@K),
            list(accumulate(range(5))), list(islice(cycle('ab'), 3)), [(k, len(list(g))) for k, g in groupby('aabc')])
",
    "
def s@S():
    import re, struct, json
    text = ' '.join(f'k{i}={i * @K}' for i in range(@N))
    pairs = re.findall(r'(\\w+)=(\\d+)', text)
    packed = struct.pack('<%dd' % len(pairs), *[float(v) for _, v in pairs])
    total = 0.0
    for i in range(len(pairs)): total += struct.unpack_from('<d', packed, 8 * i)[0]
    return total, json.loads(json.dumps(dict(pairs[:2]))), re.sub(r'\\d', '#', text[:12]), text.split()[-1].partition('=')
",
    "
def s@S():
    class Node:
        __slots__ = ('value', 'left', 'right')
        def __init__(self, value): self.value, self.left, self.right = value, None, None
    def insert(node, value):
        if node is None: return Node(value)
        if value < node.value: node.left = insert(node.left, value)
        elif value > node.value: node.right = insert(node.right, value)
        return node
    def walk(node):
        if node is not None:
            yield from walk(node.left)
            yield node.value
            yield from walk(node.right)
    root = None
    for i in range(@N * 2): root = insert(root, i * 7919 % 101 + @K)
    return list(walk(root))[:12], sum(walk(root))
",
    "
def s@S():
    grid = [[(x * y + @K) % 7 for x in range(8)] for y in range(8)]
    for step in range(@N // 4 + 1):
        grid = [[sum(grid[(y + dy) % 8][(x + dx) % 8] for dx in (-1, 0, 1) for dy in (-1, 0, 1)) % 7 for x in range(8)] for y in range(8)]
    return grid[0], [max(row) for row in zip(*grid)]
",
    "
g@S: int = @K
def s@S():
    global g@S
    cell = [@K]
    def keep(): return cell
    a, at = list(range(12)), @K % 5
    a[at:at + 3] = [at] * (@N % 6)
    keep().append(len(a))
    try:
        if @N % 2: x = 1
        log(x)
        del x
        x
    except UnboundLocalError as e: log(e)
    del cell, g@S
    try: keep()
    except NameError as e: log(e)
    g@S = 5
    return a, a[at:], g@S
",
];

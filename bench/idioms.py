"""What everyday Python costs: some 130 small functions, one for each idiom of the language and its library.

    python3.14 bench/idioms.py PYTHON ADDER...     the ratios of each to the first interpreter, the slowest first
    adder bench/idioms.py [NAME...]                one interpreter: name, first and best milliseconds, checksum

Results are compared. Each function runs for 0.15 s of processor time; the best call counts, and the first one.
"""
import array, base64, bisect, collections, contextlib, copy, csv, dataclasses, datetime, decimal, enum, fractions, functools, hashlib, heapq
import io, itertools, json, logging, math, os, pickle, random, re, statistics, string, struct, subprocess, sys, tempfile, textwrap, time, zlib

IDIOMS = {}


def idiom(function):
    IDIOMS[function.__name__] = function
    return function


random.seed(1)
N = 20000
ints = [random.randrange(10**6) for _ in range(N)]
floats = [random.random() for _ in range(N)]
words = [''.join(random.choices('abcdefgh', k=random.randrange(3, 9))) for _ in range(N)]
text = ' '.join(words)
lines = '\n'.join(' '.join(words[i:i+8]) for i in range(0, N, 8))
table = dict(zip(words, ints))


@idiom
def list_insert0():
    a = []
    for i in range(5000): a.insert(0, i)


@idiom
def list_pop0():
    a = list(range(20000))
    while a: a.pop(0)


@idiom
def list_del_slice():
    a = list(range(20000))
    while a: del a[:10]


@idiom
def list_remove():
    a = list(range(2000))
    for i in range(1999, -1, -1): a.remove(i)


@idiom
def list_in():
    a = list(range(1000))
    for i in range(1000): i in a


@idiom
def list_in_str():
    for w in words[:300]: w in words


@idiom
def list_sort(): sorted(ints)


@idiom
def list_sort_key(): sorted(words, key=len)


@idiom
def list_sort_lambda(): sorted(ints, key=lambda x: -x)


@idiom
def list_sort_tuple(): sorted(zip(words, ints))


@idiom
def list_sort_cmp(): sorted(ints[:5000], key=functools.cmp_to_key(lambda a, b: a - b))


@idiom
def list_mul_add():
    for i in range(300): [0] * 1000 + [1] * 1000


@idiom
def list_2d():
    g = [[0] * 100 for _ in range(100)]
    for i in range(100):
        for j in range(100): g[i][j] = i * j
    return sum(map(sum, g))


@idiom
def transpose(): return list(zip(*[range(200)] * 200))


@idiom
def dict_build(): return {w: i for i, w in enumerate(words)}


@idiom
def dict_count():
    d = {}
    for w in words: d[w] = d.get(w, 0) + 1


@idiom
def dict_setdefault():
    d = {}
    for w in words: d.setdefault(w[0], []).append(w)


@idiom
def defaultdict_(): 
    d = collections.defaultdict(list)
    for w in words: d[w[:2]].append(w)


@idiom
def counter(): return collections.Counter(words).most_common(5)


@idiom
def counter_add(): return sum((collections.Counter(words[i:i+50]) for i in range(0, 2000, 50)), collections.Counter())


@idiom
def dict_tuple_keys():
    d = {}
    for i in range(100):
        for j in range(100): d[i, j] = i + j
    return sum(d[i, i] for i in range(100))


@idiom
def dict_pop_order():
    d = dict.fromkeys(range(20000))
    while d: d.pop(next(iter(d)))


@idiom
def dict_popitem():
    d = dict.fromkeys(range(20000))
    while d: d.popitem()


@idiom
def dict_items(): return sum(v for k, v in table.items() if len(k) > 4)


@idiom
def dict_sorted(): return sorted(table.items(), key=lambda kv: kv[1])


@idiom
def dict_merge():
    for i in range(200): {**{'a': 1, 'b': 2}, **{'c': i}} | {'d': 4}


@idiom
def ordered_move():
    d = collections.OrderedDict.fromkeys(range(1000))
    for i in range(3000): d.move_to_end(i % 1000)


@idiom
def lru():
    @functools.lru_cache(maxsize=500)
    def f(x): return x * 2
    for i in ints: f(i % 700)


@idiom
def set_ops():
    a, b = set(ints), set(ints[::2])
    return len(a & b), len(a | b), len(a - b), len(a ^ b)


@idiom
def set_add():
    s = set()
    for x in ints: s.add(x)


@idiom
def set_frozen(): return len({frozenset(w) for w in words})


@idiom
def deque_rot():
    d = collections.deque(range(1000))
    for i in range(20000): d.append(d.popleft())


@idiom
def heap_push():
    h = []
    for x in ints: heapq.heappush(h, x)
    while h: heapq.heappop(h)


@idiom
def bisect_(): 
    a = []
    for x in ints[:5000]: bisect.insort(a, x)


@idiom
def str_split(): return [l.split() for l in lines.split('\n')]


@idiom
def str_split_sep(): return [l.split(',') for l in [','.join(words[:50])] * 400]


@idiom
def str_join_gen(): return ','.join(str(x) for x in ints)


@idiom
def str_join_list(): return ' '.join(words)


@idiom
def str_replace(): return text.replace('a', 'xyz').replace('xyz', 'a')


@idiom
def str_find_all():
    i, n = text.find('ab'), 0
    while i >= 0: n += 1; i = text.find('ab', i + 1)
    return n


@idiom
def str_count(): return [text.count(c) for c in 'abcdefgh']


@idiom
def str_iter(): return sum(1 for c in text if c == 'a')


@idiom
def str_index(): return [text[i] for i in range(0, len(text), 3)]


@idiom
def str_slices(): return [text[i:i+5] for i in range(0, len(text), 5)]


@idiom
def str_reverse(): return [w[::-1] for w in words]


@idiom
def str_upper(): return [w.upper().title().lower() for w in words]


@idiom
def str_strip(): return [('  ' + w + ' ').strip() for w in words]


@idiom
def str_startswith(): return sum(w.startswith(('ab', 'cd')) for w in words)


@idiom
def str_translate(): return text.translate(str.maketrans('abc', 'xyz'))


@idiom
def str_format(): return ['%s: %5.2f' % (w, x) for w, x in zip(words, floats)]


@idiom
def str_format2(): return ['{:>10} {:08.3f}'.format(w, x) for w, x in zip(words, floats)]


@idiom
def fstring(): return [f'{w:<12}{x:.3e}{i:06d}' for w, x, i in zip(words, floats, ints)]


@idiom
def str_int(): return [int(str(i)) for i in ints]


@idiom
def str_float(): return [float(repr(x)) for x in floats]


@idiom
def str_append():
    s = ''
    for w in words: s += w
    return len(s)


@idiom
def str_prepend():
    s = ''
    for w in words[:3000]: s = w + s
    return len(s)


@idiom
def str_char_append():
    out = ''
    for c in text:
        if c.isalpha(): out += c
    return len(out)


@idiom
def bytes_append():
    b = b''
    for i in range(3000): b += b'abc'
    return len(b)


@idiom
def bytearray_append():
    b = bytearray()
    for i in range(20000): b += b'abc'
    return len(b)


@idiom
def bytes_iter(): return sum(text.encode())


@idiom
def str_encode(): return [w.encode().decode() for w in words]


@idiom
def unicode_text():
    s = 'äöü€' * 5000
    return [s[i] for i in range(0, 20000, 7)], s.find('€ä', 15000), s.upper()[:3]


@idiom
def re_findall(): return re.findall(r'\b[abc]+\b', text)


@idiom
def re_sub(): return re.sub(r'a(b|c)', r'\1a', text)


@idiom
def re_sub_func(): return re.sub(r'[ab]+', lambda m: m[0].upper(), text)


@idiom
def re_match(): 
    p = re.compile(r'(\w)(\w+)(\w)$')
    return [p.match(w).groups() for w in words[:10000] if p.match(w)]


@idiom
def re_split(): return re.split(r'[ a]+', text)


@idiom
def re_tokens(): return [(m.lastgroup, m.group()) for m in re.finditer(r'(?P<A>[abc]+)|(?P<B>[d-h]+)|(?P<S>\s+)', text)]


@idiom
def json_dump(): return json.dumps({'a': ints[:5000], 'b': words[:5000], 'c': floats[:5000]})


@idiom
def json_load(): return json.loads(json.dumps([{'a': i, 'b': str(i), 'c': [i, None, True]} for i in range(3000)]))


@idiom
def csv_(): 
    f = io.StringIO(); w = csv.writer(f); w.writerows(zip(words, ints, floats)); f.seek(0)
    return sum(len(r) for r in csv.reader(f))


@idiom
def stringio(): 
    f = io.StringIO()
    for w in words: f.write(w); f.write('\n')
    f.seek(0)
    return sum(1 for l in f)


@idiom
def file_lines():
    with tempfile.TemporaryFile('w+') as f:
        for w in words: f.write(w + '\n')
        f.seek(0)
        return sum(len(l) for l in f)


@idiom
def file_print():
    with open(os.devnull, 'w') as f:
        for w, i in zip(words, ints): print(w, i, file=f)


@idiom
def struct_(): return [struct.unpack('<IHf', struct.pack('<IHf', i, i & 65535, 1.5)) for i in ints]


@idiom
def struct_iter(): return sum(a for a, b in struct.iter_unpack('<II', bytes(80000)))


@idiom
def array_(): 
    a = array.array('d', floats)
    for i in range(len(a)): a[i] *= 2
    return sum(a)


@idiom
def memview(): 
    m = memoryview(bytearray(range(256)) * 40)
    return sum(m[i] for i in range(len(m)))


@idiom
def pickle_(): return pickle.loads(pickle.dumps([(w, i) for w, i in zip(words, ints)]))


@idiom
def deepcopy(): return copy.deepcopy([{'a': [i, (i, str(i))]} for i in range(1000)])


@idiom
def hash_(): return [hashlib.md5(w.encode()).hexdigest() for w in words[:3000]]


@idiom
def b64(): return base64.b64decode(base64.b64encode(text.encode()))


@idiom
def zlib_(): return len(zlib.decompress(zlib.compress(text.encode())))


@idiom
def dates(): 
    d = datetime.datetime(2020, 1, 1)
    return [(d + datetime.timedelta(hours=i)).isoformat() for i in range(3000)]


@idiom
def strptime(): return [datetime.datetime.strptime('2020-01-%02d' % (i % 28 + 1), '%Y-%m-%d') for i in range(500)]


@idiom
def decimals():
    x = decimal.Decimal(1)
    for i in range(1, 2000): x += decimal.Decimal(1) / i
    return x


@idiom
def fracs():
    x = fractions.Fraction(0)
    for i in range(1, 200): x += fractions.Fraction(1, i)
    return x


@idiom
def bigint_fact(): return math.factorial(2000) % 1000003


@idiom
def bigint_mul():
    x = 1
    for i in range(1, 1500): x *= i
    return x


@idiom
def bigint_str(): return len(str(3 ** 8000))


@idiom
def bigint_parse(): return int('7' * 4000)


@idiom
def bigint_fib():
    a, b = 0, 1
    for i in range(8000): a, b = b, a + b
    return a


@idiom
def pow_mod(): return [pow(i, 65537, 10**40 + 7) for i in range(2, 300)]


@idiom
def gcds(): return [math.gcd(a, b) for a, b in zip(ints, ints[1:])]


@idiom
def stats(): return statistics.mean(floats), statistics.stdev(floats[:3000])


@idiom
def rand(): return [random.random() + random.randint(1, 6) for _ in range(10000)]


@idiom
def shuffle(): a = ints[:]; random.shuffle(a); return random.sample(a, 100)


@idiom
def product_(): return sum(1 for a in itertools.product(range(20), repeat=3))


@idiom
def perms(): return sum(p[0] for p in itertools.permutations(range(7)))


@idiom
def combos(): return len(list(itertools.combinations(range(30), 4)))


@idiom
def groupby_(): return [(k, len(list(g))) for k, g in itertools.groupby(sorted(words), key=lambda w: w[0])]


@idiom
def accumulate_(): return list(itertools.accumulate(ints))[-1]


@idiom
def chain_(): return sum(itertools.chain.from_iterable([range(100)] * 200))


@idiom
def islice_(): return list(itertools.islice(itertools.count(), 0, 20000, 3))


@idiom
def reduce_(): return functools.reduce(lambda a, b: a ^ b, ints)


@idiom
def map_filter(): return list(filter(None, map(lambda x: x % 3, ints)))


@idiom
def zip_sum(): return sum(a * b for a, b in zip(floats, floats))


@idiom
def sum_min_max(): return sum(floats), min(floats), max(ints), sum(ints)


@idiom
def any_all(): return any(x < 0 for x in ints), all(x >= 0 for x in ints)


@idiom
def listcomp(): return [x * 2 for x in ints if x & 1]


@idiom
def gen_chain():
    def a():
        for x in ints: yield x
    def b():
        for x in a(): yield x + 1
    return sum(b())


@idiom
def yield_from_tree():
    def walk(n):
        if n: yield from walk(n - 1); yield n; yield from walk(n - 1)
    return sum(walk(10))


@idiom
def recursion():
    def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
    return fib(18)


@idiom
def exceptions():
    n = 0
    for i in range(5000):
        try:
            if i % 2: raise ValueError(i)
        except ValueError as e: n += e.args[0]
    return n


@idiom
def exc_deep():
    def f(n):
        if n == 0: raise KeyError
        f(n - 1)
    for i in range(300):
        try: f(20)
        except KeyError: pass


@idiom
def dataclass_():
    @dataclasses.dataclass
    class P: x: int; y: int = 0
    return [P(i, 2) == P(i) for i in range(2000)], [repr(P(i)) for i in range(500)]


@idiom
def dataclass_make():
    for i in range(10):
        @dataclasses.dataclass(order=True, frozen=True)
        class P: x: int; y: int = 0


@idiom
def namedtuple_():
    P = collections.namedtuple('P', 'x y')
    return sum(p.x + p.y for p in [P(i, i) for i in range(5000)]), P(1, 2)._replace(x=5)


@idiom
def enum_():
    class C(enum.Enum): A = 1; B = 2; D = 3
    return [C(i % 3 + 1).name for i in range(3000)]


@idiom
def flags_():
    class F(enum.Flag): A = 1; B = 2; C = 4
    return [F.A | F.B & F.C for i in range(500)]


@idiom
def props():
    class P:
        def __init__(s): s._x = 0
        @property
        def x(s): return s._x
        @x.setter
        def x(s, v): s._x = v
    p = P()
    for i in range(10000): p.x = p.x + 1


@idiom
def vectors():
    class V:
        __slots__ = 'x', 'y'
        def __init__(s, x, y): s.x = x; s.y = y
        def __add__(s, o): return V(s.x + o.x, s.y + o.y)
        def __mul__(s, k): return V(s.x * k, s.y * k)
        def __eq__(s, o): return s.x == o.x
    v = V(0, 0)
    for i in range(5000): v = v + V(1, 2) * 0.5


@idiom
def getattr_dyn():
    class O: pass
    o = O()
    for w in words[:300]: setattr(o, w, 1)
    return sum(getattr(o, w) for w in words[:300]), len(vars(o))


@idiom
def kwargs_():
    def f(a, b=2, *args, c=3, **kw): return a + b + c + len(args) + len(kw)
    return sum(f(i, c=1, z=2) + f(*[1, 2, 3], **{'q': 1}) for i in range(3000))


@idiom
def partial_(): 
    f = functools.partial(lambda a, b: a + b, 1)
    return sum(f(i) for i in range(10000))


@idiom
def ctxman():
    @contextlib.contextmanager
    def c(): yield 1
    for i in range(2000):
        with c(): pass


@idiom
def classes_make():
    for i in range(200):
        class A:
            def f(self): return 1
        A().f()


@idiom
def isinst(): return sum(isinstance(x, (int, str)) for x in ints + words)


@idiom
def abc_isinst(): return sum(isinstance(x, collections.abc.Sequence) for x in words[:5000])


@idiom
def match_():
    n = 0
    for i in range(5000):
        match [i % 3, {'a': i}]:
            case [0, _]: n += 1
            case [1, {'a': v}]: n += v
            case _: n += 2
    return n


@idiom
def sieve():
    s = bytearray([1]) * 100000
    for i in range(2, 317):
        if s[i]: s[i*i::i] = bytes(len(range(i*i, 100000, i)))
    return sum(s)


@idiom
def matmul():
    a = [[float(i + j) for j in range(40)] for i in range(40)]
    return [[sum(x * y for x, y in zip(r, c)) for c in zip(*a)] for r in a]


@idiom
def levenshtein():
    a, b = text[:300], text[150:450]
    prev = list(range(len(b) + 1))
    for i, x in enumerate(a):
        cur = [i + 1]
        for j, y in enumerate(b): cur.append(min(prev[j + 1] + 1, cur[j] + 1, prev[j] + (x != y)))
        prev = cur
    return prev[-1]


@idiom
def bfs():
    g = {i: [(i * 7 + k) % 3000 for k in range(4)] for i in range(3000)}
    seen, q = {0}, collections.deque([0])
    while q:
        for y in g[q.popleft()]:
            if y not in seen: seen.add(y); q.append(y)
    return len(seen)


@idiom
def eval_(): return [eval('1+%d' % i) for i in range(300)]


@idiom
def textwrap_(): return textwrap.fill(text[:20000], 70)


@idiom
def template(): return [string.Template('$a and $b').substitute(a=i, b=2) for i in range(500)]


@idiom
def logging_():
    l = logging.getLogger('x'); l.addHandler(logging.NullHandler()); l.setLevel(logging.INFO); l.propagate = False
    for i in range(1000): l.info('a %s', i); l.debug('b')


@idiom
def complex_(): 
    z = 0j
    for i in range(10000): z = z * z * 0.1 + (0.3 + 0.5j)
    return z


@idiom
def bits(): return sum(bin(x).count('1') + x.bit_length() for x in ints)


@idiom
def divmods(): return [divmod(x, 7) for x in ints]


@idiom
def rounds(): return [round(x, 3) for x in floats]


@idiom
def maths(): return sum(math.sin(x) * math.sqrt(x) + math.floor(x) for x in floats)


@idiom
def tuples(): return [(a, b)[::-1] + (1,) for a, b in zip(ints, words)]


@idiom
def unpack():
    s = 0
    for a, (b, *c) in zip(ints, zip(ints, ints, ints)): s += a + b + len(c)
    return s


@idiom
def globals_():
    global G
    G = 0
    for i in range(20000): G += i


@idiom
def nonlocal_():
    n = 0
    def f():
        nonlocal n
        n += 1
    for i in range(20000): f()


@idiom
def linkedlist():
    h = None
    for i in range(20000): h = (i, h)
    n = 0
    while h: n += h[0]; h = h[1]
    return n


@idiom
def object_graph():
    class N:
        def __init__(s, v): s.v = v; s.kids = []
    r = N(0); level = [r]
    for d in range(10):
        nxt = []
        for n in level:
            for i in range(2): k = N(i); n.kids.append(k); nxt.append(k)
        level = nxt
    def tot(n): return n.v + sum(tot(k) for k in n.kids)
    return tot(r)


def measure(names):
    """Prints a line for each function."""
    for name, function in IDIOMS.items():
        if names and name not in names:
            continue
        random.seed(2)
        start = time.process_time()
        result = function()
        first = best = time.process_time() - start
        checksum = zlib.crc32(repr(result).encode())
        end = time.process_time() + 0.15
        while time.process_time() < end:
            start = time.process_time()
            function()
            best = min(best, time.process_time() - start)
        print(name, first * 1e3, best * 1e3, checksum)


def compare(interpreters):
    """Prints a table of ratios to the first."""
    tables = []
    for interpreter in interpreters:
        output = subprocess.run([interpreter, __file__], stdout=subprocess.PIPE, text=True, check=True).stdout
        tables.append({name: numbers for name, *numbers in map(str.split, output.splitlines())})
    reference, others = tables[0], tables[1:]
    slowest_first = sorted(reference, key=lambda name: -float(others[-1][name][1]) / float(reference[name][1]))
    print("milliseconds of the first interpreter: first, best; of the others: times as long")
    for name in slowest_first:
        first, best, checksum = reference[name]
        ratios = ["%6.2f %6.2f" % (float(other[name][0]) / float(first), float(other[name][1]) / float(best)) for other in others]
        wrong = [" RESULT DIFFERS" for other in others if other[name][2] != checksum]
        print("%-18s %9.3f %9.3f " % (name, float(first), float(best)), "  ".join(ratios + wrong))
    for i, other in enumerate(others):
        logs = [math.log(float(other[name][1]) / float(reference[name][1])) for name in reference]
        print("geometric mean of %s: %.2f" % (interpreters[i + 1], math.exp(sum(logs) / len(logs))))


if __name__ == "__main__":
    if any(os.path.sep in argument or argument not in IDIOMS for argument in sys.argv[1:]):
        compare(sys.argv[1:])
    else:
        measure(sys.argv[1:])

"""Chains of calls 25 functions long, with defaults, keywords and stars, of which each takes another way now and then."""

SOURCES = []
for number in range(25):
    SOURCES.append(f"""
def f{number}(x, y=1, *rest, key={number}, **more):
    if x % {number + 3} == 0:
        return f{number + 1}(x + 1, y, key=x & 7)
    if rest:
        return f{number + 1}(x - 1, *rest)
    if more:
        return f{number + 1}(x + key, y, x, **more)
    return f{number + 1}(x + key, y + 1, x, y) if x & {1 << number % 5} else f{number + 1}(y=x, x=y, extra=key)
""")
SOURCES.append("def f25(x, y=0, *rest, key=0, **more):\n    return x + y + key + len(rest) + len(more)\n")
exec("".join(SOURCES))


def main(rounds):
    total = 0
    for number in range(rounds):
        total = (total + f0(number, total & 15)) & 0xFFFFFF
    return total


print(main(150_000))

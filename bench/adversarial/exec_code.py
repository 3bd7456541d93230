"""Each round compiles a function from text and calls it some hundred times."""

TEMPLATE = """
def step(x, data):
    total = {a}
    for item in data:
        if item % {b} == x % {c}:
            total += item * {a}
        else:
            total ^= item
    return total
"""


def main(rounds):
    data = list(range(40))
    result = 0
    for number in range(rounds):
        scope = {}
        exec(TEMPLATE.format(a=number % 17, b=number % 5 + 2, c=number % 3 + 1), scope)
        step = scope["step"]
        for x in range(60):
            result = (result + step(x, data)) & 0xFFFFFFFF
    return result


print(main(4800))

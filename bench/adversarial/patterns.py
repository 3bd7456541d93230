"""match statements over nested data of random structure."""


def build(state, depth):
    state = (state * 1103515245 + 12345) & 0x7FFFFFFF
    kind = (state >> 8) % 9
    if depth == 0 or kind < 2:
        return (state >> 12) % 100 if kind else str(state % 10)
    inner = [build(state + number, depth - 1) for number in range((state >> 16) % 3 + 1)]
    if kind < 4:
        return ("op", kind, inner)
    if kind < 6:
        return {"kind": "node", "items": inner, "id": kind}
    if kind == 6:
        return {"left": inner[0], "right": inner[-1]}
    return inner


def evaluate(tree):
    match tree:
        case int(x) if x > 50:
            return x - 50
        case int(x):
            return x
        case str(text):
            return len(text)
        case ("op", 2, [only]):
            return evaluate(only) + 1
        case ("op", kind, [first, *rest]):
            return evaluate(first) + sum(map(evaluate, rest)) * kind
        case {"kind": "node", "items": [a, b], **others}:
            return evaluate(a) ^ evaluate(b) + len(others)
        case {"kind": "node", "items": items}:
            return sum(evaluate(item) for item in items)
        case {"left": left, "right": right}:
            return max(evaluate(left), evaluate(right))
        case [a]:
            return evaluate(a)
        case [a, b, *_]:
            return evaluate(a) - evaluate(b)
    return 0


def main(rounds):
    trees = [build(number, 5) for number in range(150)]
    return sum(evaluate(tree) for _ in range(rounds) for tree in trees)


print(main(560))

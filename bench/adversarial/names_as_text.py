"""Attributes and methods are looked up by names that are made as the program runs, as visitors do."""


class Node:
    def __init__(self, kind, children):
        self.kind = kind
        self.children = children


class Visitor:
    def __getattr__(self, name):
        if name.startswith("visit_"):
            return self.generic
        raise AttributeError(name)

    def visit(self, node):
        return getattr(self, "visit_" + node.kind)(node)

    def generic(self, node):
        return len(node.kind) + sum([self.visit(child) for child in node.children])


def add(number):
    def visit(self, node):
        return number + sum([self.visit(child) for child in node.children])

    setattr(Visitor, f"visit_k{number}", visit)


def tree(state, depth):
    state = (state * 1103515245 + 12345) & 0x7FFFFFFF
    kind = f"k{(state >> 8) % 90}"
    return Node(kind, [tree(state + child, depth - 1) for child in range((state >> 16) % 3 + 1)] if depth else [])


def main(rounds):
    for number in range(60):
        add(number)
    root = tree(17, 9)
    visitor = Visitor()
    return sum(visitor.visit(root) for _ in range(rounds))


print(main(2400))

"""Binary trees of depth 16, many short-lived ones beside one that lives (allocation, promotion, recursion)."""
from benchutil import bench, pick


class Tree:
    __slots__ = ("left", "right")

    def __init__(self, left, right):
        self.left = left
        self.right = right


def make(depth):
    if depth == 0:
        return Tree(None, None)
    return Tree(make(depth - 1), make(depth - 1))


def check(tree):
    if tree.left is None:
        return 1
    return 1 + check(tree.left) + check(tree.right)


def trees(depth):
    stretch = check(make(depth + 1))
    long_lived = make(depth)
    total = 0
    for short in range(4, depth + 1, 4):
        for _ in range(1 << (depth - short + 4)):
            total += check(make(short))
    return stretch, total, check(long_lived)


if __name__ == "__main__":
    bench("binary_trees", trees, pick(16, 8))

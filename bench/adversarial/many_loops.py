"""A thousand functions, each called until it would be worth compiling, then never again."""


def source(number):
    return f"""
def work{number}(n):
    total = {number}
    for i in range(n):
        if i % {number % 7 + 2} == 0:
            total += i * {number}
        else:
            total ^= i
    return helper{number}(total) + total
def helper{number}(x):
    return x & {number + 1}
"""


def main(functions):
    scope = {}
    for number in range(functions):
        exec(source(number), scope)
    total = 0
    for number in range(functions):
        work = scope[f"work{number}"]
        for _ in range(3):
            total += work(700)
    return total


print(main(6000))

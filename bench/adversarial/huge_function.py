"""A function of 4,000 statements, called in a loop."""

LINES = ["def huge(a, b, c, values):"]
for number in range(1000):
    LINES.append(f"    a = (a * {number % 13 + 3} + b) & 0xFFFF")
    LINES.append(f"    if a & {1 << number % 9}: b ^= values[{number % 31}]")
    LINES.append(f"    c += a - b if a > b else {number}")
    LINES.append(f"    values[a % 31] = c & {0xFF + number}")
LINES.append("    return a ^ b ^ c")


def main(rounds):
    scope = {}
    exec("\n".join(LINES), scope)
    huge = scope["huge"]
    values = list(range(31))
    total = 0
    for number in range(rounds):
        total = (total + huge(number, 5, total, values)) & 0xFFFFFFFF
    return total


print(main(8000))

"""Integers grow past machine words and come back, some in each round."""


def main(rounds):
    state = 1
    a = 1
    total = 0
    for _ in range(rounds):
        state = (state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        a = a * 3 + (state >> 40)
        if a > 1 << 62:
            a >>= state & 31
        if a > 1 << 80:
            a %= 1000003
        total ^= a + (state >> 60)
        total = total - (1 << 61) if state & 1 else total + (1 << 61)
        if total.bit_length() > 90:
            total >>= 40
    return total


print(main(1_800_000))

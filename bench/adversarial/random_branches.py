"""Each round takes twelve branches at random: 4,096 ways through the body."""


def main(rounds):
    state = 42
    a = b = c = 0
    for _ in range(rounds):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        bits = state >> 12
        if bits & 1:
            a += 1
        else:
            a ^= 3
        if bits & 2:
            b += a
        if bits & 4:
            c -= b & 7
        else:
            c += 2
        if bits & 8:
            a, b = b, a
        if bits & 16:
            a &= 0xFFFF
        else:
            b &= 0xFFFF
        if bits & 32:
            c = c * 3 & 0xFFFF
        if bits & 64:
            a += c
        else:
            a -= c
        if bits & 128:
            b |= 5
        if bits & 256:
            c ^= a
        else:
            c ^= b
        if bits & 512:
            a = -a
        if bits & 1024:
            b = b * 2 & 0xFFFFF
        if bits & 2048:
            a, c = c & 0xFFFF, a & 0xFFFF
    return a, b, c


print(main(2_600_000))

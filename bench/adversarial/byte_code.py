"""An interpreter for a small language, whose one loop runs a program of 3,000 instructions once over."""


def program(length):
    state = 3
    code = []
    for _ in range(length):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        code.append(((state >> 8) % 16, (state >> 13) % 8, (state >> 17) % 8))
    return code


def run(code, registers):
    pc = 0
    end = len(code)
    stack = []
    while pc < end:
        op, a, b = code[pc]
        pc += 1
        if op == 0:
            registers[a] = registers[b]
        elif op == 1:
            registers[a] += registers[b]
        elif op == 2:
            registers[a] -= registers[b]
        elif op == 3:
            registers[a] = registers[a] * registers[b] & 0xFFFF
        elif op == 4:
            stack.append(registers[a])
        elif op == 5:
            if stack:
                registers[a] = stack.pop()
        elif op == 6:
            if registers[a] > registers[b]:
                pc += 1
        elif op == 7:
            if registers[a] == registers[b]:
                pc += b
        elif op == 8:
            registers[a] ^= b
        elif op == 9:
            registers[a] >>= 1
        elif op == 10:
            registers[a] |= registers[b] & 31
        elif op == 11:
            registers[a] = b
        elif op == 12:
            registers[a] = -registers[a] & 0xFFFF
        elif op == 13:
            registers[a], registers[b] = registers[b], registers[a]
        elif op == 14:
            registers[a] = min(registers[a], registers[b])
        else:
            registers[a] += 1
    return sum(registers) + len(stack)


def main(rounds):
    code = program(3000)
    total = 0
    for number in range(rounds):
        total += run(code, [number, 1, 2, 3, 4, 5, 6, 7])
    return total


print(main(1800))

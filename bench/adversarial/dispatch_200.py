"""One call reaches methods of 200 classes, in no order."""


def make(number):
    class Shape:
        def __init__(self, size):
            self.size = size

        if number % 4 == 0:
            def area(self):
                return self.size * number
        elif number % 4 == 1:
            def area(self):
                return self.size + number
        elif number % 4 == 2:
            def area(self):
                return self.size - number if self.size > 3 else number
        else:
            def area(self):
                return sum([self.size, number])

    Shape.__name__ = f"Shape{number}"
    return Shape


def main(rounds):
    shapes = [make(number)(number % 7) for number in range(200)]
    state = 1
    total = 0
    for _ in range(rounds):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        total += shapes[(state >> 8) % 200].area()
    return total


print(main(5_000_000))

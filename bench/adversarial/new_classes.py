"""Each round makes a class, some instances, and calls its methods."""


class Base:
    def total(self):
        return self.a + self.b


def make(number):
    class Local(Base):
        kind = number

        def __init__(self, a):
            self.a = a
            self.b = number

        def double(self):
            return self.total() * 2 + self.kind

    return Local


def main(rounds):
    total = 0
    for number in range(rounds):
        cls = make(number)
        for a in range(30):
            total += cls(a).double()
    return total


print(main(50_000))

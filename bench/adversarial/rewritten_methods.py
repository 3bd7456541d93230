"""A class's methods and attributes are replaced in each round."""


class Worker:
    step = 1

    def work(self, x):
        return x + self.step


def first(self, x):
    return x + self.step


def second(self, x):
    return x * 2 - self.step


class Child(Worker):
    pass


def main(rounds):
    workers = [Worker(), Child(), Worker(), Child()]
    total = 0
    for number in range(rounds):
        Worker.work = first if number % 3 else second
        Worker.step = number & 7
        for worker in workers:
            total = worker.work(total) & 0xFFFFF
    return total


print(main(640_000))

"""simpy: customers who wait, give up or break down a machine, simulated."""
import random

import simpy
from measure import measure


def run():
    draw = random.Random(42)
    environment = simpy.Environment()
    counter = simpy.Resource(environment, capacity=2)
    store = simpy.Store(environment, capacity=10)
    log = []

    def customer(name):
        arrived = environment.now
        with counter.request() as request:
            got = yield request | environment.timeout(draw.uniform(1, 3))
            if request in got:
                yield environment.timeout(draw.expovariate(1 / 2.0))
                yield store.put(name)
                log.append((name, round(environment.now - arrived, 6)))
            else:
                log.append((name, "left"))

    def source():
        for n in range(1500):
            environment.process(customer(n))
            yield environment.timeout(draw.expovariate(1.0))

    def consumer():
        while True:
            item = yield store.get()
            yield environment.timeout(0.1 + item % 3 / 10)

    environment.process(source())
    environment.process(consumer())
    environment.run(until=1600)
    return repr(log)


measure(run)

"""u-msgpack-python: nested data packed and unpacked."""
import umsgpack
from measure import measure

DATA = [
    {"id": n, "name": "name " * (n % 12), "values": [n, -n * 1000, n / 3, None, n % 2 == 0, n << 20], "raw": bytes(n % 40), "deep": {"k": [{n: "x"}]}}
    for n in range(2500)
]


def run():
    packed = umsgpack.packb(DATA)
    assert umsgpack.unpackb(packed) == DATA
    return packed.hex()


measure(run)

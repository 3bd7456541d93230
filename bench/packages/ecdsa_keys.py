"""ecdsa: keys, signatures and checks on two curves."""
import hashlib

import ecdsa
from measure import measure


def run():
    results = []
    for curve in (ecdsa.NIST256p, ecdsa.SECP256k1):
        for n in range(1, 4):
            key = ecdsa.SigningKey.from_secret_exponent(n * 0x123456789ABCDEF123456789ABCDEF, curve, hashlib.sha256)
            signature = key.sign_deterministic(b"message %d" % n)
            results.append((signature.hex(), key.verifying_key.verify(signature, b"message %d" % n)))
    return repr(results)


measure(run)

"""rsa: signing and checking with a fixed key, numbers without the operating system's chance."""
import rsa
import rsa.prime
from measure import measure

P = (1 << 521) - 1
Q = (1 << 607) - 1
KEY = rsa.PrivateKey(P * Q, 65537, pow(65537, -1, (P - 1) * (Q - 1)), P, Q)
PUBLIC = rsa.PublicKey(P * Q, 65537)


def run():
    results = []
    for n in range(6):
        message = b"message %d" % n
        signature = rsa.pkcs1.sign_hash(rsa.compute_hash(message, "SHA-256"), KEY, "SHA-256")
        results.append((signature.hex(), rsa.verify(message, signature, PUBLIC)))
    primes = [n for n in range(1_000_001, 1_003_000, 2) if rsa.prime.miller_rabin_primality_testing(n, 8)]
    return repr((results, primes[-5:], len(primes), PUBLIC.save_pkcs1().decode()))


measure(run)

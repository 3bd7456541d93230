"""pyaes: text through AES in counter and block chaining mode."""
import pyaes
from measure import measure

KEY = bytes(range(32))
TEXT = bytes(n * 7 & 255 for n in range(16_000))


def run():
    counter = pyaes.AESModeOfOperationCTR(KEY)
    chain = pyaes.AESModeOfOperationCBC(KEY, iv=bytes(16))
    blocks = b"".join(chain.encrypt(TEXT[at : at + 16]) for at in range(0, len(TEXT), 16))
    return (counter.encrypt(TEXT) + blocks).hex()


measure(run)

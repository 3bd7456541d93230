"""reedsolo: blocks coded, spoilt and repaired."""
import reedsolo
from measure import measure


def run():
    codec = reedsolo.RSCodec(20)
    text = bytes(n * 13 & 255 for n in range(6000))
    coded = codec.encode(text)
    spoilt = bytearray(coded)
    for at in range(0, len(spoilt), 31):
        spoilt[at] ^= 0x55
    repaired, _, places = codec.decode(spoilt)
    assert repaired == text
    return [bytes(coded).hex(), sorted(places)]


measure(run)

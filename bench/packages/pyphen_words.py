"""pyphen: words hyphenated by patterns."""
import pyphen
from measure import measure

SYLLABLES = ["com", "pu", "ta", "tion", "al", "der", "in", "ter", "pret", "ing", "hy", "phen", "ate", "re", "cord", "un", "known", "ly"]


def words():
    state = 4
    for _ in range(20_000):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        yield "".join(SYLLABLES[(state >> 8 + 4 * n) % 18] for n in range((state >> 24) % 4 + 2))


def run():
    dictionary = pyphen.Pyphen(lang="en_US", cache=True)
    return " ".join(dictionary.inserted(word) for word in words())


measure(run)

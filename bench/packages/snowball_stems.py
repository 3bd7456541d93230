"""snowballstemmer: stems of English, German and French words."""
import snowballstemmer
from measure import measure

ENDINGS = ["ation", "ing", "fulness", "ed", "s", "ungen", "heit", "isch", "lich", "ement", "eux", "issait", "ly", "ational", "izer"]
STEMS = ["comput", "interpret", "wand", "haus", "chant", "parl", "organ", "relat", "hop", "deutsch", "nation", "run"]
WORDS = [stem + ending + more for stem in STEMS for ending in ENDINGS for more in ("", "s", "e", "er")]


def run():
    return " ".join(
        " ".join(snowballstemmer.stemmer(language).stemWords(WORDS)) for language in ("english", "german", "french", "porter")
    )


measure(run)

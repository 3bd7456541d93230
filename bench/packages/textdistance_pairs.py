"""textdistance: six measures between words, in pure Python."""
import textdistance
from measure import measure

WORDS = ["computation", "commutation", "interpreter", "interrupter", "kitten on a mat", "sitting on a mat", "levenshtein", "leventshein"]
METRICS = ["Levenshtein", "DamerauLevenshtein", "JaroWinkler", "LCSStr", "RatcliffObershelp", "Jaccard"]


def run():
    results = []
    for name in METRICS:
        metric = getattr(textdistance, name)(external=False)
        results += [round(metric.normalized_similarity(a, b), 9) for a in WORDS for b in WORDS]
    return repr(results)


measure(run)

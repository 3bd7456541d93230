"""parso: a tree of Python source, kept to the letter, and its names."""
import inspect
import textwrap

import measure as source
import parso
from measure import measure

TEXT = "\n".join(
    textwrap.dedent(inspect.getsource(source)).replace("measure", f"measure{n}").replace("value", f"value_{n}")
    for n in range(8)
)


def names(node):
    if node.type == "name":
        return [node.value]
    return [name for child in getattr(node, "children", ()) for name in names(child)]


def parse():
    tree = parso.load_grammar(version="3.12").parse(TEXT, cache=False, diff_cache=False)
    assert tree.get_code() == TEXT
    return names(tree)


measure(parse)

"""Regenerates the expectations in warnings.txt: `python3.14 warning_expectations.py`, run with CPython.

Each snippet, under a line `===`, is followed by lines `--> line message`, the warnings CPython gives for it.
"""

import pathlib
import warnings

path = pathlib.Path(__file__).with_name("warnings.txt")
blocks = []
for block in ("\n" + path.read_text()).split("\n===\n")[1:]:
    source = block.split("\n-->")[0].rstrip("\n")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        compile(source + "\n", "<test>", "exec", dont_inherit=True)
    lines = "".join(f"--> {w.lineno} {w.message}\n" for w in caught)
    blocks.append(f"===\n{source}\n{lines}")
path.write_text("".join(blocks))

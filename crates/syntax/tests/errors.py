"""Regenerates the expectations in errors.txt: `python3.14 errors.py`, run with CPython.

A snippet starts with a line `=== MODE` and is followed by `--> Kind line:column-end_line:end_column message`, as CPython
gives them (`offset` and `end_offset`), or by `--> ok`. The compiler is given the snippet with a line end after it.
"""

import pathlib
import warnings

warnings.simplefilter("ignore")
path = pathlib.Path(__file__).with_name("errors.txt")
blocks = []
for block in ("\n" + path.read_text()).split("\n=== ")[1:]:
    mode, _, rest = block.partition("\n")
    source = rest.split("\n-->")[0]
    try:
        compile(source + "\n", "<test>", mode, dont_inherit=True)
        outcome = "ok"
    except SyntaxError as e:
        kind = type(e).__name__
        message = e.msg.encode("unicode_escape").decode()
        outcome = f"{kind} {e.lineno}:{e.offset}-{e.end_lineno}:{e.end_offset} {message}"
    blocks.append(f"=== {mode}\n{source}\n--> {outcome}\n")
path.write_text("".join(blocks))

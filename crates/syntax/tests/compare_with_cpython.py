"""Compares our code objects with CPython's, file by file. Run by hand with CPython 3.14:

    cargo build -p syntax --example dump
    python3.14 crates/syntax/tests/compare_with_cpython.py target/debug/examples/dump FILE-OR-DIRECTORY...
"""

import pathlib
import struct
import subprocess
import sys
import types
import warnings

FIELDS = "qualname first_line flags counts code line_table exception_table names varnames cellvars freevars consts".split()


def constant(value):
    bits = lambda x: struct.pack(">d", x).hex()
    match value:
        case None | True | False | types.EllipsisType():
            return repr(value)
        case int():
            return f"i{value}"
        case float():
            return "f" + bits(value)
        case complex():
            return "c" + bits(value.real) + bits(value.imag)
        case str():
            return "s" + value.encode("utf-8", "surrogatepass").hex()
        case bytes():
            return "b" + value.hex()
        case tuple():
            return f"({' '.join(map(constant, value))})"
        case frozenset():
            return f"{{{' '.join(sorted(map(constant, value)))}}}"
        case slice():
            return f"[{' '.join(map(constant, (value.start, value.stop, value.step)))}]"
        case types.CodeType():
            return f"<{value.co_qualname}>"


def describe(code):
    counts = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_stacksize
    yield "\t".join(
        [
            code.co_qualname,
            str(code.co_firstlineno),
            f"{code.co_flags:x}",
            ",".join(map(str, counts)),
            code.co_code.hex(),
            code.co_linetable.hex(),
            code.co_exceptiontable.hex(),
            ",".join(code.co_names),
            ",".join(code.co_varnames),
            ",".join(code.co_cellvars),
            ",".join(code.co_freevars),
            ",".join(map(constant, code.co_consts)),
        ]
    )
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from describe(inner)


def expected(path):
    try:
        return list(describe(compile(path.read_bytes(), str(path), "exec", dont_inherit=True)))
    except (SyntaxError, ValueError) as e:
        return [f"error\t{getattr(e, 'lineno', 0)}\t{getattr(e, 'msg', e)}"]


def main(dump, *roots):
    warnings.simplefilter("ignore")
    files = []
    for root in map(pathlib.Path, roots):
        files += sorted(f for f in root.rglob("*.py") if f.is_file()) if root.is_dir() else [root]
    total = different = 0
    for start in range(0, len(files), 50):
        batch = files[start : start + 50]
        output = subprocess.run([dump, *map(str, batch)], capture_output=True, text=True, errors="replace", check=True)
        blocks = ("\n" + output.stdout.rstrip("\n")).split("\n!")[1:]
        for path, block in zip(batch, blocks, strict=True):
            theirs, mine = expected(path), block.split("\n")[1:]
            total += len(theirs)
            if len(theirs) != len(mine):
                different += 1
                print(f"{path}: {len(mine)} code objects, CPython {len(theirs)}: {mine[:1]} {theirs[:1]}"[:300])
                continue
            for a, b in zip(mine, theirs):
                if a != b:
                    different += 1
                    fields = [f for f, x, y in zip(FIELDS, a.split("\t"), b.split("\t")) if x != y]
                    print(f"{path}: {b.split(chr(9))[0]}: {', '.join(fields)}")
    print(f"{total} code objects in {len(files)} files, {different} different")


main(*sys.argv[1:])

"""Compares our syntax trees with CPython's, file by file. Run by hand with CPython 3.14:

    cargo build -p syntax --example dump_ast
    python3.14 crates/syntax/tests/compare_trees_with_cpython.py target/debug/examples/dump_ast FILE-OR-DIRECTORY...

With `--bless` it writes trees.txt anew from trees.py.
"""

import ast
import pathlib
import struct
import subprocess
import sys
import types
import warnings

bits = lambda x: struct.pack(">d", x).hex()


def constant(value):
    match value:
        case None | True | False:
            return repr(value)
        case types.EllipsisType():
            return "Ellipsis"
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


def dump(node):
    if isinstance(node, list):
        return f"[{', '.join(map(dump, node))}]"
    if isinstance(node, str):
        return f"'{node}'"
    if not isinstance(node, ast.AST):
        return str(node)
    constants = {ast.Constant: "value", ast.MatchSingleton: "value", ast.Interpolation: "str"}
    parts = []
    for name in node._fields:
        value = getattr(node, name)
        is_constant = constants.get(type(node)) == name
        parts.append(f"{name}={constant(value) if is_constant else dump(value)}")
    if "lineno" in node._attributes:
        parts.append(f"@{node.lineno}:{node.col_offset}-{node.end_lineno}:{node.end_col_offset}")
    return f"{type(node).__name__}({', '.join(parts)})"


def expected(path):
    try:
        return dump(ast.parse(path.read_bytes(), str(path)))
    except (SyntaxError, ValueError) as e:
        return f"error {getattr(e, 'lineno', 0)} {getattr(e, 'msg', e)}"


def main(program, *roots):
    warnings.simplefilter("ignore")
    sys.setrecursionlimit(10_000)
    files = []
    for root in map(pathlib.Path, roots):
        files += sorted(f for f in root.rglob("*.py") if f.is_file()) if root.is_dir() else [root]
    different = 0
    for start in range(0, len(files), 50):
        batch = files[start : start + 50]
        output = subprocess.run([program, *map(str, batch)], capture_output=True, text=True, errors="replace", check=True)
        blocks = ("\n" + output.stdout.rstrip("\n")).split("\n!")[1:]
        for path, block in zip(batch, blocks, strict=True):
            ours, theirs = block.partition("\n")[2], expected(path)
            if ours != theirs:
                different += 1
                at = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), min(len(ours), len(theirs)))
                print(f"{path}\n  ours    {ours[max(0, at - 100):at + 60]!r}\n  CPython {theirs[max(0, at - 100):at + 60]!r}")
    print(f"{len(files)} files, {different} different")


if sys.argv[1] == "--bless":
    here = pathlib.Path(__file__).parent
    (here / "trees.txt").write_text(expected(here / "trees.py") + "\n")
else:
    main(*sys.argv[1:])

"""pyparsing: a configuration language with arithmetic."""
import pyparsing as pp
from measure import measure

number = pp.pyparsing_common.number()
name = pp.Word(pp.alphas, pp.alphanums + "_")
expression = pp.infix_notation(
    number | name,
    [
        (pp.one_of("* /"), 2, pp.OpAssoc.LEFT),
        (pp.one_of("+ -"), 2, pp.OpAssoc.LEFT),
        (pp.one_of("< > =="), 2, pp.OpAssoc.LEFT),
    ],
)
setting = pp.Group(name("key") + pp.Suppress("=") + (expression | pp.quoted_string)("value") + pp.Suppress(";"))
block = pp.Forward()
block <<= pp.Group(name + pp.Suppress("{") + pp.ZeroOrMore(setting | block) + pp.Suppress("}"))
TEXT = "\n".join(f"part{n} {{ a = {n} + 3 * b{n}; c = 'text {n}'; inner {{ d = ({n} - 1) / 2 > x; }} }}" for n in range(25))


def parse():
    return repr(pp.OneOrMore(block).parse_string(TEXT, parse_all=True).as_list())


measure(parse)

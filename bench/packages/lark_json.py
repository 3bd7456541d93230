"""lark: JSON by a grammar, LALR, with a transformer."""
import json

from lark import Lark, Transformer, v_args
from measure import measure

GRAMMAR = r"""
?start: value
?value: object | array | string | SIGNED_NUMBER -> number | "true" -> true | "false" -> false | "null" -> null
array  : "[" [value ("," value)*] "]"
object : "{" [pair ("," pair)*] "}"
pair   : string ":" value
string : ESCAPED_STRING
%import common.ESCAPED_STRING
%import common.SIGNED_NUMBER
%import common.WS
%ignore WS
"""


class Build(Transformer):
    @v_args(inline=True)
    def string(self, text):
        return text[1:-1]

    array = list
    pair = tuple
    object = dict
    number = v_args(inline=True)(float)
    null = lambda self, _: None
    true = lambda self, _: True
    false = lambda self, _: False


PARSER = Lark(GRAMMAR, parser="lalr", transformer=Build())
TEXT = json.dumps([{"id": n, "name": "x" * (n % 9), "values": [n / 2, None, n % 2 == 0, {"deep": [n]}]} for n in range(200)])

measure(lambda: repr(PARSER.parse(TEXT)))

"""ply: tables of an LALR grammar made anew, then a list of sums."""
import sys

from measure import measure
from ply import lex, yacc

tokens = ("NAME", "NUMBER")
literals = "=+-*/()^"
t_NAME = r"[a-z_]\w*"
t_ignore = " \t"
precedence = (("left", "+", "-"), ("left", "*", "/"), ("right", "^"), ("right", "UMINUS"))
names = {}


def t_NUMBER(t):
    r"\d+"
    t.value = int(t.value)
    return t


def t_error(t):
    t.lexer.skip(1)


def p_statement_assign(p):
    'statement : NAME "=" expression'
    names[p[1]] = p[3]
    p[0] = p[3]


def p_statement_expression(p):
    "statement : expression"
    p[0] = p[1]


def p_binary(p):
    """expression : expression '+' expression
    | expression '-' expression
    | expression '*' expression
    | expression '/' expression
    | expression '^' expression"""
    a, b = p[1], p[3]
    p[0] = {"+": a + b, "-": a - b, "*": a * b % 1000003, "/": a // b if b else 0, "^": a ^ b}[p[2]]


def p_minus(p):
    'expression : "-" expression %prec UMINUS'
    p[0] = -p[2]


def p_group(p):
    "expression : '(' expression ')'"
    p[0] = p[2]


def p_value(p):
    """expression : NUMBER
    | NAME"""
    p[0] = p[1] if isinstance(p[1], int) else names.get(p[1], 0)


def p_error(p):
    raise SyntaxError(p)


LINES = [f"v{n % 20} = (v{(n + 7) % 20} + {n}) * 3 - -{n % 5} ^ ({n} / 4 - v{n % 11})" for n in range(400)]


def run():
    names.clear()
    module = sys.modules["__main__"]
    lexer = lex.lex(module=module)
    parser = yacc.yacc(module=module, debug=False, write_tables=False)
    return [parser.parse(line, lexer=lexer) for line in LINES]


measure(run)

"""pycparser: C parsed and written again."""
from measure import measure
from pycparser import c_generator, c_parser

PART = """
typedef struct node%(n)d { int value; struct node%(n)d *next; double w[%(n)d + 1]; } node%(n)d;
static int walk%(n)d(const node%(n)d *first, int (*f)(int, char *), unsigned long limit) {
    int total = 0, i;
    for (i = 0; first != 0 && i < limit; first = first->next, ++i) {
        if (first->value %% 2 == 0) { total += f(first->value, "x%(n)d"); }
        else switch (i) { case 1: total -= 3; break; default: total ^= (i << 2) | 0x1F; }
        do { total--; } while (total > 100 ? i : 0);
    }
    return total * sizeof(node%(n)d) + 'c';
}
"""
TEXT = "".join(PART % {"n": n} for n in range(25))


def run():
    tree = c_parser.CParser().parse(TEXT, filename="x.c")
    return c_generator.CGenerator().visit(tree)


measure(run)

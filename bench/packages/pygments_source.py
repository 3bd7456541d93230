"""pygments: Python, C and JSON coloured for HTML."""
import inspect
import json

import measure as source
from measure import measure
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import CLexer, JsonLexer, PythonLexer

PYTHON = inspect.getsource(source) * 6
C = "int f(const char *s) { /* c */ return s[0] == 'x' ? 0x1F : strlen(s) * 2.5e3; } // end\n" * 60
JSON = json.dumps([{"a": n, "b": [None, True, "x\\n" * n]} for n in range(60)])


def run():
    pairs = ((PYTHON, PythonLexer()), (C, CLexer()), (JSON, JsonLexer()))
    return "".join(highlight(text, lexer, HtmlFormatter(linenos="table")) for text, lexer in pairs)


measure(run)

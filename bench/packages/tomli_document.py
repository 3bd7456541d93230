"""tomli: a document of tables, arrays, dates and strings."""
import tomli
from measure import measure

PART = '''
[server.{n}]
name = "alpha {n}"
ports = [ {n}, 8001, 8_002, 0xff ]
ratio = {n}.25e-3
enabled = true
when = 1979-05-27T07:32:00Z
text = """
several
lines \\u00e9 {n}"""
inline = {{ x = 1, "y z" = [ "a", 'b' ], deep = {{ k = {n} }} }}
[[item]]
id = {n}
[item.more]
path = 'C:\\\\x\\\\{n}'
'''
TEXT = "".join(PART.format(n=n) for n in range(400))

measure(lambda: repr(tomli.loads(TEXT)))

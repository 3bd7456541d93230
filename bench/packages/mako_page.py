"""mako: a table of expressions, and functions of the template."""
from mako.template import Template
from measure import measure

TEXT = """<%def name="cell(x)"><td>${x | h}</td></%def>
<table>
% for row in rows:
  <tr>
  % for value in row:
    % if value % 3 == 0:
      ${cell("<%d>" % value)}
    % else:
      <td>${value + 0.5}</td>
    % endif
  % endfor
  </tr>
% endfor
</table>"""
ROWS = [[x * y for x in range(20)] for y in range(60)]


def render():
    template = Template(TEXT)
    return "".join(template.render(rows=ROWS) for _ in range(10))


measure(render)

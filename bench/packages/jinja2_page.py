"""jinja2: a page with loops, conditions, filters, macros and inheritance."""
from jinja2 import DictLoader, Environment
from measure import measure

TEMPLATES = {
    "base": "<html><title>{% block title %}{% endblock %}</title>{% block body %}{% endblock %}</html>",
    "page": """{% extends "base" %}{% macro cell(x) %}<td>{{ x|e }}</td>{% endmacro %}
{% block title %}{{ title|upper }}{% endblock %}
{% block body %}<table>{% for row in rows %}<tr class="{{ loop.cycle('odd', 'even') }}">
{% for key, value in row|dictsort %}{% if value is string %}{{ cell(value ~ '<') }}{% else %}{{ cell("%.2f"|format(value)) }}{% endif %}
{% endfor %}</tr>{% endfor %}</table>{{ rows|map(attribute='size')|sum }}{% endblock %}""",
}
ROWS = [{"name": f"row {n}", "size": n * 3, "ratio": n / 7, "tag": "a&b" * (n % 3)} for n in range(300)]


def render():
    environment = Environment(loader=DictLoader(TEMPLATES), autoescape=True)
    page = environment.get_template("page")
    return "".join(page.render(title=f"page {n}", rows=ROWS) for n in range(8))


measure(render)

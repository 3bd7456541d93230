"""chevron: a mustache template with sections and partials."""
import chevron
from measure import measure

TEMPLATE = "{{#items}}<li class='{{kind}}'>{{name}}{{#tags}}<b>{{.}}</b>{{/tags}}{{^tags}}none{{/tags}}{{>part}}</li>\n{{/items}}"
DATA = {"items": [{"kind": "abc"[n % 3], "name": f"<item {n}>", "tags": ["x", "y"] * (n % 3), "n": n} for n in range(1500)]}

measure(lambda: chevron.render(TEMPLATE, DATA, partials_dict={"part": "({{n}}, {{{name}}})"}))

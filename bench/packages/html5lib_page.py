"""html5lib: broken HTML parsed and written again."""
import html5lib
from measure import measure

TEXT = "<title>x</title>" + "".join(
    f"<p class=a{n}>Some <b>bold <i>and</b> more</i> &eacute; &#8{n}; <table><tr><td>{n}<td>b<ul><li>one<li>two</table><br>" for n in range(120)
)


def parse():
    document = html5lib.parse(TEXT, treebuilder="etree")
    return html5lib.serialize(document, tree="etree", omit_optional_tags=False, alphabetical_attributes=True)


measure(parse)

"""mistune: a page with lists, tables and code to HTML."""
import mistune
from markdown_text import TEXT
from measure import measure

measure(lambda: mistune.html(TEXT * 3))

"""markdown: a page with lists, tables, code and footnotes to HTML."""
import markdown
from markdown_text import TEXT
from measure import measure

measure(lambda: markdown.markdown(TEXT, extensions=["extra", "toc"]))

"""A text in Markdown, for several packages."""

PART = """
# Part {n}

Some *text* with **strong** words, `code`, a [link](http://x/{n} "t") and a footnote[^{n}].

* one
* two
    1. deep {n}
    2. deeper

| a | b |
|---|---|
| {n} | *x* |

```
for i in range({n}):
    pass
```

> quoted
> more {n}

[^{n}]: The note.
"""
TEXT = "".join(PART.format(n=n) for n in range(25))

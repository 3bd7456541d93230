"""docutils: reStructuredText to HTML."""
from docutils.core import publish_string
from measure import measure

PART = """
Part {n}
========

Some *text* with **strong** words, ``code``, a link_{n} and |x{n}|.

.. _link_{n}: http://x/{n}
.. |x{n}| replace:: words

* one
* two

  1. deep {n}
  2. deeper

===  ===
a    b
===  ===
{n}    *x*
===  ===

.. note:: Something about {n}.

::

    for i in range({n}):
        pass
"""
TEXT = "Title\n#####\n" + "".join(PART.format(n=n) for n in range(12))


def publish():
    settings = {"stylesheet_path": None, "embed_stylesheet": False, "_disable_config": True, "report_level": 5}
    return publish_string(TEXT.replace("link_", "link"), writer="html5", settings_overrides=settings).decode()


measure(publish)

"""pylatexenc: LaTeX parsed, to text, and back."""
from measure import measure
from pylatexenc.latex2text import LatexNodes2Text
from pylatexenc.latexencode import unicode_to_latex

PART = r"""\section{Part %d} Some \emph{text} with $\alpha_{%d} + \frac{a}{b} \leq \sqrt{x}$, \textbf{bold \"a \'e} words.
\begin{itemize}\item one \item two {\it three} %% a comment
\end{itemize} \begin{equation} \int_0^1 f(x)\,dx \end{equation}
"""
TEXT = "".join(PART % (n, n) for n in range(40))


def run():
    text = LatexNodes2Text().latex_to_text(TEXT)
    return text + unicode_to_latex(text[:4000])


measure(run)

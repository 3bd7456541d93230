"""segno: QR codes of several sizes, as text and as SVG."""
import io

import segno
from measure import measure


def run():
    out = []
    for n, error in enumerate("LMQH"):
        code = segno.make(f"https://example.org/{'x' * n * 20}?n={n}", error=error, micro=False)
        out.append("\n".join("".join("#" if x else " " for x in row) for row in code.matrix))
        stream = io.BytesIO()
        code.save(stream, kind="svg", scale=3)
        out.append(stream.getvalue().decode())
    return "".join(out)


measure(run)

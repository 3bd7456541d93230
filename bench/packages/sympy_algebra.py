"""sympy: derivatives, expansion, factors, integrals and equations."""
from measure import measure
from sympy import Matrix, Poly, cos, diff, exp, expand, factor, integrate, log, sin, solve, symbols
from sympy.core.cache import clear_cache

x, y, z = symbols("x y z")


def run():
    clear_cache()
    results = [
        expand((x + y + z) ** 9).coeff(x, 4),
        factor(x**8 - y**8),
        diff(sin(x * exp(x)) * log(x), x, 3),
        integrate(x**2 * exp(x) * cos(x), x),
        solve(x**3 - 6 * x**2 + 11 * x - 6, x),
        Matrix(4, 4, lambda i, j: x ** (i + j) + i).det(),
        Poly((x + 1) ** 12 * (x - 3) ** 5, x).factor_list(),
    ]
    return str(results)


measure(run)

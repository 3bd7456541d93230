"""mpmath: constants, special functions, quadrature and roots with fifty digits."""
from measure import measure
from mpmath import mp


def run():
    mp.dps = 50
    values = [mp.zeta(mp.mpf(3)), mp.gamma(mp.mpf(1) / 3), mp.quad(lambda t: mp.exp(-t * t), [0, 3])]
    values += [mp.findroot(lambda t: mp.cos(t) - t, 0.7), mp.besselj(2, 3.5), mp.hyp2f1(1, 2, 3, 0.4)]
    values += mp.polyroots([1, -6, 11, -6, 0.5])
    values.append(mp.nsum(lambda n: 1 / n**2, [1, mp.inf]))
    values.append(mp.det(mp.matrix([[mp.mpf(i * j % 7 + 1) / (i + j + 1) for j in range(8)] for i in range(8)])))
    return " ".join(mp.nstr(value, 40) for value in values)


measure(run)

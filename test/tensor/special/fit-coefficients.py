"""Computes the coefficients in src/tensor/special (mpmath, 60 digits). Not run by the tests.

    python3 test/tensor/special/fit-coefficients.py

Prints, as TypeScript arrays:
  ZETA     Taylor coefficients of lgamma about 2 (DLMF 5.7.3): 1 - gamma, then (-1)^k (zeta(k) - 1) / k.
  LANCZOS  Gamma(x) = ((x + g - 1/2) / e)^(x - 1/2) L(x), L(x) = c0 + c1/x + c2/(x+1) + ...
           (Lanczos 1964). The limit c0 = sqrt(2 pi) e^-g is exact; c1... minimise the largest relative error
           of L over (0, inf), by least squares whose weights follow the error (Lawson's iteration).
  ERF      erf(x) = x P(x^2) / Q(x^2) on [-c, c], largest relative error minimised in the same way, with
           the denominator of the previous round as a weight (Sanathanan and Koerner 1963).
  LGAMMA, DIGAMMA  polynomials about the zeros 2 and 1.4616…, Chebyshev interpolation of the quotient by the distance.
  SCALED   (1 + 2x) e^(x^2) erfc(x) for x >= 0, a polynomial in t = (x - K)/(x + K): Chebyshev interpolation.
"""
import struct

from mpmath import mp, mpf, cos, erf, euler, exp, gamma, log, lu_solve, matrix, pi, sqrt, zeta

mp.dps = 60
ROUNDS = 12


def grid(count):
    return [(1 - cos(pi * (2 * i + 1) / (2 * count))) / 2 for i in range(count)]


def lanczos(g, terms):
    xs = [mpf(3) / 2 * u / (1 - u) for u in grid(8 * terms + 20)]
    c0 = sqrt(2 * pi) * exp(-mpf(g))
    exact = [gamma(x) * exp(-(x - mpf(1) / 2) * (log(x + g - mpf(1) / 2) - 1)) for x in xs]
    rows = [[1 / ((x + k) * value) for k in range(terms)] for x, value in zip(xs, exact)]
    weight = [mpf(1)] * len(xs)
    for _ in range(ROUNDS):
        a = matrix([[sqrt(w) * v for v in row] for w, row in zip(weight, rows)])
        b = matrix([sqrt(w) * (1 - c0 / value) for w, value in zip(weight, exact)])
        c = list(lu_solve(a, b))
        error = [abs(1 - c0 / value - sum(p * q for p, q in zip(c, row))) for row, value in zip(rows, exact)]
        weight = [w * (e / max(error) + mpf("1e-3")) for w, e in zip(weight, error)]
        weight = [w / sum(weight) for w in weight]
    return [c0] + c, max(error)


def erf_ratio(p, q, end):
    xs = [end * u for u in grid(6 * (p + q) + 20)]
    zs = [(x / end) ** 2 for x in xs]
    exact = [erf(x) / x for x in xs]
    weight = [mpf(1)] * len(xs)
    bottom = [mpf(1)] * len(xs)
    best = None
    for _ in range(ROUNDS):
        scale = [sqrt(w) / f / d for w, f, d in zip(weight, exact, bottom)]
        a = matrix([[s * z**k for k in range(p + 1)] + [-s * f * z ** (k + 1) for k in range(q)]
                    for s, z, f in zip(scale, zs, exact)])
        b = matrix([s * f for s, f in zip(scale, exact)])
        solution = list(lu_solve(a, b))
        top, under = solution[: p + 1], [mpf(1)] + solution[p + 1 :]
        bottom = [sum(c * z**k for k, c in enumerate(under)) for z in zs]
        error = [abs(sum(c * z**k for k, c in enumerate(top)) / d / f - 1) for z, d, f in zip(zs, bottom, exact)]
        if best is None or max(error) < best[2]:
            best = ([c / end ** (2 * k) for k, c in enumerate(top)],
                    [c / end ** (2 * k) for k, c in enumerate(under)], max(error))
        weight = [w * (e / max(error) + mpf("1e-2")) for w, e in zip(weight, error)]
        weight = [w / sum(weight) for w in weight]
    return best


def show(name, values):
    print(f"{name}: [{', '.join(repr(float(v)) for v in values)}]")


show("ZETA", [1 - euler] + [(-1) ** k * (zeta(k) - 1) / k for k in range(2, 30)])
for g, terms in ((3, 4), (5.5, 7)):
    c, error = lanczos(g, terms)
    show(f"LANCZOS g={g} error {mp.nstr(error, 2)}", c)
for degree, end in ((5, mpf("3.9")), (10, mpf("5.9"))):
    top, under, error = erf_ratio(degree, degree, end)
    show(f"ERF numerator, |x| < {end}, error {mp.nstr(error, 2)}", top)
    show("ERF denominator", under)


def scaled_complement(x):
    """e^(x^2) erfc(x), by its asymptotic series where erfc underflows mpmath's patience."""
    x = mpf(x)
    if x > 1000:
        total, term = mpf(1), mpf(1)
        for k in range(1, 12):
            term *= -(2 * k - 1) / (2 * x * x)
            total += term
        return total / (x * sqrt(pi))
    return exp(x * x) * mp.erfc(x)


def chebyshev(f, degree):
    """The polynomial in t of this degree through f at the Chebyshev points, as coefficients of powers of t."""
    n = degree + 1
    ts = [cos(pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    values = [f(t) for t in ts]
    c = [2 * sum(v * cos(k * pi * (2 * i + 1) / (2 * n)) for i, v in enumerate(values)) / n for k in range(n)]
    c[0] /= 2
    before, now = [mpf(1)], [mpf(0), mpf(1)]
    powers = [mpf(0)] * n
    for k in range(n):
        for j, a in enumerate(before):
            powers[j] += c[k] * a
        before, now = now, [-(before[j] if j < len(before) else 0) + 2 * (now[j - 1] if j > 0 else 0) for j in range(len(now) + 1)]
    return powers


def scaled_fit(degree, centre):
    # (1 + 2x) e^(x^2) erfc(x) is smooth in t = (x - K)/(x + K) (Shepherd and Laframboise 1981).
    def f(t):
        if t > 1 - mpf(10) ** -30:
            return 2 / sqrt(pi)
        x = centre * (1 + t) / (1 - t)
        return (1 + 2 * x) * scaled_complement(x)

    c = chebyshev(f, degree)
    worst = max(abs(sum(a * t**k for k, a in enumerate(c)) / f(t) - 1) for t in [mpf(2 * i - 400) / 401 for i in range(401)])
    return c, worst


for degree, centre in ((11, mpf(3)), (22, mpf("3.75"))):
    c, error = scaled_fit(degree, centre)
    show(f"SCALED ERFC K={centre} error {mp.nstr(error, 2)}", c)


def about_zero(f, end, degree):
    """The polynomial in d of this degree that is f(d) / d on [-end, end], and its largest relative error."""
    def g(d):
        return f(d) / d if abs(d) > mpf(10) ** -20 else mp.diff(f, 0)

    c = [a / end**k for k, a in enumerate(chebyshev(lambda t: g(end * t), degree))]
    worst = max(abs(sum(a * d**k for k, a in enumerate(c)) / g(d) - 1) for d in [end * mpf(2 * i - 400) / 401 for i in range(401)])
    return c, worst


for degree in (9, 21):
    c, error = about_zero(lambda z: mp.loggamma(2 + z), mpf("0.6"), degree)
    show(f"LGAMMA about 2, degree {degree}, error {mp.nstr(error, 2)}", c)
root = mp.findroot(mp.digamma, mpf("1.46163"))
high = mpf(float(root))
single = mpf(struct.unpack("f", struct.pack("f", float(root)))[0])
print(f"DIGAMMA root: {float(root)!r} + {float(root - high)!r}; in float32 {float(single)!r} + {float(root - single)!r}")
for degree in (8, 19):
    c, error = about_zero(lambda d: mp.digamma(root + d), mpf("0.4"), degree)
    show(f"DIGAMMA about its root, degree {degree}, error {mp.nstr(error, 2)}", c)

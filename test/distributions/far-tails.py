"""Writes far-tails.json beside this file: first and second derivatives of ln P(X <= x) and ln P(X > x) far out in both tails, by mpmath. Not run by the tests.

    python3 test/distributions/far-tails.py && npx biome check --write test/distributions/far-tails.json

Textbook formulas of the distribution function with 200 digits, so that what cancels in (ln F)'' = p'/F - (p/F)^2 does no harm. {family: [{x, lower, upper}]} with the
two derivatives in `lower` and `upper`; points are float32 numbers.
"""
import json
import os
import random
import struct
from mpmath import mp, mpf, atan, betainc, erf, erfc, exp, expm1, inf, log, pi, sqrt

mp.dps = 200
random.seed(1)
single = lambda x: struct.unpack("f", struct.pack("f", float(x)))[0]
half = lambda z: (erfc(-z / sqrt(mpf(2))) / 2, erfc(z / sqrt(mpf(2))) / 2)
phi = lambda z: exp(-z * z / 2) / sqrt(2 * pi)
line = lambda most: [s * 10 ** random.uniform(-1, most) for s in (-1, 1) for _ in range(8)]
ray = lambda low, most: [10 ** random.uniform(low, most) for _ in range(16)]


def student(x):
    upper = betainc(mpf(3) / 2, mpf(1) / 2, 0, 3 / (3 + x * x), regularized=True) / 2
    return (upper, 1 - upper) if x < 0 else (1 - upper, upper)


# Points; (F, 1 - F); p; p'/p.
FAMILIES = {
    "Normal": (line(9), half, phi, lambda x: -x),
    "Logistic": (line(2.9), lambda x: (1 / (1 + exp(-x)), 1 / (1 + exp(x))), lambda x: exp(-x) / (1 + exp(-x)) ** 2, lambda x: (1 - exp(x)) / (1 + exp(x))),
    "StudentT": (line(6), student, lambda x: 2 / (pi * sqrt(mpf(3))) / (1 + x * x / 3) ** 2, lambda x: -4 * x / (3 + x * x)),
    "Cauchy": (line(8), lambda x: (0.5 + atan(x) / pi, 0.5 - atan(x) / pi), lambda x: 1 / pi / (1 + x * x), lambda x: -2 * x / (1 + x * x)),
    "Gumbel": ([-random.uniform(0, 6) for _ in range(6)] + ray(-1, 2.5), lambda x: (exp(-exp(-x)), -expm1(-exp(-x))),
               lambda x: exp(-x - exp(-x)), lambda x: exp(-x) - 1),
    "HalfNormal": (ray(-12, 8), lambda x: (erf(x / sqrt(mpf(2))), erfc(x / sqrt(mpf(2)))), lambda x: 2 * phi(x), lambda x: -x),
    "HalfCauchy": (ray(-12, 8), lambda x: (2 * atan(x) / pi, 1 - 2 * atan(x) / pi), lambda x: 2 / pi / (1 + x * x), lambda x: -2 * x / (1 + x * x)),
    "LogNormal": (ray(-30, 30), lambda x: half(log(x)), lambda x: phi(log(x)) / x, lambda x: -(log(x) + 1) / x),
}
table = {}
for name, (points, cdf, density, slope) in FAMILIES.items():
    table[name] = []
    for x in sorted(single(v) for v in points):
        x = mpf(x)
        lower, upper = cdf(x)
        p, s = density(x), slope(x)
        of = lambda sign, f: [float(sign * p / f), float(sign * p * s / f - (p / f) ** 2)]
        table[name].append({"x": float(x), "lower": of(1, lower), "upper": of(-1, upper)})
json.dump(table, open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "far-tails.json"), "w"))

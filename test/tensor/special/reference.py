"""Writes the reference table of the special functions: reference.json, beside this file. Not run by the tests.

    python3 test/tensor/special/reference.py && npx biome check --write test/tensor/special

The oracle is mpmath with 50 digits (400 for the quantiles of tiny probabilities), evaluated at the exact double
of each argument and rounded once. `{name: {"x": [...], "y": [...]}}`; points whose value leaves the range of
double are dropped.
"""
import json
import os
from mpmath import mp, mpf, erf, erfc, erfinv, gamma, log, loggamma, ncdf, npdf, polygamma, re, sqrt

mp.dps = 50


def logspace(low, high, count):
    return [10 ** (low + (high - low) * i / (count - 1)) for i in range(count)]


positive = (
    [1e-300, 1e-200, 1e-100, 1e-50, 1e-20] + logspace(-12, 6, 91)
    + [c + d for c in (1.0, 2.0) for e in (1e-2, 1e-5, 1e-8, 1e-12, 2.3e-16) for d in (e, -e)]
    + [1.0, 2.0] + [k / 2 for k in range(1, 41)]
    + [1.4616321449683622, 1.46163214, 1.4616322, 2.499999, 2.500001, 3.3, 9.99999, 10.00001, 1e8, 1e15])
negative = ([-(k + f) for k in (0, 1, 2, 3, 7, 20, 60) for f in (1e-6, 0.01, 0.25, 0.5, 0.625, 0.99, 0.9999)]
            + [-1e-300, -1e-20, -1e-9, -0.5040830082644554])
gammas = sorted(set(positive + negative))
reals = sorted(set([s * v for v in [1e-300, 1e-20] + logspace(-10, 0, 21) + [0.05 * k for k in range(1, 130)]
                    for s in (1, -1)]))
right = [7, 8, 9, 10, 12, 15, 18, 20, 22, 24, 26, 26.5]


def quantile(p):
    """Standard normal quantile: Newton's method on log cdf, which is concave, from the left tail bound."""
    p = mpf(p)
    if p == mpf(1) / 2:
        return mpf(0)
    tail = min(p, 1 - p)
    z = -sqrt(-2 * log(tail))
    for _ in range(200):
        step = (log(ncdf(z)) - log(tail)) * ncdf(z) / npdf(z)
        z -= step
        if abs(step) < mpf(10) ** -45 * max(1, abs(z)) or abs(step) < mpf(10) ** -45:
            break
    return z if p < mpf(1) / 2 else -z


def lgamma(x):
    return log(abs(gamma(x))) if x < 0 or x < 1e3 else re(loggamma(x))


small = [1e-300, 1e-200, 1e-100, 1e-50, 1e-20] + logspace(-16, -1, 46) + [0.02425]
probabilities = sorted(set(small + [k / 100 for k in range(2, 100)] + [1 - v for v in logspace(-15, -2, 27)]))
signed = sorted(set([s * v for v in [1e-300, 1e-20] + logspace(-10, -1, 20) + [k / 40 for k in range(1, 40)]
                     + [1 - v for v in logspace(-15, -3, 25)] for s in (1, -1)]))

table = {"lgamma": (gammas, lgamma), "digamma": (gammas, lambda x: polygamma(0, x))}
for n in (1, 2, 3, 4, 7, 20):
    table[f"polygamma{n}"] = (gammas if n < 7 else gammas[::3], lambda x, n=n: polygamma(n, x))
table["erf"] = (reals, erf)
table["erfc"] = (sorted(reals + right), erfc)
table["ndtri"] = (probabilities, quantile)
table["erfinv"] = (signed, lambda y: quantile((1 + y) / 2) / sqrt(2) if abs(y) > 1e-3 else erfinv(y))


def rows(xs, f):
    out = {"x": [], "y": []}
    for x in xs:
        with mp.workdps(400 if f is quantile and (x < 1e-20) else 60):
            y = float(f(mpf(x)))
        if y == y and abs(y) < 1e308 and (y == 0 or abs(y) > 1e-290):
            out["x"].append(x)
            out["y"].append(y)
    return out


path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference.json")
with open(path, "w") as file:
    entries = [f'  "{name}": {json.dumps(rows(xs, f))}' for name, (xs, f) in table.items()]
    file.write("{\n" + ",\n".join(entries) + "\n}\n")

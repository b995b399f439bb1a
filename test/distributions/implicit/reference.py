"""Prints [alpha, z, dz/dalpha] of a standard gamma draw at a fixed quantile, with 60 digits (mpmath 1.2).

The values stand in gamma-derivative.test.ts:

    python3 test/distributions/implicit/reference.py
"""

import json

import mpmath as mp

mp.mp.dps = 60


def derivative(a, z):
    """-(dF/da) / p(z); dF/da by central differences of 1e-18, of the smaller tail."""
    a, z, h = mp.mpf(a), mp.mpf(z), mp.mpf(10) ** -18
    if z < a + 1:
        tail = lambda x: mp.gammainc(x, 0, z, regularized=True)
    else:
        tail = lambda x: -mp.gammainc(x, z, mp.inf, regularized=True)
    slope = (tail(a + h) - tail(a - h)) / (2 * h)
    return -slope / mp.exp((a - 1) * mp.log(z) - z - mp.loggamma(a))


rows = [(0.01, 2.0**-200), (0.01, 0.25), (0.01, 1.5), (0.1, 2.0**-40)]
rows += [(a, z) for a in (0.1, 0.5, 1) for z in (0.25, 1.0, 2.5, 12.0)]
for a in (1.5, 3, 10, 30, 300, 20000):
    rows += [(a, max(0.03125, a + s * float(a) ** 0.5)) for s in (-4, -1, -0.015625, 1, 5)]
print(json.dumps([[a, z, float(derivative(a, z))] for a, z in rows]))

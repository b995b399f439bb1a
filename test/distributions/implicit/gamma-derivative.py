"""Draws [alpha, z, dz/dalpha] of a standard gamma draw at a fixed quantile, by mpmath 1.3 with 50 digits:

    python3 test/distributions/implicit/gamma-derivative.py > test/distributions/implicit/gamma-derivative.json

Concentrations are spread over 1e-3 to 1e6. For those above 40, z is up to six standard deviations from the mean; for others it is a draw, or
lies far out in either tail. alpha and z are float32 numbers.
"""
import json
import random
import struct

import mpmath as mp

mp.mp.dps = 50
rng = random.Random(7)


def single(x):
    return struct.unpack("f", struct.pack("f", float(x)))[0]


def derivative(a, z):
    """-(dF/da) / p(z); dF/da by central differences, of the smaller tail."""
    a, z = mp.mpf(a), mp.mpf(z)
    h = a * mp.mpf(10) ** -15
    if z < a + 1:
        tail = lambda x: mp.gammainc(x, 0, z, regularized=True)
    else:
        tail = lambda x: -mp.gammainc(x, z, mp.inf, regularized=True)
    slope = (tail(a + h) - tail(a - h)) / (2 * h)
    return -slope / mp.exp((a - 1) * mp.log(z) - z - mp.loggamma(a))


def draw(i):
    a = single(10 ** rng.uniform(-3, 6))
    s = rng.uniform(-6, 6)
    far = a + abs(s) * a**0.5 + abs(s)
    low = rng.gammavariate(a, 1) if i % 2 else rng.choice([10 ** rng.uniform(-30, 0), far])
    return a, single(max(a + s * a**0.5 if a > 40 else low, 1e-30))


rows = [draw(i) for i in range(150)]
print("[" + ",\n".join(json.dumps([a, z, float(derivative(a, z))]) for a, z in rows) + "]")

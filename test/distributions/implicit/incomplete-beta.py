"""Writes incomplete-beta.json beside this file: ln I and ln(1 - I) at drawn a, b and u = logit x, with the derivatives of ln I, by mpmath. Not run by the tests.

    python3 test/distributions/implicit/incomplete-beta.py && npx biome check --write test/distributions/implicit

Made with mpmath 1.3: the hypergeometric series of the smaller tail with 80 digits, derivatives by central differences. All inputs are float32 numbers.
"""
import json
import math
import os
import random
import struct
from mpmath import mp, mpf, beta, exp, hyp2f1, log, log1p

mp.dps = 80
single = lambda x: struct.unpack("f", struct.pack("f", float(x)))[0]
random.seed("incomplete beta")


def tails(a, b, u):
    x, y = 1 / (1 + exp(-u)), 1 / (1 + exp(u))
    below = lambda a, b, x, y: x**a * y**b / (a * beta(a, b)) * hyp2f1(a + b, 1, a + 1, x)
    if b * x <= a * y:
        p = below(a, b, x, y)
        return p, 1 - p
    q = below(b, a, y, x)
    return 1 - q, q


def logs(a, b, u):
    p, q = tails(a, b, u)
    return (log(p) if p < 0.5 else log1p(-q)), (log(q) if q < 0.5 else log1p(-p))


rows = []
while len(rows) < 200:
    a, b = (10 ** random.uniform(-3, random.choice((1, 2, 4))) for _ in range(2))
    mean, sd = math.log(a / b), min(math.sqrt(1 / a + 1 / b), 40)
    u = random.choice((random.uniform(-8, 8), mean + 2 * random.gauss(0, sd), random.uniform(-40, 40)))
    a, b, u = (mpf(single(v)) for v in (a, b, u))
    lower, upper = logs(a, b, u)
    if min(lower, upper) < -1e4 or max(lower, upper) > -mpf(10) ** -30:
        continue
    h = mpf(10) ** -20
    slope = lambda f, at: float((f(at * (1 + h)) - f(at * (1 - h))) / (2 * h * at))
    rows.append({
        "a": float(a), "b": float(b), "u": float(u), "lower": float(lower), "upper": float(upper),
        "byA": slope(lambda v: logs(v, b, u)[0], a), "byB": slope(lambda v: logs(a, v, u)[0], b),
        "byU": slope(lambda v: logs(a, b, v)[0], u),
    })
json.dump(rows, open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "incomplete-beta.json"), "w"))

"""Writes normal-tails.json beside this file: the normal distribution's tails at drawn points, by mpmath. Not run by the tests.

    python3 test/tensor/special/normal-tails.py && npx biome check --write test/tensor/special

Points are float32 numbers, so that both precisions are tested at the same ones. Values outside the range of double are left out.
"""
import json
import os
import random
import struct
from mpmath import mp, mpf, erfc, erfinv, exp, log, sqrt

mp.dps = 60
random.seed(20261129)
single = lambda x: struct.unpack("f", struct.pack("f", x))[0]
draw = lambda f, n: sorted({single(f()) for _ in range(n)})
sign = lambda: random.choice((-1, 1))
log_uniform = lambda low, high: 10 ** random.uniform(low, high)


def cdf(z):
    return erfc(-z / sqrt(2)) / 2


def log_cdf(z):
    if z < -100:
        total, term = mpf(1), mpf(1)
        for k in range(1, 24):
            term *= -(2 * k - 1) / (z * z)
            total += term
        return -z * z / 2 - log(-z * sqrt(2 * mp.pi)) + log(total)
    return log(cdf(z)) if z < 5 else mp.log1p(-cdf(-z))


def erfcx(x):
    return exp(x * x) * erfc(x) if x < 100 else 2 * exp(log_cdf(-x * sqrt(2)) + x * x)


def log_quantile(l):
    """Newton's method on the concave ln Phi, from the left."""
    with mp.workdps(60 + int(-log(-l) / 2) if l > -1 else 60):
        if l > -log(2):
            return -log_quantile(log(-mp.expm1(l)))
        z = -sqrt(-2 * l) - 1
        for _ in range(300):
            ratio = exp(log_cdf(z) + z * z / 2) * sqrt(2 * mp.pi)
            step = (log_cdf(z) - l) * ratio
            z -= step
            if abs(step) < mpf(10) ** -50:
                break
        return z


def quantile(p):
    return log_quantile(log(mpf(p)))


ends = draw(lambda: sign() * log_uniform(-8, 0.7), 60) + draw(lambda: random.uniform(-9, 9), 60)
cases = {
    "erfc": (ends + draw(lambda: random.uniform(9, 26), 20), lambda x: erfc(x)),
    "erfcx": (draw(lambda: log_uniform(-8, 8), 80) + draw(lambda: random.uniform(-9, 3), 60), erfcx),
    "erfinv": (draw(lambda: sign() * log_uniform(-8, 0), 80) + draw(lambda: sign() * (1 - log_uniform(-7, 0)), 60), erfinv),
    "logNormalCdf": (ends + draw(lambda: -log_uniform(0, 8), 60) + draw(lambda: random.uniform(9, 30), 20), log_cdf),
    "normalQuantile": (draw(lambda: log_uniform(-37, -0.01), 100) + draw(lambda: 1 - log_uniform(-6, -0.1), 40), quantile),
    "normalLogQuantile": (draw(lambda: -log_uniform(-30, 9), 140), log_quantile),
    "normalCdf": (draw(lambda: random.uniform(-13, 6), 80), cdf),
}
out = {}
for name, (xs, f) in cases.items():
    rows = [(x, float(f(mpf(x)))) for x in xs]
    rows = [(x, y) for x, y in rows if abs(y) > 1e-300 and abs(y) != float("inf")]
    out[name] = {"x": [x for x, _ in rows], "y": [y for _, y in rows]}
json.dump(out, open(os.path.join(os.path.dirname(__file__), "normal-tails.json"), "w"))

"""Writes quantile-search.json beside this file: quantiles at drawn parameters and probabilities, by mpmath. Not run by the tests.

    python3 test/distributions/quantile-search.py && npx biome check --write test/distributions/quantile-search.json

The textbook distribution function with 60 digits, halved 260 times between ends that surely hold the quantile; both tails down to e^-80. `slope` is dx/dl.
{family: [{parameters, tail, l, x, slope}]}.
"""
import json
import os
import random
from mpmath import mp, mpf, erfc, exp, log, sqrt, pi

mp.dps = 80
random.seed(5)
phi = lambda z: exp(-z * z / 2) / sqrt(2 * pi)
tail = lambda z: erfc(z / sqrt(2)) / 2


def normals(weights, loc, scale):
    w = [mpf(v) / sum(map(mpf, weights)) for v in weights]
    each = [(a, mpf(m), mpf(s)) for a, m, s in zip(w, loc, scale)]
    upper = lambda x: sum(a * tail((x - m) / s) for a, m, s in each)
    lower = lambda x: sum(a * tail((m - x) / s) for a, m, s in each)
    density = lambda x: sum(a * phi((x - m) / s) / s for a, m, s in each)
    return lower, upper, density, mpf(-10) ** 7, mpf(10) ** 7


def inverse_gaussian(loc, concentration):
    m, c = mpf(loc), mpf(concentration)
    r = lambda x: sqrt(c / x)
    second = lambda x: exp(2 * c / m) * tail(r(x) * (x / m + 1))
    lower = lambda x: tail(-r(x) * (x / m - 1)) + second(x)
    upper = lambda x: tail(r(x) * (x / m - 1)) - second(x)
    density = lambda x: sqrt(c / (2 * pi * x ** 3)) * exp(-c * (x - m) ** 2 / (2 * m * m * x))
    return lower, upper, density, mpf(10) ** -30, mpf(10) ** 30


def solve(of, l, upper):
    lower_tail, upper_tail, density, low, high = of
    p = exp(mpf(l))
    for _ in range(400):
        middle = sqrt(low * high) if low > 0 else (low + high) / 2
        short = upper_tail(middle) > p if upper else lower_tail(middle) < p
        low, high = (middle, high) if short else (low, middle)
    return float(high), float((-p if upper else p) / density(high))


def rows(parameters, of, count):
    found = []
    for _ in range(count):
        chosen = parameters()
        for upper in (False, True):
            l = -random.choice((random.uniform(1e-3, 1), random.uniform(1, 5), 10 ** random.uniform(0, 1.9)))
            x, slope = solve(of(**chosen), l, upper)
            found.append(dict(parameters=chosen, tail="upper" if upper else "lower", l=l, x=x, slope=slope))
    return found


def mixed():
    return dict(
        weights=[random.uniform(0.05, 1) for _ in range(3)],
        loc=[random.choice((-1, 1)) * 10 ** random.uniform(-2, 2) for _ in range(3)],
        scale=[10 ** random.uniform(-1, 2) for _ in range(3)],
    )


table = {
    "normals": rows(mixed, normals, 30),
    "inverseGaussian": rows(lambda: dict(loc=10 ** random.uniform(-2, 2), concentration=10 ** random.uniform(-1, 2)), inverse_gaussian, 30),
}
with open(os.path.join(os.path.dirname(__file__), "quantile-search.json"), "w") as file:
    json.dump(table, file)

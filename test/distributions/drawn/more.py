"""Densities, entropies and divergences of more families at drawn parameters and values, by mpmath with 60 digits: as reference.py, whose docstring
says what a result is.

    python3 test/distributions/drawn/more.py > test/distributions/drawn/more.json

Made with mpmath 1.3. A log mass of Skellam is that of the sum of products of Poisson masses, term by term from the largest.
"""
import json
import random
import struct

from mpmath import besseli, exp, floor, log, loggamma, mp, mpf, nint, pi, sqrt

mp.dps = 60
rng = random.Random(20261130)


def single(x):
    return struct.unpack("f", struct.pack("f", float(x)))[0]


def logu(low, high):
    return single(mp.mpf(10) ** rng.uniform(float(mp.log10(low)), float(mp.log10(high))))


def direction(n):
    v = [rng.gauss(0, 1) for _ in range(n)]
    size = sum(x * x for x in v) ** 0.5
    return [single(x / size) for x in v]


def rate():
    return logu(1e-30, 1e-4) if rng.random() < 0.15 else logu(1e-3, 1e6)


def skellam():
    a, b = rate(), rate()
    if rng.random() < 0.3:
        b = single(a * rng.uniform(0.8, 1.25))
    k = rng.choice([a - b + rng.uniform(-6, 6) * (a + b) ** 0.5, rng.choice([-1, 1]) * logu(1, 1e6), 0, rng.choice([-3, -1, 1, 2])])
    return dict(rate1=a, rate2=b), single(nint(k))


def skellam_mass(k, rate1, rate2):
    # The value is a whole number; its relative change, asked for by conditions, is not one.
    k = nint(k)
    size, m, n = (k, rate1, rate2) if k >= 0 else (-k, rate2, rate1)
    t = m * n
    peak = max(mpf(0), floor((sqrt(size * size + 4 * t) - size) / 2))
    top = (size + peak) * log(m) + peak * log(n) - loggamma(size + peak + 1) - loggamma(peak + 1)
    total, least = mpf(1), mpf(10) ** -50
    term, j = mpf(1), peak
    while term > least:
        j += 1
        term *= t / (j * (size + j))
        total += term
    term, j = mpf(1), peak
    while term > least and j > 0:
        term *= j * (size + j) / t
        j -= 1
        total += term
    return top + log(total) - m - n


def fisher(n):
    def draw():
        loc, k = direction(n), logu(1e-6, 1e6)
        x = direction(n) if rng.random() < 0.3 else [a + rng.gauss(0, 1) / (k + n) ** 0.5 for a in loc]
        size = sum(v * v for v in x) ** 0.5
        return dict(loc=loc, concentration=k), [single(v / size) for v in x]

    return draw


def sphere(n):
    order = mpf(n) / 2 - 1
    normaliser = lambda k: n * log(2 * pi) / 2 + log(besseli(order, k)) - order * log(k)
    ratio = lambda k: besseli(order + 1, k) / besseli(order, k)
    # For vectors of length 1, loc . x - 1 = -|x - loc|^2/2; rounded ones are not that to the last digit.
    far = lambda a, b: sum((x - y) ** 2 for x, y in zip(a, b)) / 2
    density = lambda x, loc, concentration: concentration * (1 - far(x, loc)) - normaliser(concentration)
    entropy = lambda loc, concentration: normaliser(concentration) - concentration * ratio(concentration)

    def kl(p, q):
        a, b = p["concentration"], q["concentration"]
        return normaliser(b) - normaliser(a) - (b - a) * ratio(a) + b * ratio(a) * far(p["loc"], q["loc"])

    return density, entropy, kl


def mapped(f, tree):
    if isinstance(tree, dict):
        return {k: mapped(f, v) for k, v in tree.items()}
    if isinstance(tree, list):
        return [mapped(f, v) for v in tree]
    return f(tree)


def paths(tree):
    if isinstance(tree, dict):
        return [[k, *p] for k, v in tree.items() for p in paths(v)]
    if isinstance(tree, list):
        return [[i, *p] for i, v in enumerate(tree) for p in paths(v)]
    return [[]]


def raised(tree, path, factor):
    if not path:
        return tree * factor
    head, *rest = path
    if isinstance(tree, dict):
        return {k: raised(v, rest, factor) if k == head else v for k, v in tree.items()}
    return [raised(v, rest, factor) if i == head else v for i, v in enumerate(tree)]


def result(f, given):
    given = mapped(mpf, given)
    value = f(given)
    h = mpf(10) ** -20
    condition = mpf(0)
    for p in paths(given):
        condition += abs(f(raised(given, p, 1 + h)) - f(raised(given, p, 1 - h))) / (2 * h)
    return [float(value), float("%.3g" % condition)]


def rows(draw, density, entropy, kl, count):
    drawn = [draw() for _ in range(count)]
    out = {"parameters": [p for p, _ in drawn], "values": [x for _, x in drawn]}
    out["logProb"] = [result(lambda g: density(g["x"], **g["p"]), {"x": x, "p": p}) for p, x in drawn]
    if entropy:
        out["entropy"] = [result(lambda g: entropy(**g), p) for p, _ in drawn]
    if kl:
        out["others"] = [
            dict(loc=direction(len(p["loc"])), concentration=single(p["concentration"] * rng.choice([0.01, 0.3, 0.9, 1.1, 3, 100])))
            for p, _ in drawn
        ]
        out["kl"] = [result(lambda g: kl(g["p"], g["q"]), {"p": p, "q": q}) for (p, _), q in zip(drawn, out["others"])]
    return out


found = {"Skellam": rows(skellam, skellam_mass, None, None, 100)}
for n in (2, 3, 10, 60, 100):
    found[f"VonMisesFisher#{n}"] = rows(fisher(n), *sphere(n), 40 if n < 50 else 12)
print("{" + ",\n".join(f'"{k}":' + json.dumps(v, separators=(",", ":")) for k, v in found.items()) + "}")

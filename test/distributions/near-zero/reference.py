"""Divergences of nearly equal distributions, entropies and log masses of what is nearly certain, by mpmath with 80 digits.

    python3 test/distributions/near-zero/reference.py > test/distributions/near-zero/reference.json

Made with mpmath 1.3. Each result is [value, first, second]: the sums of |t df/dt| and of t^2 |d2f/dt2| over the numbers t that went in.
Relative errors e of all of them move the value by e * first + e^2 * second. Cases of `single` are float32 numbers, so that every executor
gets the same ones, and differ by 1e-6 or more; those of `double` differ by 1e-14 or more.
"""
import json
import random
import struct

from mpmath import digamma, euler, exp, gamma, log, log1p, loggamma, mp, mpf

mp.dps = 80
rng = random.Random(20261129)


def single(x):
    return struct.unpack("f", struct.pack("f", float(x)))[0]


def logu(low, high):
    return 10 ** rng.uniform(float(mp.log10(low)), float(mp.log10(high)))


# --- parameters


def scale():
    return dict(scale=logu(1e-3, 1e3))


def location():
    s = logu(1e-3, 1e3)
    return dict(loc=rng.uniform(-3, 3) * s, scale=s)


def logits():
    return dict(logits=rng.uniform(-9, 9))


def probs():
    return dict(probs=rng.choice([rng.uniform(0.01, 0.99), logu(1e-9, 1e-2)]))


def vector(low, high):
    return [logu(low, high) for _ in range(3)]


def softplus(x):
    return log1p(exp(x)) if x < 0 else x + log1p(exp(-x))


def sigmoid(x):
    return 1 / (1 + exp(-x))


def softmax(l):
    total = sum(exp(v) for v in l)
    return [exp(v) / total for v in l]


def share(p):
    return [v / sum(p) for v in p]


# --- divergences


def normal(p, q):
    r = p["scale"] / q["scale"]
    d = (p.get("loc", 0) - q.get("loc", 0)) / q["scale"]
    return (r * r + d * d - 1) / 2 - log(r)


def exponential(p, q):
    r = q["rate"] / p["rate"]
    return r - 1 - log(r)


def laplace(p, q):
    r, a = p["scale"] / q["scale"], abs(p["loc"] - q["loc"])
    return r * exp(-a / p["scale"]) + a / q["scale"] - 1 - log(r)


def gumbel_by(r, shift):
    return shift + (r - 1) * euler + gamma(1 + r) * exp(-shift) - 1 - log(r)


def gumbel(p, q):
    return gumbel_by(p["scale"] / q["scale"], (p["loc"] - q["loc"]) / q["scale"])


def weibull(p, q):
    return gumbel_by(
        q["concentration"] / p["concentration"], -q["concentration"] * log(p["scale"] / q["scale"])
    )


def cauchy(p, q):
    d = p.get("loc", 0) - q.get("loc", 0)
    return log(((p["scale"] + q["scale"]) ** 2 + d * d) / (4 * p["scale"] * q["scale"]))


def bregman(c, a):
    return loggamma(c) - loggamma(a) - (c - a) * digamma(a)


def gammas(a, b, c, d):
    return bregman(c, a) + c * log(b / d) + a * (d / b - 1)


def beta(p, q):
    a, b, c, d = p["concentration1"], p["concentration0"], q["concentration1"], q["concentration0"]
    return bregman(c, a) + bregman(d, b) - bregman(c + d, a + b)


def dirichlet(p, q):
    a, c = p["concentration"], q["concentration"]
    return sum(bregman(y, x) for x, y in zip(a, c)) - bregman(sum(c), sum(a))


def binary(p, q):
    return p * log(p / q) + (1 - p) * log((1 - p) / (1 - q))


def categorical(p, q):
    return sum(x * log(x / y) for x, y in zip(p, q))


def poisson(p, q):
    return p["rate"] * log(p["rate"] / q["rate"]) + q["rate"] - p["rate"]


def odds(p):
    return p["probs"] if "probs" in p else sigmoid(p["logits"])


def weights(p):
    return share(p["probs"]) if "probs" in p else softmax(p["logits"])


KL = {
    "Normal": (location, normal),
    "HalfNormal": (scale, normal),
    "LogNormal": (location, normal),
    "LogitNormal": (location, normal),
    "Laplace": (location, laplace),
    "Exponential": (lambda: dict(rate=logu(1e-3, 1e3)), exponential),
    "Gumbel": (location, gumbel),
    "Weibull": (lambda: dict(scale=logu(1e-2, 1e2), concentration=logu(0.3, 30)), weibull),
    "Cauchy": (location, cauchy),
    "HalfCauchy": (scale, cauchy),
    "Poisson": (lambda: dict(rate=logu(1e-3, 1e6)), poisson),
    "Gamma": (
        lambda: dict(concentration=logu(1e-3, 1e6), rate=logu(1e-3, 1e3)),
        lambda p, q: gammas(p["concentration"], p["rate"], q["concentration"], q["rate"]),
    ),
    "InverseGamma": (
        lambda: dict(concentration=logu(1e-3, 1e6), scale=logu(1e-3, 1e3)),
        lambda p, q: gammas(p["concentration"], p["scale"], q["concentration"], q["scale"]),
    ),
    "ChiSquared": (lambda: dict(df=logu(1e-2, 1e6)), lambda p, q: bregman(q["df"] / 2, p["df"] / 2)),
    "Beta": (lambda: dict(concentration1=logu(1e-2, 1e5), concentration0=logu(1e-2, 1e5)), beta),
    "Dirichlet": (lambda: dict(concentration=vector(1e-2, 1e4)), dirichlet),
    "Bernoulli logits": (logits, lambda p, q: binary(odds(p), odds(q))),
    "Bernoulli probs": (probs, lambda p, q: binary(odds(p), odds(q))),
    "Geometric logits": (logits, lambda p, q: binary(odds(p), odds(q)) / odds(p)),
    "Geometric probs": (probs, lambda p, q: binary(odds(p), odds(q)) / odds(p)),
    "Categorical logits": (
        lambda: dict(logits=[rng.uniform(-4, 4) for _ in range(3)]),
        lambda p, q: categorical(weights(p), weights(q)),
    ),
    "OneHotCategorical logits": (
        lambda: dict(logits=[rng.uniform(-4, 4) for _ in range(3)]),
        lambda p, q: categorical(weights(p), weights(q)),
    ),
}

# --- what is nearly certain: parameters and their functions


def certain_logits():
    l = [rng.uniform(-3, 3) for _ in range(3)]
    l[rng.randrange(3)] += rng.uniform(3, 40)
    return dict(logits=l)


def certain_probs():
    parts = [logu(1e-12, 1e-2) for _ in range(3)]
    parts[rng.randrange(3)] = 1
    # float64 numbers that sum to 1 as far as they can.
    return dict(probs=[v / sum(parts) for v in parts])


def best(p):
    w = weights(p)
    k = w.index(max(w))
    return log1p(-sum(v for i, v in enumerate(w) if i != k))


def entropy(p):
    w = weights(p)
    k = w.index(max(w))
    return -sum(v * (best(p) if i == k else log(v)) for i, v in enumerate(w))


def outcome_entropy(p):
    a = odds(p)
    return -a * log(a) - (1 - a) * log1p(-a)


CERTAIN = {
    **{
        f"{family} {kind}": (draw, {"logMass": best, "entropy": entropy})
        for family in ("Categorical", "OneHotCategorical")
        for kind, draw in (("logits", certain_logits), ("probs", certain_probs))
    },
    **{
        f"Multinomial {kind}": (draw, {"logMass": lambda p: 5 * best(p)})
        for kind, draw in (("logits", certain_logits), ("probs", certain_probs))
    },
    "Bernoulli logits": (lambda: dict(logits=rng.choice([-1, 1]) * rng.uniform(3, 60)), {"entropy": outcome_entropy}),
    "Bernoulli probs": (lambda: dict(probs=logu(1e-12, 1e-2)), {"entropy": outcome_entropy}),
    "Geometric logits": (lambda: dict(logits=rng.uniform(3, 40)), {"entropy": lambda p: outcome_entropy(p) / odds(p)}),
}


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
    h = mpf(10) ** -24
    first = second = mpf(0)
    for p in paths(given):
        up, down = f(raised(given, p, 1 + h)), f(raised(given, p, 1 - h))
        first += abs(up - down) / (2 * h)
        second += abs(up - 2 * value + down) / (h * h)
    return [float(value), float("%.3g" % first), float("%.3g" % second)]


def near(p, least):
    """Parameters that differ by a little, each by its own part of it."""
    h = logu(least, 0.3)
    return mapped(lambda v: v * (1 + h * rng.uniform(-1, 1)), p)


def group(rounded, least, count):
    divergences = {}
    for name, (draw, f) in KL.items():
        pairs = []
        while len(pairs) < count:
            p = mapped(rounded, draw())
            q = mapped(rounded, near(p, least))
            if p != q:
                pairs.append((p, q))
        divergences[name] = dict(
            parameters=[p for p, _ in pairs],
            others=[q for _, q in pairs],
            kl=[result(lambda g: f(g["p"], g["q"]), {"p": p, "q": q}) for p, q in pairs],
        )
    certain = {}
    for name, (draw, functions) in CERTAIN.items():
        drawn = [mapped(rounded, draw()) for _ in range(count)]
        certain[name] = dict(
            parameters=drawn, **{k: [result(f, p) for p in drawn] for k, f in functions.items()}
        )
    return dict(divergences=divergences, certain=certain)


print(
    json.dumps(
        {"single": group(single, 1e-6, 25), "double": group(float, 1e-14, 25)}, separators=(",", ":")
    ).replace('"parameters"', '\n"parameters"')
)

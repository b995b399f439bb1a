"""Divergences of nearly equal distributions of more families, by mpmath with 80 digits: as reference.py, whose docstring says what a result is.

    python3 test/distributions/near-zero/more.py > test/distributions/near-zero/more.json

Made with mpmath 1.3.
"""
import json
import random
import struct

from mpmath import besseli, cos, det, digamma, exp, log, loggamma, matrix, mp, mpf

mp.dps = 80
rng = random.Random(20261130)


def single(x):
    return struct.unpack("f", struct.pack("f", float(x)))[0]


def logu(low, high):
    return 10 ** rng.uniform(float(mp.log10(low)), float(mp.log10(high)))


def direction(n):
    v = [rng.gauss(0, 1) for _ in range(n)]
    size = sum(x * x for x in v) ** 0.5
    return [x / size for x in v]


def von_mises():
    return dict(loc=rng.uniform(-3, 3), concentration=logu(1e-4, 1e6))


def fisher(n):
    return lambda: dict(loc=direction(n), concentration=logu(1e-4, 1e6))


def logits():
    return dict(logits=rng.choice([-1, 1]) * rng.choice([logu(1e-3, 3), logu(3, 2000)]))


def multivariate():
    n = 3
    rows = [[rng.uniform(-1, 1) if j < i else logu(0.3, 3) if i == j else 0.0 for j in range(n)] for i in range(n)]
    return dict(loc=[rng.uniform(-2, 2) for _ in range(n)], scaleTril=rows)


def on_sphere(order):
    normaliser = lambda k: log(besseli(order, k)) - order * log(k)
    ratio = lambda k: besseli(order + 1, k) / besseli(order, k)
    return lambda a, b: (normaliser(b) - normaliser(a) - (b - a) * ratio(a), ratio(a))


def von_mises_kl(p, q):
    own, a = on_sphere(mpf(0))(p["concentration"], q["concentration"])
    return own + q["concentration"] * a * (1 - cos(p["loc"] - q["loc"]))


def fisher_kl(n):
    def kl(p, q):
        own, a = on_sphere(mpf(n) / 2 - 1)(p["concentration"], q["concentration"])
        # 1 - loc . loc' = |loc - loc'|^2/2 for vectors of length 1, which rounded ones are not to the last digit.
        apart = sum((x - y) ** 2 for x, y in zip(p["loc"], q["loc"])) / 2
        return own + q["concentration"] * a * apart

    return kl


def bernoulli_kl(p, q):
    l, m = p["logits"], q["logits"]
    c = lambda x: log((exp(x) - 1) / x)
    mean = 1 / (1 - exp(-l)) - 1 / l
    return c(m) - c(l) - (m - l) * mean


def normals_kl(p, q):
    a, b = matrix(p["scaleTril"]), matrix(q["scaleTril"])
    m = b**-1 * a
    d = b**-1 * (matrix(p["loc"]) - matrix(q["loc"]))
    n = a.rows
    trace = sum(m[i, j] ** 2 for i in range(n) for j in range(n))
    return (trace + sum(x * x for x in d) - n) / 2 + log(det(b) / det(a))


def low_rank(n, r):
    def draw():
        return dict(
            loc=[rng.uniform(-2, 2) for _ in range(n)],
            factor=[[rng.uniform(-2, 2) for _ in range(r)] for _ in range(n)],
            diagonal=[logu(0.03, 3) for _ in range(n)],
        )

    return draw


def low_rank_kl(p, q):
    def covariance(d):
        n = len(d["diagonal"])
        plain = lambda i, j: sum(a * b for a, b in zip(d["factor"][i], d["factor"][j]))
        return matrix([[plain(i, j) + (d["diagonal"][i] if i == j else 0) for j in range(n)] for i in range(n)])

    a, b = covariance(p), covariance(q)
    inverse = b**-1
    m = inverse * a
    apart = matrix(p["loc"]) - matrix(q["loc"])
    trace = sum(m[i, i] for i in range(m.rows))
    return (trace + (apart.T * inverse * apart)[0] - m.rows - log(det(m))) / 2


def wishart():
    given = multivariate()["scaleTril"]
    return dict(df=2 + logu(0.1, 1e4), scaleTril=given)


def multivariate_gamma(n, x):
    return sum(loggamma(x - mpf(j) / 2) for j in range(n))


def wishart_kl(inverse):
    def kl(p, q):
        a, b = matrix(p["scaleTril"]), matrix(q["scaleTril"])
        m = a**-1 * b if inverse else b**-1 * a
        n, own, other = a.rows, p["df"], q["df"]
        trace = sum(m[i, j] ** 2 for i in range(n) for j in range(n))
        slope = sum(digamma(own / 2 - mpf(j) / 2) for j in range(n))
        gammas = multivariate_gamma(n, other / 2) - multivariate_gamma(n, own / 2) + (own - other) / 2 * slope
        return own / 2 * (trace - n) - other * log(det(m)) + gammas

    return kl


def lkj():
    return dict(concentration=logu(1e-2, 1e3))


def lkj_kl(n):
    def kl(p, q):
        total = mpf(0)
        for i in range(n - 1):
            left = n - 1 - i
            a, b = (d["concentration"] + mpf(left - 1) / 2 for d in (p, q))
            slope = 2 * (digamma(a) - digamma(2 * a))
            total += left * (2 * loggamma(b) - loggamma(2 * b) - 2 * loggamma(a) + loggamma(2 * a) - (b - a) * slope)
        return total

    return kl


def shares():
    return dict(weights=[logu(1e-3, 10) for _ in range(4)])


def shares_kl(p, q):
    total = lambda d: sum(d["weights"])
    return sum(a / total(p) * log(a / total(p) * total(q) / b) for a, b in zip(p["weights"], q["weights"]))


KL = {
    "VonMises": (von_mises, von_mises_kl),
    "VonMisesFisher#2": (fisher(2), fisher_kl(2)),
    "VonMisesFisher#3": (fisher(3), fisher_kl(3)),
    "VonMisesFisher#17": (fisher(17), fisher_kl(17)),
    "VonMisesFisher#100": (fisher(100), fisher_kl(100)),
    "ContinuousBernoulli logits": (logits, bernoulli_kl),
    "MultivariateNormal scaleTril": (multivariate, normals_kl),
    "LowRankMultivariateNormal#4": (low_rank(4, 2), low_rank_kl),
    "LowRankMultivariateNormal#2": (low_rank(2, 3), low_rank_kl),
    "LowRankMultivariateNormal#9": (low_rank(9, 1), low_rank_kl),
    "Wishart scaleTril": (wishart, wishart_kl(False)),
    "InverseWishart scaleTril": (wishart, wishart_kl(True)),
    "LKJ 2": (lkj, lkj_kl(2)),
    "LKJCholesky 5": (lkj, lkj_kl(5)),
    "Empirical weights": (shares, shares_kl),
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


def unit(p):
    if "loc" not in p or "concentration" not in p or not isinstance(p["loc"], list):
        return p
    size = sum(x * x for x in p["loc"]) ** 0.5
    return p | {"loc": [x / size for x in p["loc"]]}


def near(p, least):
    h = logu(least, 0.3)
    return unit(mapped(lambda v: v * (1 + h * rng.uniform(-1, 1)), p))


def group(rounded, least):
    divergences = {}
    for name, (draw, f) in KL.items():
        count = 8 if name.endswith(("#100", "#9")) else 25
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
    return dict(divergences=divergences, certain={})


print(
    json.dumps({"single": group(single, 1e-6), "double": group(float, 1e-14)}, separators=(",", ":")).replace(
        '"parameters"', '\n"parameters"'
    )
)

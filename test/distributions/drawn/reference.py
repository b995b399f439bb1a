"""Densities, entropies, moments and divergences at drawn parameters and values, over many decades, by mpmath with 60 digits.

    python3 test/distributions/drawn/reference.py > test/distributions/drawn/reference.json

Made with mpmath 1.3. All numbers that go in are float32 numbers, so that every executor is given the same ones. Beside each result
stands its condition, the sum of |t df/dt| over the numbers t that went in: a relative error of 2^-24 in all of them moves the result
by that much times 2^-24.
"""
import json
import random
import struct

from mpmath import mp, mpf, digamma, erfinv, exp, inf, isinf, log, log1p, loggamma, pi, sqrt, cos, besseli, gamma, euler

mp.dps = 60
rng = random.Random(20261128)


def single(x):
    return struct.unpack("f", struct.pack("f", float(x)))[0]


def logu(low, high):
    return single(mp.mpf(10) ** rng.uniform(float(mp.log10(low)), float(mp.log10(high))))


def small(x):
    """x, or now and then a number that is hardly above 0."""
    return logu(1e-30, 1e-4) if rng.random() < 0.15 else x


def near(mean, sd, spread=6):
    return single(mean + sd * rng.uniform(-spread, spread))


def lbeta(a, b):
    return loggamma(a) + loggamma(b) - loggamma(a + b)


def whole(x):
    return single(max(0, mp.nint(x)))


def xlogy(x, y):
    return mpf(0) if x == 0 else (-inf if y == 0 else x * log(y))


def softplus(x):
    return log1p(exp(x)) if x < 0 else x + log1p(exp(-x))


# --- families: parameters -> name: (draw parameters, draw a value, functions)


def poisson():
    rate = logu(1e-6, 1e10)
    return dict(rate=rate), whole(rng.choice([near(rate, mp.sqrt(rate)), logu(1, 1e10), 0]))


def binomial(kind):
    def draw():
        n = whole(logu(1, 1e10))
        p = logu(1e-9, 0.5)
        if kind == "probs":
            given = single(p if rng.random() < 0.5 else 1 - p)
            q = given
        else:
            given = single(log(mpf(p) / (1 - mpf(p))) * rng.choice([1, -1]))
            q = 1 / (1 + exp(-mpf(given)))
        k = whole(near(n * q, mp.sqrt(n * q * (1 - q))))
        k = rng.choice([k, k, 0, n, 1])
        return {"total": n, kind: given}, min(k, n)

    return draw


def negative_binomial(kind):
    def draw():
        r = logu(1e-6, 1e10)
        m = logu(1e-3, 1e8)
        p = mpf(m) / (mpf(r) + m)
        given = single(p) if kind == "probs" else single(log(mpf(m) / r))
        if given == 1:
            given = single(0.75)
        q = mpf(given) if kind == "probs" else 1 / (1 + exp(-mpf(given)))
        mean = r * q / (1 - q)
        k = whole(rng.choice([near(mean, mp.sqrt(mean * (1 + mean / r))), logu(1, 1e8), 0]))
        return {"total": r, kind: given}, k

    return draw


def geometric(kind):
    def draw():
        l = rng.uniform(-20, 10)
        p = 1 / (1 + exp(-mpf(l)))
        given = single(p) if kind == "probs" else single(l)
        return {kind: given}, whole(rng.choice([-log(mpf(rng.random())) / p, 0, 1]))

    return draw


def bernoulli():
    return dict(logits=single(rng.uniform(-60, 60))), float(rng.choice([0, 1]))


def gamma_():
    a, b = small(logu(1e-3, 1e10)), logu(1e-5, 1e5)
    return dict(concentration=a, rate=b), abs(near(mpf(a) / b, sqrt(mpf(a)) / b)) if rng.random() < 0.7 else logu(
        1e-6, 1e6
    )


def inverse_gamma():
    a, b = small(logu(1e-3, 1e10)), logu(1e-5, 1e5)
    return dict(concentration=a, scale=b), abs(
        single(mpf(b) / near(a, sqrt(mpf(a)), 4))
    ) if a > 20 else logu(1e-4, 1e5)


def chi_squared():
    n = small(logu(1e-3, 1e10))
    return dict(df=n), abs(near(n, sqrt(2 * mpf(n)))) if rng.random() < 0.7 else logu(1e-6, 1e6)


def inside(x):
    return min(max(single(x), 2.0**-60), 1 - 2.0**-24)


def beta():
    a, b = small(logu(1e-3, 1e10)), small(logu(1e-3, 1e10))
    n = mpf(a) + b
    m = a / n
    x = near(m, sqrt(m * (1 - m) / (n + 1)), 5) if rng.random() < 0.7 else rng.choice([rng.random(), logu(1e-10, 1)])
    return dict(concentration1=a, concentration0=b), inside(x)


def dirichlet():
    base = logu(1e-2, 1e10) if rng.random() < 0.5 else None
    alpha = [base * single(rng.uniform(0.3, 3)) if base else logu(1e-2, 1e10) for _ in range(3)]
    alpha = [small(single(a)) for a in alpha]
    n = sum(mpf(a) for a in alpha)
    y = [max(mpf(a) + sqrt(mpf(a)) * rng.uniform(-2, 2), mpf(a) / 4) for a in alpha]
    # Two parts, and the rest as near as float32 comes to it.
    x = [single(max(v / sum(y), 1e-30)) for v in y]
    return dict(concentration=alpha), x


def student():
    v, s = small(logu(1e-2, 1e10)), logu(1e-4, 1e4)
    loc = single(rng.uniform(-3, 3) * s)
    return dict(df=v, loc=loc, scale=s), single(loc + s * rng.uniform(-1, 1) * rng.choice([1, 5, 1e3]))


def weibull():
    s, k = logu(1e-3, 1e3), logu(0.1, 1e6)
    return dict(scale=s, concentration=k), single(s * exp(log(-log(mpf(rng.uniform(1e-6, 1)))) / k))


def location(low=-4, high=4, heavy=False):
    def draw():
        s = logu(1e-4, 1e4)
        loc = single(rng.uniform(-3, 3) * s)
        return dict(loc=loc, scale=s), single(loc + s * rng.uniform(low, high) * (rng.choice([1, 1e3]) if heavy else 1))

    return draw


def scale_only(heavy=False):
    def draw():
        s = logu(1e-4, 1e4)
        return dict(scale=s), single(s * abs(rng.uniform(0, 4)) * (rng.choice([1, 1e3]) if heavy else 1))

    return draw


def exponential():
    r = logu(1e-6, 1e6)
    return dict(rate=r), single(-log(mpf(rng.random())) / r)


def pareto():
    s, a = logu(1e-3, 1e3), logu(0.1, 1e4)
    x = single(s * exp(-log(mpf(rng.random())) / a))
    return dict(scale=s, concentration=a), max(x, s)


def log_normal():
    l, s = single(rng.uniform(-5, 5)), logu(1e-2, 2)
    return dict(loc=l, scale=s), single(exp(l + s * mpf(rng.uniform(-4, 4))))


def logit_normal():
    l, s = single(rng.uniform(-9, 9)), logu(1e-2, 2)
    return dict(loc=l, scale=s), inside(1 / (1 + exp(-(l + s * mpf(rng.uniform(-4, 4))))))


def relaxed_bernoulli():
    t, l = logu(0.1, 10), single(rng.uniform(-5, 5))
    return dict(temperature=t, logits=l), inside(1 / (1 + exp(-(l + mpf(rng.uniform(-4, 4))) / t)))


def von_mises():
    return dict(loc=single(rng.uniform(-3, 3)), concentration=logu(1e-4, 1e5)), single(rng.uniform(-3, 3))


def continuous_bernoulli():
    return dict(logits=single(rng.choice([1, 0.01, 10]) * rng.uniform(-8, 8))), single(rng.random())


def lgamma_density(x, a, b):
    return a * log(b) + (a - 1) * log(x) - b * x - loggamma(a)


def student_density(x, df, loc, scale):
    z = (x - loc) / scale
    return loggamma((df + 1) / 2) - loggamma(df / 2) - log(df * pi) / 2 - log(scale) - (df + 1) / 2 * log1p(z * z / df)


def binomial_density(x, total, logits=None, probs=None):
    choose = loggamma(total + 1) - loggamma(x + 1) - loggamma(total - x + 1)
    if logits is not None:
        return choose + x * logits - total * softplus(logits)
    return choose + xlogy(x, probs) + xlogy(total - x, 1 - probs)


def negative_binomial_density(x, total, logits=None, probs=None):
    count = loggamma(x + total) - loggamma(total) - loggamma(x + 1)
    if logits is not None:
        return count + x * logits - (total + x) * softplus(logits)
    return count + xlogy(x, probs) + total * log1p(-probs)


def relaxed_density(x, temperature, logits):
    l = log(x) - log1p(-x)
    d = logits - temperature * l
    return log(temperature) + d - 2 * softplus(d) - log(x) - log1p(-x)


def cb_normalizer(l):
    return log((exp(l) - 1) / l)


def bessel_log(k):
    # The product of a huge and a tiny number, at as many digits as that takes.
    return log(besseli(0, k))


LOG2PI = log(2 * pi)

FAMILIES = {
    "Poisson": (poisson, lambda x, rate: xlogy(x, rate) - rate - loggamma(x + 1)),
    "Binomial probs": (binomial("probs"), binomial_density),
    "Binomial logits": (binomial("logits"), binomial_density),
    "NegativeBinomial probs": (negative_binomial("probs"), negative_binomial_density),
    "NegativeBinomial logits": (negative_binomial("logits"), negative_binomial_density),
    "Geometric probs": (geometric("probs"), lambda x, probs: log(probs) + xlogy(x, 1 - probs)),
    "Geometric logits": (geometric("logits"), lambda x, logits: -softplus(-logits) - x * softplus(logits)),
    "Bernoulli logits": (bernoulli, lambda x, logits: x * logits - softplus(logits)),
    "Gamma": (gamma_, lambda x, concentration, rate: lgamma_density(x, concentration, rate)),
    "InverseGamma": (
        inverse_gamma,
        lambda x, concentration, scale: lgamma_density(1 / x, concentration, scale) - 2 * log(x),
    ),
    "ChiSquared": (chi_squared, lambda x, df: lgamma_density(x, df / 2, mpf(1) / 2)),
    "Beta": (
        beta,
        lambda x, concentration1, concentration0: (concentration1 - 1) * log(x)
        + (concentration0 - 1) * log1p(-x)
        - lbeta(concentration1, concentration0),
    ),
    "StudentT": (student, student_density),
    "Weibull": (
        weibull,
        lambda x, scale, concentration: log(concentration / scale)
        + (concentration - 1) * log(x / scale)
        - (x / scale) ** concentration,
    ),
    "Exponential": (exponential, lambda x, rate: log(rate) - rate * x),
    "Pareto": (
        pareto,
        lambda x, scale, concentration: log(concentration) + concentration * log(scale) - (concentration + 1) * log(x),
    ),
    "Normal": (location(), lambda x, loc, scale: -(((x - loc) / scale) ** 2) / 2 - log(scale) - LOG2PI / 2),
    "Laplace": (location(-30, 30), lambda x, loc, scale: -abs(x - loc) / scale - log(2 * scale)),
    "Logistic": (
        location(-40, 40),
        lambda x, loc, scale: -abs(x - loc) / scale - 2 * softplus(-abs(x - loc) / scale) - log(scale),
    ),
    "Gumbel": (
        location(-4, 40),
        lambda x, loc, scale: -(x - loc) / scale - exp(-(x - loc) / scale) - log(scale),
    ),
    "Cauchy": (
        location(-9, 9, True),
        lambda x, loc, scale: -log1p(((x - loc) / scale) ** 2) - log(pi * scale),
    ),
    "HalfNormal": (scale_only(), lambda x, scale: -((x / scale) ** 2) / 2 - log(scale) + log(2 / pi) / 2),
    "HalfCauchy": (scale_only(True), lambda x, scale: log(2 / (pi * scale)) - log1p((x / scale) ** 2)),
    "LogNormal": (
        log_normal,
        lambda x, loc, scale: -(((log(x) - loc) / scale) ** 2) / 2 - log(x) - log(scale) - LOG2PI / 2,
    ),
    "LogitNormal": (
        logit_normal,
        lambda x, loc, scale: -(((log(x) - log1p(-x) - loc) / scale) ** 2) / 2
        - log(x)
        - log1p(-x)
        - log(scale)
        - LOG2PI / 2,
    ),
    "RelaxedBernoulli": (relaxed_bernoulli, relaxed_density),
    "VonMises": (
        von_mises,
        lambda x, loc, concentration: concentration * cos(x - loc) - log(2 * pi) - bessel_log(concentration),
    ),
    "ContinuousBernoulli logits": (
        continuous_bernoulli,
        lambda x, logits: x * logits - cb_normalizer(logits),
    ),
}


def dirichlet_density(x, concentration):
    return (
        loggamma(sum(concentration))
        - sum(loggamma(a) for a in concentration)
        + sum((a - 1) * log(v) for a, v in zip(concentration, x))
    )


def bregman(c, a):
    return loggamma(c) - loggamma(a) - (c - a) * digamma(a)


def bessel_ratio(k):
    return besseli(1, k) / besseli(0, k)


H = {
    "Gamma": lambda concentration, rate: concentration
    - log(rate)
    + loggamma(concentration)
    + (1 - concentration) * digamma(concentration),
    "InverseGamma": lambda concentration, scale: concentration
    + log(scale)
    + loggamma(concentration)
    - (1 + concentration) * digamma(concentration),
    "ChiSquared": lambda df: df / 2 + log(2) + loggamma(df / 2) + (1 - df / 2) * digamma(df / 2),
    "Beta": lambda concentration1, concentration0: lbeta(concentration1, concentration0)
    - (concentration1 - 1) * digamma(concentration1)
    - (concentration0 - 1) * digamma(concentration0)
    + (concentration1 + concentration0 - 2) * digamma(concentration1 + concentration0),
    "StudentT": lambda df, loc, scale: (df + 1) / 2 * (digamma((df + 1) / 2) - digamma(df / 2))
    + log(df) / 2
    + lbeta(df / 2, mpf(1) / 2)
    + log(scale),
    "VonMises": lambda loc, concentration: -concentration * bessel_ratio(concentration)
    + log(2 * pi)
    + bessel_log(concentration),
    "Weibull": lambda scale, concentration: euler * (1 - 1 / concentration) + log(scale / concentration) + 1,
    "Geometric logits": lambda logits: softplus(-logits) + exp(-logits) * softplus(logits),
    "ContinuousBernoulli logits": lambda logits: cb_normalizer(logits)
    - logits * (1 / (1 - exp(-logits)) - 1 / logits),
}
V = {
    "Weibull": lambda scale, concentration: scale**2 * (gamma(1 + 2 / concentration) - gamma(1 + 1 / concentration) ** 2),
    "Beta": lambda concentration1, concentration0: concentration1
    * concentration0
    / (concentration1 + concentration0) ** 2
    / (concentration1 + concentration0 + 1),
    "Gamma": lambda concentration, rate: concentration / rate**2,
    "Binomial logits": lambda total, logits: total / ((1 + exp(logits)) * (1 + exp(-logits))),
    "Bernoulli logits": lambda logits: 1 / ((1 + exp(logits)) * (1 + exp(-logits))),
    "NegativeBinomial logits": lambda total, logits: total * exp(logits) * (1 + exp(logits)),
    "Geometric logits": lambda logits: exp(-logits) * (1 + exp(-logits)),
    "LogNormal": lambda loc, scale: mp.expm1(scale**2) * exp(2 * loc + scale**2),
}


def gamma_kl(a, b, c, d):
    return bregman(c, a) + c * log(b / d) + a * (d / b - 1)


KL = {
    "Poisson": (lambda p, q: p["rate"] * log(p["rate"] / q["rate"]) + q["rate"] - p["rate"]),
    "Gamma": lambda p, q: gamma_kl(p["concentration"], p["rate"], q["concentration"], q["rate"]),
    "InverseGamma": lambda p, q: gamma_kl(p["concentration"], p["scale"], q["concentration"], q["scale"]),
    "ChiSquared": lambda p, q: bregman(q["df"] / 2, p["df"] / 2),
    "Beta": lambda p, q: bregman(q["concentration1"], p["concentration1"])
    + bregman(q["concentration0"], p["concentration0"])
    - bregman(q["concentration1"] + q["concentration0"], p["concentration1"] + p["concentration0"]),
    "VonMises": lambda p, q: bessel_ratio(p["concentration"])
    * (p["concentration"] - q["concentration"] * cos(p["loc"] - q["loc"]))
    + bessel_log(q["concentration"])
    - bessel_log(p["concentration"]),
}
KL["Dirichlet"] = lambda p, q: sum(bregman(c, a) for c, a in zip(q["concentration"], p["concentration"])) - bregman(
    sum(q["concentration"]), sum(p["concentration"])
)
H["Dirichlet"] = (
    lambda concentration: sum(loggamma(a) for a in concentration)
    - loggamma(sum(concentration))
    + (sum(concentration) - len(concentration)) * digamma(sum(concentration))
    - sum((a - 1) * digamma(a) for a in concentration)
)
V["Dirichlet"] = lambda concentration: concentration[0] * (sum(concentration) - concentration[0]) / (
    sum(concentration) ** 2 * (sum(concentration) + 1)
)


def raised(tree, path, factor):
    """The nested numbers with the one at `path` times a factor."""
    if not path:
        return tree * factor
    head, *rest = path
    if isinstance(tree, dict):
        return {k: raised(v, rest, factor) if k == head else v for k, v in tree.items()}
    return [raised(v, rest, factor) if i == head else v for i, v in enumerate(tree)]


def paths(tree):
    if isinstance(tree, dict):
        return [[k, *p] for k, v in tree.items() for p in paths(v)]
    if isinstance(tree, list):
        return [[i, *p] for i, v in enumerate(tree) for p in paths(v)]
    return [[]]


def exact(tree):
    if isinstance(tree, dict):
        return {k: exact(v) for k, v in tree.items()}
    if isinstance(tree, list):
        return [exact(v) for v in tree]
    return mpf(tree)


def result(f, given):
    given = exact(given)
    value = f(given)
    h = mpf(10) ** -20
    condition = mpf(0)
    for p in paths(given):
        up, down = f(raised(given, p, 1 + h)), f(raised(given, p, 1 - h))
        slope = abs(up - down) / (2 * h)
        condition += mpf(0) if isinf(slope) or slope != slope else slope.real
    value = mpf(mp.re(value))
    return [float(value), float("%.3g" % condition)]


def jittered(p):
    """Other parameters, some a little off, some far."""
    f = rng.choice([1 + 1e-3, 1.01, 1.3, 3])
    return {
        k: [single(a * rng.choice([f, 1 / f, 1])) for a in v] if isinstance(v, list) else single(v * rng.choice([f, 1 / f]))
        for k, v in p.items()
    }


def rows(name, draw, density, count):
    drawn = [draw() for _ in range(count)]
    out = {"parameters": [p for p, _ in drawn], "values": [x for _, x in drawn]}
    out["logProb"] = [result(lambda g: density(g["x"], **g["p"]), {"x": x, "p": p}) for p, x in drawn]
    for key, table in (("entropy", H), ("variance", V)):
        if name in table:
            out[key] = [result(lambda g: table[name](**g), p) for p, _ in drawn]
    if name in KL:
        out["others"] = [jittered(p) for p, _ in drawn]
        out["kl"] = [
            result(lambda g: KL[name](g["p"], g["q"]), {"p": p, "q": q}) for (p, _), q in zip(drawn, out["others"])
        ]
    return out


def compact(v):
    if isinstance(v, float):
        if v != v or v in (float("inf"), float("-inf")):
            return {"inf": "Infinity", "-inf": "-Infinity"}.get(str(v), "NaN")
        return int(v) if v == int(v) and abs(v) < 1e15 else v
    if isinstance(v, dict):
        return {k: compact(w) for k, w in v.items()}
    if isinstance(v, list):
        return [compact(w) for w in v]
    return v


COUNT = 120
found = {name: rows(name, draw, density, COUNT) for name, (draw, density) in FAMILIES.items()}
found["Dirichlet"] = rows("Dirichlet", dirichlet, dirichlet_density, COUNT)
print("{" + ",\n".join(f'"{k}":' + json.dumps(compact(v), separators=(",", ":")) for k, v in found.items()) + "}")

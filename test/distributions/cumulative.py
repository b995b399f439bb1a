"""Writes cumulative.json beside this file: distribution functions at drawn parameters and points, by mpmath. Not run by the tests.

    python3 test/distributions/cumulative.py && npx biome check --write test/distributions/cumulative.json

Each family's textbook formula with 120 digits or more, so that what cancels in it does no harm; both tails down to e^-80 (further where a logarithm is
natural). Parameters and points are float32 numbers, so that both precisions are tested at the same ones. {family: [{parameters, x, logCdf, logSurvival}]}.
"""
import functools
import json
import math
import os
import random
import struct
from numpy.polynomial.legendre import leggauss
from mpmath import mp, mpf, atan, erfc, exp, expm1, inf, log, sqrt, pi, gammainc, betainc

mp.dps = 120
GAUSS = list(zip(*(map(float, part) for part in leggauss(60))))
single = lambda x: struct.unpack("f", struct.pack("f", float(x)))[0]
uniform = lambda low, high: lambda: random.uniform(low, high)
wide = lambda low, high: lambda: 10 ** random.uniform(low, high)
signed = lambda low, high: lambda: random.choice((-1, 1)) * 10 ** random.uniform(low, high)


def both(cdf):
    return lambda x, **p: (cdf(x, **p), 1 - cdf(x, **p))


def tail(z):
    return erfc(z / sqrt(2)) / 2 if abs(z) < 1e4 else mpf(z < 0)


def normal(x, loc, scale):
    z = (x - loc) / scale
    return tail(-z), tail(z)


def folded(lower, upper):
    return lambda x, scale: (lower(x / scale), upper(x / scale))


def location(standard):
    return lambda x, loc, scale: standard((x - loc) / scale)


def hazard(h):
    def cut(x, **p):
        total = min(h(x, **p), mpf(10) ** 6)
        return -expm1(-total), exp(-total)
    return cut


def logistic(z):
    return 1 / (1 + exp(-z)), 1 / (1 + exp(z))


def continuous_bernoulli(x, logits):
    return expm1(x * logits) / expm1(logits), exp(logits) * -expm1(-(1 - x) * logits) / expm1(logits)


FAMILIES = {
    "Normal": (dict(loc=signed(-2, 1), scale=wide(-2, 2)), normal),
    "Laplace": (dict(loc=signed(-2, 1), scale=wide(-2, 2)),
                location(lambda z: (exp(z) / 2, 1 - exp(z) / 2) if z < 0 else (1 - exp(-z) / 2, exp(-z) / 2))),
    "Cauchy": (dict(loc=signed(-2, 1), scale=wide(-2, 2)),
               location(lambda z: (0.5 + atan(z) / pi, 0.5 - atan(z) / pi))),
    "Logistic": (dict(loc=signed(-2, 1), scale=wide(-2, 2)), location(logistic)),
    "Gumbel": (dict(loc=signed(-2, 1), scale=wide(-2, 2)),
               location(lambda z: (exp(-exp(-z)), -expm1(-exp(-z))) if z > -20 else (mpf(0), mpf(1)))),
    "Exponential": (dict(rate=wide(-2, 2)), hazard(lambda x, rate: rate * x)),
    "Weibull": (dict(scale=wide(-2, 2), concentration=wide(-1, 1)),
                hazard(lambda x, scale, concentration: (x / scale) ** concentration)),
    "HalfNormal": (dict(scale=wide(-2, 2)), folded(lambda z: 1 - 2 * tail(z), lambda z: 2 * tail(z))),
    "HalfCauchy": (dict(scale=wide(-2, 2)), folded(lambda z: 2 * atan(z) / pi, lambda z: 1 - 2 * atan(z) / pi)),
    "LogNormal": (dict(loc=uniform(-2, 2), scale=wide(-1, 0.5)), lambda x, loc, scale: normal(log(x), loc, scale)),
    "LogitNormal": (dict(loc=uniform(-2, 2), scale=wide(-1, 0.5)), lambda x, loc, scale: normal(log(x / (1 - x)), loc, scale)),
    "Pareto": (dict(scale=wide(-2, 2), concentration=wide(-1, 1)),
               hazard(lambda x, scale, concentration: concentration * log(x / scale))),
    "Uniform": (dict(low=uniform(-2, 0), high=uniform(0.5, 3)),
                lambda x, low, high: ((x - low) / (high - low), (high - x) / (high - low))),
    "RelaxedBernoulli": (dict(temperature=wide(-1, 0.5), logits=uniform(-3, 3)),
                         lambda x, temperature, logits: logistic(temperature * log(x / (1 - x)) - logits)),
    "ContinuousBernoulli": (dict(logits=signed(-5, 1.5)), continuous_bernoulli),
    "Geometric": (dict(probs=wide(-3, -0.05)), lambda k, probs: (1 - (1 - probs) ** (k + 1), (1 - probs) ** (k + 1))),
    "Bernoulli": (dict(probs=wide(-6, -0.01)), lambda k, probs: (1 - probs, probs) if k < 1 else (mpf(1), mpf(0))),
    "Gamma": (dict(concentration=wide(-3, 4), rate=wide(-2, 2)),
              lambda x, concentration, rate: (gammainc(concentration, 0, rate * x, regularized=True),
                                              gammainc(concentration, rate * x, inf, regularized=True))),
    "InverseGamma": (dict(concentration=wide(-1, 3), scale=wide(-2, 2)),
                     lambda x, concentration, scale: (gammainc(concentration, scale / x, inf, regularized=True),
                                                      gammainc(concentration, 0, scale / x, regularized=True))),
    "ChiSquared": (dict(df=wide(-1, 3)), lambda x, df: (gammainc(df / 2, 0, x / 2, regularized=True),
                                                        gammainc(df / 2, x / 2, inf, regularized=True))),
    "Beta": (dict(concentration1=wide(-2, 3), concentration0=wide(-2, 3)),
             lambda x, concentration1, concentration0: (betainc(concentration1, concentration0, 0, x, regularized=True),
                                                        betainc(concentration0, concentration1, 0, 1 - x, regularized=True))),
    "StudentT": (dict(df=wide(-0.5, 2.5), loc=signed(-2, 1), scale=wide(-2, 2)), None),
    "Poisson": (dict(rate=wide(-2, 3)), lambda k, rate: (gammainc(k + 1, rate, inf, regularized=True),
                                                         gammainc(k + 1, 0, rate, regularized=True))),
    "Binomial": (dict(total=wide(0, 3), probs=wide(-3, -0.02)), None),
    "NegativeBinomial": (dict(total=wide(-1, 2), probs=wide(-3, -0.02)), None),
}


def student(x, df, loc, scale):
    t = (x - loc) / scale
    upper = betainc(df / 2, mpf(1) / 2, 0, df / (df + t * t), regularized=True) / 2
    return (upper, 1 - upper) if t < 0 else (1 - upper, upper)


def binomial(k, total, probs):
    if k >= total:
        return mpf(1), mpf(0)
    return (betainc(total - k, k + 1, 0, 1 - probs, regularized=True), betainc(k + 1, total - k, 0, probs, regularized=True))


def negative_binomial(k, total, probs):
    # probs is that of what is counted, until `total` of the others have come.
    if k > 20000:  # Beyond the points that are wanted, and slow.
        return mpf(1), mpf(0)
    lower = betainc(total, k + 1, 0, 1 - probs, regularized=True)
    return lower, 1 - lower


def generalized_extreme_value(x, loc, scale, shape):
    hazard = min((1 + shape * (x - loc) / scale) ** (-1 / shape), mpf(10) ** 6)
    return exp(-hazard), -expm1(-hazard)


def inverse_gaussian(x, loc, concentration):
    with mp.workdps(300):
        r = sqrt(concentration / x)
        cdf = lambda z: erfc(-z / sqrt(mpf(2))) / 2
        lower = cdf(r * (x / loc - 1)) + exp(2 * concentration / loc) * cdf(-r * (x / loc + 1))
        return lower, 1 - lower


def skew_normal(x, loc, scale, skewness):
    z = (x - loc) / scale
    a = abs(skewness)
    y = z if skewness > 0 else -z
    # P(Y < -u) for u >= 0: the integral of 2 phi(t) Phi(-a t) beyond u, whose integrand falls on this scale.
    u, s = abs(y), sqrt(1 + a * a)
    step = min(1 / s, 1 / (s * s * u)) if u > 0 else 1 / s
    # While a point is looked for, few digits do.
    with mp.workdps(40 if mp.dps > 100 else 12):
        height = lambda t: exp(-t * t / 2) * erfc(a * t / sqrt(mpf(2)))
        thin = mp.quad(height, [u + step * k for k in (0, 1, 3, 8, 20, 50, 110)], maxdegree=5 if mp.dps > 20 else 2) / sqrt(2 * pi)
        lower = thin if y < 0 else 1 - 2 * tail(y) + thin
        upper = 1 - thin if y < 0 else 2 * tail(y) - thin
    return (lower, upper) if skewness > 0 else (upper, lower)


tail_shape = lambda: random.choice((-(10 ** random.uniform(-2, -1)), 10 ** random.uniform(-2, -0.1)))
FAMILIES["GeneralizedPareto"] = (dict(loc=signed(-2, 1), scale=wide(-2, 2), shape=tail_shape),
                                 hazard(lambda x, loc, scale, shape: log(1 + shape * (x - loc) / scale) / shape))
FAMILIES["GeneralizedExtremeValue"] = (dict(loc=signed(-2, 1), scale=wide(-2, 2), shape=tail_shape), generalized_extreme_value)
FAMILIES["InverseGaussian"] = (dict(loc=wide(-1.5, 1.5), concentration=wide(-1.5, 1.5)), inverse_gaussian)
FAMILIES["SkewNormal"] = (dict(loc=signed(-2, 1), scale=wide(-2, 2), skewness=signed(-2, 2)), skew_normal)


def horseshoe_tail(a):
    # P(X > a) for a >= 0 is (2/pi) times the integral of Phi(-s) a/(a^2 + s^2).
    with mp.workdps(30 if mp.dps > 100 else 15):
        cuts = sorted({mpf(0), a / 8, a / 2, a, 2 * a, 8 * a, 64 * a, mpf(1) / 16, mpf(1), mpf(3), mpf(6), mpf(9), mpf(13)})
        cuts = [c for c in cuts if c <= 13]
        height = lambda s: erfc(s / sqrt(mpf(2))) / 2 * a / (a * a + s * s)
        return 2 / pi * mp.quad(height, cuts)


def horseshoe(x, scale):
    a = abs(x / scale)
    if a > mpf(10) ** 6:
        t = sum((-1) ** k * mp.fac2(2 * k) * sqrt(2 / pi) / (2 * (2 * k + 1)) / a ** (2 * k + 1) for k in range(8)) * 2 / pi
    else:
        t = horseshoe_tail(a)
    return (t, 1 - t) if x < 0 else (1 - t, t)


def von_mises(x, loc, concentration):
    """Of angles in [-pi, pi)."""
    with mp.workdps(30 if mp.dps > 100 else 15):
        spread = 1 / sqrt(concentration + 1)
        peaks = [loc + 2 * pi * k for k in (-1, 0, 1)]
        steps = [0] + [sign * spread * mpf(2) ** (j / mpf(2)) for j in range(-2, 12) for sign in (-1, 1)]
        cuts = [p + s for p in peaks for s in steps] + [loc - pi, loc + pi]
        height = lambda u: exp(-2 * concentration * mp.sin((u - loc) / 2) ** 2)

        def arc(a, b):
            inside = sorted({a, b, *[c for c in cuts if a < c < b]})
            return mp.fsum((v - u) / 2 * w * height((u + v) / 2 + (v - u) / 2 * t) for u, v in zip(inside, inside[1:]) for t, w in GAUSS) if b > a else mpf(0)

        lower, upper = arc(-pi, x), arc(x, pi)
        return lower / (lower + upper), upper / (lower + upper)


@functools.lru_cache(None)
def skellam_sums(rate1, rate2):
    """Sums of the masses from below and from above: Bessel functions by their recurrence, from the largest order down, where it is stable."""
    with mp.workdps(60):
        spread = sqrt(rate1 + rate2)
        reach = int(abs(rate1 - rate2) + 16 * spread + 120)
        x = 2 * sqrt(rate1 * rate2)
        bessel = {reach + 1: mp.besseli(reach + 1, x), reach: mp.besseli(reach, x)}
        for order in range(reach, 0, -1):
            bessel[order - 1] = bessel[order + 1] + 2 * order / x * bessel[order]
        ratio = sqrt(rate1 / rate2)
        masses = [exp(-rate1 - rate2) * ratio ** k * bessel[abs(k)] for k in range(-reach, reach + 1)]
        lower, upper = {}, {}
        total = mpf(0)
        for k, mass in zip(range(-reach, reach + 1), masses):
            total += mass
            lower[k] = total
        total = mpf(0)
        for k, mass in zip(range(reach, -reach - 1, -1), reversed(masses)):
            upper[k] = total
            total += mass
        return lower, upper, reach


def skellam(k, rate1, rate2):
    lower, upper, reach = skellam_sums(rate1, rate2)
    k = int(mp.floor(k))
    if abs(k) > reach:
        return (mpf(0), mpf(1)) if k < 0 else (mpf(1), mpf(0))
    return lower[k], upper[k]


FAMILIES["Horseshoe"] = (dict(scale=wide(-2, 2)), horseshoe)
FAMILIES["VonMises"] = (dict(loc=uniform(-3, 3), concentration=wide(-2, 4)), von_mises)
FAMILIES["Skellam"] = (dict(rate1=wide(-2, 3), rate2=wide(-2, 3)), skellam)
FAMILIES["StudentT"] = (FAMILIES["StudentT"][0], student)
FAMILIES["Binomial"] = (FAMILIES["Binomial"][0], binomial)
FAMILIES["NegativeBinomial"] = (FAMILIES["NegativeBinomial"][0], negative_binomial)
COUNTS = ("Geometric", "Bernoulli", "Poisson", "Binomial", "NegativeBinomial", "Skellam")
UNIT = ("LogitNormal", "RelaxedBernoulli", "ContinuousBernoulli", "Beta")


def support(name, p):
    if name in UNIT:
        return 0.0, 1.0
    if name == "Uniform":
        return p["low"], p["high"]
    if name in ("GeneralizedPareto", "GeneralizedExtremeValue"):
        end = p["loc"] - p["scale"] / p["shape"]
        bounded = p["shape"] < 0
        low = p["loc"] if name == "GeneralizedPareto" else None if bounded else end
        return (None if low is None else float(low)), (float(end) if bounded else None)
    if name == "Pareto":
        return p["scale"], None
    if name == "VonMises":
        return -math.pi, math.pi
    if name in ("Normal", "Laplace", "Cauchy", "Logistic", "Gumbel", "StudentT", "SkewNormal", "Horseshoe", "Skellam"):
        return None, None
    return 0.0, None


def at_depth(f, low, high, depth, upper):
    """A point with the given log probability in one tail, by bisection of a coordinate that covers the support."""
    def x_of(t):
        if low is None:
            return math.sinh(t) if high is None else high - math.exp(-t)
        if high is None:
            return low + math.exp(t)
        return low + (high - low) / (1 + math.exp(-t)) if t < 0 else high - (high - low) / (1 + math.exp(t))
    a, b = -60.0, 60.0
    with mp.workdps(60):
        for _ in range(30):
            m = (a + b) / 2
            x = single(x_of(m))
            if (high is not None and x >= high) or (low is not None and x <= low and m > 0):
                b = m
                continue
            if low is not None and x <= low:
                a = m
                continue
            value = f(mpf(x))[1 if upper else 0]
            deeper = value <= 0 or log(value) < depth
            if deeper == upper:
                b = m
            else:
                a = m
    return single(x_of((a + b) / 2))


def points(name, f, p):
    low, high = support(name, p)
    if name == "Bernoulli":
        return [0.0]
    found = set()
    for depth in (-0.3, -1, -5, -random.uniform(8, 30), -random.uniform(30, 80)):
        for upper in (False, True):
            x = at_depth(lambda v: f(mp.floor(v) if name in COUNTS else v, **p), low, high, depth, upper)
            if name in COUNTS:
                x = float(math.floor(x))
                if x > 2**20:
                    continue
            if (low is None or x > low or name in COUNTS) and (high is None or x < high):
                found.add(x)
    return sorted(found)


def rows(name, spec, f, count):
    random.seed(name)
    out = []
    for _ in range(count):
        p = {k: single(draw()) for k, draw in spec.items()}
        if name == "Binomial":
            p["total"] = float(round(p["total"]))
        q = {k: mpf(v) for k, v in p.items()}
        xs, lower, upper = [], [], []
        for x in points(name, f, q):
            a, b = f(mpf(x), **q)
            if a <= 0 or b <= 0:
                continue
            la, lb = float(log(a)) if a < 0.5 else float(mp.log1p(-b)), float(log(b)) if b < 0.5 else float(mp.log1p(-a))
            if min(la, lb) > -1e4:
                xs.append(x), lower.append(la), upper.append(lb)
        out.append({"parameters": p, "x": xs, "logCdf": lower, "logSurvival": upper})
    return out


import sys
names = sys.argv[1:] or list(FAMILIES)
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cumulative.json")
table = json.load(open(path)) if os.path.exists(path) else {}
for name in names:
    table[name] = rows(name, *FAMILIES[name], 8)
    print(name, sum(len(r["x"]) for r in table[name]), file=sys.stderr)
    json.dump({k: table[k] for k in FAMILIES if k in table}, open(path, "w"))

"""Reference values for the cases of registry/families.ts, extremes.ts and categories.ts, by mpmath with 40 digits; the normaliser of LKJ by quadrature, not by its formula.

    node test/distributions/reference.mjs | python3 test/distributions/reference-families.py [NAME ...] && npx biome check --write test/distributions

Made with mpmath 1.3. Gradients are those of the sum of the log density over all points.
"""

import json
import os
import sys

from mpmath import besseli, cos, gamma, mp, mpf, sin, det, digamma, erfc, exp, expm1, inf, log, loggamma, matrix, pi, quad, sqrt

mp.dps = 40
real = lambda v: mpf(v) if not isinstance(v, list) else [real(x) for x in v]
number = lambda x: "-Infinity" if x == -inf else float(x)


def sigmoid(x):
    return 1 / (1 + exp(-x))


def ordered(k, predictor, cutpoints):
    with mp.workdps(80):
        below = [sigmoid(c - predictor) for c in cutpoints] + [mpf(1)]
        k = int(k)
        return log(below[k] - (below[k - 1] if k > 0 else 0))


def log_volume(eta):
    """ln of the integral of det(R)^(eta - 1) over correlations of 3, by its partial correlations, each by quadrature."""
    one = lambda b: quad(lambda z: (1 - z * z) ** (b - 1), [-1, 0, 1])
    # det R = (1 - x^2)(1 - y^2)(1 - z^2), and the Jacobian sqrt((1 - x^2)(1 - y^2)).
    return 2 * log(one(eta + mpf(1) / 2)) + log(one(eta))


def lkj(r, eta):
    return (eta - 1) * log(det(matrix(r))) - log_volume(eta)


def lkj_cholesky(l, eta):
    # From the density of R = L L': the Jacobian from L to R is L22 (for 3 rows).
    return (eta - 1) * 2 * log(l[1][1] * l[2][2]) + log(l[1][1]) - log_volume(eta)


def gradient(f, x):
    h = mpf(10) ** -12
    return (f(x + h) - f(x - h)) / (2 * h)


def rows(case):
    p = {k: real(v) for k, v in case["parameters"].items()}
    return [{k: v[i] for k, v in p.items()} for i in range(len(next(iter(p.values()))))]


def table(case, density, names):
    points = [real(x[0]) for x in case["points"]]
    each = rows(case)
    values = [[density(x, **r) for r in each] for x in points]
    grads = {}
    for name in names:
        out = []
        for r in each:
            finite = [x for x in points if density(x, **r) != -inf]
            parts = r[name] if isinstance(r[name], list) else [r[name]]
            for i in range(len(parts)):
                def total(v):
                    moved = [v if j == i else q for j, q in enumerate(parts)]
                    return sum(density(x, **{**r, name: moved if isinstance(r[name], list) else v}) for x in finite)
                out.append(number(gradient(total, parts[i])))
        grads[name] = out
    return {"logProb": [number(v) for row in values for v in row], "gradients": grads}


def ordered_logistic(case):
    out = table(case, ordered, ["predictor", "cutpoints"])
    logs = [[ordered(k, **r) for k in range(len(r["cutpoints"]) + 1)] for r in rows(case)]
    return out | {"entropy": [number(-sum(exp(l) * l for l in row)) for row in logs]}


def correlations(case):
    def density(x, concentration):
        return lkj(x, concentration)

    out = table(case, density, ["concentration"])
    mean, variance = [], []
    for r in rows(case):
        b = r["concentration"] + mpf(1) / 2
        mass = quad(lambda z: (1 - z * z) ** (b - 1), [-1, 0, 1])
        v = quad(lambda z: z * z * (1 - z * z) ** (b - 1), [-1, 0, 1]) / mass
        mean += [float(i == j) for i in range(3) for j in range(3)]
        variance += [0.0 if i == j else number(v) for i in range(3) for j in range(3)]
    return out | {"mean": mean, "variance": variance}


def truncated_normal(case):
    high = lambda r: r.get("high", mpf(inf))

    def mass(r):
        a, b = (r["low"] - r["loc"]) / r["scale"], (high(r) - r["loc"]) / r["scale"]
        with mp.workdps(1200):
            cdf = lambda z: erfc(-z / sqrt(mpf(2))) / 2
            return +(cdf(-a) - cdf(-b))

    def density(x, **r):
        if not r["low"] <= x <= high(r):
            return -inf
        z = (x - r["loc"]) / r["scale"]
        return -z * z / 2 - log(2 * pi) / 2 - log(r["scale"]) - log(mass(r))

    out = table(case, density, list(case["parameters"]))
    mean, variance, entropy = [], [], []
    for r in rows(case):
        a, b = (r["low"] - r["loc"]) / r["scale"], (high(r) - r["loc"]) / r["scale"]
        top = max(a, min(b, mpf(0)))
        reach = 2 * 120 / (abs(top) + sqrt(top * top + 240))
        ends = [max(a, top - reach), top, min(b, top + reach)]
        ends = sorted(set(ends))
        ends = [x + (y - x) * i / 4 for x, y in zip(ends, ends[1:]) for i in range(4)] + ends[-1:]
        integral = lambda f: quad(lambda z: f(z) * exp(-(z - top) * (z + top) / 2), ends)
        total = integral(lambda z: 1)
        m = integral(lambda z: z - top) / total
        mean.append(number(r["loc"] + r["scale"] * (top + m)))
        variance.append(number(r["scale"] ** 2 * integral(lambda z: (z - top - m) ** 2) / total))
        rise = integral(lambda z: (z - top) * (z + top) / 2) / total
        entropy.append(number(rise + log(total * r["scale"])))
    return out | {"mean": mean, "variance": variance, "entropy": entropy}


def truncated_exponential(case):
    def density(x, rate, low, high):
        return -inf if not low <= x <= high else log(rate) - rate * x - log(exp(-rate * low) - exp(-rate * high))

    return table(case, density, ["rate", "low", "high"])


def truncated_geometric(case):
    def density(k, probs, low, high):
        mass = lambda j: probs * (1 - probs) ** j
        if not low <= k <= high:
            return -inf
        return log(mass(k) / sum(mass(mpf(j)) for j in range(int(low), int(high) + 1)))

    out = table(case, density, ["probs"])
    n = len(case["parameters"]["probs"])
    return out | {"gradients": out["gradients"] | {"low": [0.0] * n, "high": [0.0] * n}}


def censored_weibull(case):
    def density(x, scale, concentration, low, high):
        hazard = lambda t: (t / scale) ** concentration
        if not low <= x <= high:
            return -inf
        if x == low:
            return log(1 - exp(-hazard(x)))
        if x == high:
            return -hazard(x)
        return log(concentration / scale) + (concentration - 1) * log(x / scale) - hazard(x)

    out = table(case, density, ["scale", "concentration"])
    # The bounds are where the values are: as parameters they move the probabilities of the values recorded there.
    low, high = [], []
    for r in rows(case):
        points = [real(x[0]) for x in case["points"]]
        at_low = lambda v: log(1 - exp(-((v / r["scale"]) ** r["concentration"])))
        at_high = lambda v: -((v / r["scale"]) ** r["concentration"])
        low.append(number(sum(gradient(at_low, r["low"]) for x in points if x == r["low"])))
        high.append(number(sum(gradient(at_high, r["high"]) for x in points if x == r["high"])))
    return out | {"gradients": out["gradients"] | {"low": low, "high": high}}


def log_beta(a, b):
    return loggamma(a) + loggamma(b) - loggamma(a + b)


def beta_binomial(k, n, a, b):
    if k > n:
        return -inf
    return loggamma(n + 1) - loggamma(k + 1) - loggamma(n - k + 1) + log_beta(k + a, n - k + b) - log_beta(a, b)


def beta_binomials(case):
    many = case["name"] == "BetaBinomial totals"
    totals = [mpf(n) for n in ([3, 40, 1000, 10**8, 10**8] if many else [12] * 4)]
    concentrations = [r["concentration1"] for r in rows(case)]

    def density(k, concentration1, concentration0):
        near = min(range(len(totals)), key=lambda i: abs(concentrations[i] - concentration1))
        return beta_binomial(k, totals[near], concentration1, concentration0)

    out = table(case, density, list(case["parameters"]))
    found = []
    for r, n in zip(rows(case), totals):
        a, b = r["concentration1"], r["concentration0"]
        found.append((n * a / (a + b), n * a * b * (a + b + n) / ((a + b) ** 2 * (a + b + 1))))
    out |= {"mean": [number(m) for m, _ in found], "variance": [number(v) for _, v in found]}
    if many:
        return out
    mass = [[exp(density(mpf(k), **r)) for k in range(13)] for r in rows(case)]
    for m, (mean, variance) in zip(mass, found):
        assert abs(sum(k * p for k, p in enumerate(m)) - mean) < 1e-20
        assert abs(sum((k - mean) ** 2 * p for k, p in enumerate(m)) - variance) < 1e-20
    return out | {"entropy": [number(-sum(p * log(p) for p in m)) for m in mass]}


def factor_of(spread):
    return matrix([[spread, 0], [spread / 2, 2 * spread]])


def log_wishart_constant(df):
    # 2^(np/2) Gamma_p(n/2) for p = 2.
    return df * log(2) + log(pi) / 2 + loggamma(df / 2) + loggamma((df - 1) / 2)


def trace_of(m):
    return m[0, 0] + m[1, 1]


def wishart(case):
    def density(x, df, spread):
        w, l = matrix(x), factor_of(spread)
        v = l * l.T
        return (df - 3) / 2 * log(det(w)) - trace_of(v**-1 * w) / 2 - df / 2 * log(det(v)) - log_wishart_constant(df)

    out = table(case, density, ["df", "spread"])
    mean, variance, entropy = [], [], []
    for r in rows(case):
        l, n = factor_of(r["spread"]), r["df"]
        v = l * l.T
        mean += [number(n * v[i, j]) for i in range(2) for j in range(2)]
        variance += [number(n * (v[i, j] ** 2 + v[i, i] * v[j, j])) for i in range(2) for j in range(2)]
        expected = digamma(n / 2) + digamma((n - 1) / 2) + 2 * log(2) + log(det(v))
        entropy.append(number(log_wishart_constant(n) + n / 2 * log(det(v)) - (n - 3) / 2 * expected + n))
    return out | {"mean": mean, "variance": variance, "entropy": entropy}


def inverse_wishart(case):
    def density(x, df, spread):
        w, l = matrix(x), factor_of(spread)
        v = l * l.T
        return df / 2 * log(det(v)) - (df + 3) / 2 * log(det(w)) - trace_of(v * w**-1) / 2 - log_wishart_constant(df)

    out = table(case, density, ["df", "spread"])
    mean, variance = [], []
    for r in rows(case):
        l, n = factor_of(r["spread"]), r["df"]
        v = l * l.T
        mean += [number(v[i, j] / (n - 3)) for i in range(2) for j in range(2)]
        variance += [number(((n - 1) * v[i, j] ** 2 + (n - 3) * v[i, i] * v[j, j]) / ((n - 2) * (n - 3) ** 2 * (n - 5)))
                     for i in range(2) for j in range(2)]
    return out | {"mean": mean, "variance": variance}


def random_walk(case):
    def density(x, scale, initial=mpf(0), drift=mpf(0)):
        before = [initial] + x[:-1]
        return sum(-(((b - a - drift) / scale) ** 2) / 2 - log(scale) - log(2 * pi) / 2 for a, b in zip(before, x))

    out = table(case, density, list(case["parameters"]))
    each = rows(case)
    return out | {
        "mean": [number(r.get("initial", mpf(0)) + t * r.get("drift", mpf(0))) for r in each for t in (1, 2, 3)],
        "variance": [number(t * r["scale"] ** 2) for r in each for t in (1, 2, 3)],
        "entropy": [number(3 * (log(2 * pi) / 2 + mpf(1) / 2 + log(r["scale"]))) for r in each],
    }


def zero_inflated(case):
    def density(x, rate, probs=None, logits=None):
        pi0 = probs if probs is not None else sigmoid(logits)
        mass = exp(x * log(rate) - rate - loggamma(x + 1))
        return log((pi0 if x == 0 else 0) + (1 - pi0) * mass)

    out = table(case, density, list(case["parameters"]))
    mean, variance = [], []
    for r in rows(case):
        pi0 = r["probs"] if "probs" in r else sigmoid(r["logits"])
        m, second = (1 - pi0) * r["rate"], (1 - pi0) * (r["rate"] + r["rate"] ** 2)
        mean.append(number(m))
        variance.append(number(second - m * m))
    return out | {"mean": mean, "variance": variance}


def skew_normal(case):
    def density(x, loc, scale, skewness):
        z = (x - loc) / scale
        with mp.workdps(200):
            return -z * z / 2 - log(2 * pi) / 2 - log(scale) + log(erfc(-skewness * z / sqrt(mpf(2))))

    out = table(case, density, ["loc", "scale", "skewness"])
    mean, variance = [], []
    for r in rows(case):
        f = lambda z: 2 * exp(-z * z / 2) / sqrt(2 * pi) * erfc(-r["skewness"] * z / sqrt(mpf(2))) / 2
        nodes = [-12, -6, -3, -1, 0, 1, 3, 6, 12]
        m = quad(lambda z: z * f(z), nodes)
        mean.append(number(r["loc"] + r["scale"] * m))
        variance.append(number(r["scale"] ** 2 * quad(lambda z: (z - m) ** 2 * f(z), nodes)))
    return out | {"mean": mean, "variance": variance}


def asymmetric_laplace(case):
    def density(x, loc, scale, asymmetry):
        left, right = scale * asymmetry, scale / asymmetry
        return ((x - loc) / left if x < loc else -(x - loc) / right) - log(left + right)

    out = table(case, density, ["loc", "scale", "asymmetry"])
    sides = [(r["loc"], r["scale"] * r["asymmetry"], r["scale"] / r["asymmetry"]) for r in rows(case)]
    # From the moments of two exponentials, weighed by their shares.
    mean = [(r * r - l * l) / (l + r) for _, l, r in sides]
    second = [2 * (l**3 + r**3) / (l + r) for _, l, r in sides]
    return out | {
        "mean": [number(m + c) for m, (c, _, _) in zip(mean, sides)],
        "variance": [number(s - m * m) for s, m in zip(second, mean)],
        "entropy": [number(1 + log(l + r)) for _, l, r in sides],
    }


def ordered_probit(case):
    cdf = lambda z: erfc(-z / sqrt(mpf(2))) / 2

    def density(k, predictor, cutpoints):
        with mp.workdps(600):
            below = [cdf(c - predictor) for c in cutpoints] + [mpf(1)]
            k = int(k)
            return log(below[k] - (below[k - 1] if k > 0 else 0))

    out = table(case, density, ["predictor", "cutpoints"])
    logs = [[density(k, **r) for k in range(len(r["cutpoints"]) + 1)] for r in rows(case)]
    return out | {"entropy": [number(-sum(exp(l) * l for l in row)) for row in logs]}


def dirichlet_multinomial(case):
    total = mpf(1000 if case["name"].endswith("many") else 4)

    def density(x, concentration):
        a = sum(concentration)
        parts = [loggamma(k + c) - loggamma(c) - loggamma(k + 1) for k, c in zip(x, concentration)]
        return loggamma(total + 1) + loggamma(a) - loggamma(total + a) + sum(parts)

    out = table(case, density, ["concentration"])
    mean, variance = [], []
    for r in rows(case):
        a = sum(r["concentration"])
        for c in r["concentration"]:
            p = c / a
            mean.append(number(total * p))
            variance.append(number(total * p * (1 - p) * (total + a) / (1 + a)))
    return out | {"mean": mean, "variance": variance}


def hurdle(case):
    poisson = case["name"] == "Hurdle logits"

    def mass(k, r):
        if poisson:
            return exp(k * log(r["rate"]) - r["rate"] - loggamma(k + 1))
        return r["success"] * (1 - r["success"]) ** k

    def density(x, **r):
        p = sigmoid(r["logits"]) if poisson else r["probs"]
        return log(p) if x == 0 else log(1 - p) + log(mass(x, r)) - log(1 - mass(mpf(0), r))

    out = table(case, density, list(case["parameters"]))
    mean, variance = [], []
    for r in rows(case):
        each = [(k, exp(density(mpf(k), **r))) for k in range(3000)]
        m = sum(k * p for k, p in each)
        mean.append(number(m))
        variance.append(number(sum((k - m) ** 2 * p for k, p in each)))
    return out | {"mean": mean, "variance": variance}


def family_mixture(case):
    def density(x, logits, loc, scale, df):
        normal = exp(-(((x - loc) / scale) ** 2) / 2) / (scale * sqrt(2 * pi))
        z = (x - scale) / scale
        student = exp(loggamma((df + 1) / 2) - loggamma(df / 2)) / (sqrt(df * pi) * scale) * (1 + z * z / df) ** (-(df + 1) / 2)
        a, b = exp(logits[0]), exp(logits[1])
        return log((a * normal + b * student) / (a + b))

    out = table(case, density, list(case["parameters"]))
    mean, variance = [], []
    for r in rows(case):
        w = sigmoid(r["logits"][0] - r["logits"][1])
        m = w * r["loc"] + (1 - w) * r["scale"]
        second = w * (r["scale"] ** 2 + r["loc"] ** 2) + (1 - w) * (r["scale"] ** 2 * r["df"] / (r["df"] - 2) + r["scale"] ** 2)
        mean.append(number(m))
        variance.append(number(second - m * m))
    return out | {"mean": mean, "variance": variance}


def generalized_pareto(case):
    def density(x, loc, scale, shape):
        z = (x - loc) / scale
        if z < 0 or 1 + shape * z < 0:
            return -inf
        return -log(scale) - (z if shape == 0 else (1 / shape + 1) * log(1 + shape * z))

    out = table(case, density, ["loc", "scale", "shape"])
    each = rows(case)
    return out | {
        "mean": [number(r["loc"] + r["scale"] / (1 - r["shape"])) for r in each],
        "variance": [number((r["scale"] / (1 - r["shape"])) ** 2 / (1 - 2 * r["shape"])) for r in each],
        "entropy": [number(log(r["scale"]) + r["shape"] + 1) for r in each],
    }


def generalized_extreme_value(case):
    def density(x, loc, scale, shape):
        z = (x - loc) / scale
        if 1 + shape * z <= 0:
            return -inf
        h = z if shape == 0 else log(1 + shape * z) / shape
        return -log(scale) - (1 + shape) * h - exp(-h)

    out = table(case, density, ["loc", "scale", "shape"])
    mean, variance, entropy = [], [], []
    for r in rows(case):
        # From the quantiles: h = -ln(-ln u), z = (e^(shape h) - 1)/shape.
        z = lambda h: h if r["shape"] == 0 else (exp(r["shape"] * h) - 1) / r["shape"]
        moment = lambda f: quad(lambda h: f(z(h)) * exp(-h - exp(-h)), [-6, -2, 0, 2, 6, 15, 40, 120, 300])
        m = moment(lambda v: v)
        mean.append(number(r["loc"] + r["scale"] * m))
        variance.append(number(r["scale"] ** 2 * moment(lambda v: (v - m) ** 2)))
        h = quad(lambda h: h * exp(-h - exp(-h)), [-6, -2, 0, 2, 6, 15, 40, 120, 300])
        entropy.append(number(log(r["scale"]) + (1 + r["shape"]) * h + 1))
    return out | {"mean": mean, "variance": variance, "entropy": entropy}


def inverse_gaussian(case):
    def density(x, loc, concentration):
        return log(concentration / (2 * pi * x**3)) / 2 - concentration * (x - loc) ** 2 / (2 * loc**2 * x)

    out = table(case, density, ["loc", "concentration"])
    each = rows(case)

    def kl(p, q):
        r = q["concentration"] / p["concentration"]
        return (r - 1 - log(r) + q["concentration"] * (p["loc"] - q["loc"]) ** 2 / (q["loc"] ** 2 * p["loc"])) / 2

    for p, q in zip(each, each[-1:] + each[:-1]):
        integral = quad(lambda x: exp(density(x, **p)) * (density(x, **p) - density(x, **q)), [mpf(10) ** -4, 0.1, 0.5, 1, 2, 5, 20, 100])
        assert abs(integral - kl(p, q)) < 1e-12
    return out | {
        "mean": [number(r["loc"]) for r in each],
        "variance": [number(r["loc"] ** 3 / r["concentration"]) for r in each],
        "klToRolled": [number(kl(p, q)) for p, q in zip(each, each[-1:] + each[:-1])],
    }


def horseshoe(case):
    def density(x, scale):
        q = (x / scale) ** 2 / 2
        return log(quad(lambda w: exp(-q * expm1(w)), [0, log(1 + 1 / q), log(1 + 20 / q), log(1 + 150 / q)])) - log(scale * sqrt(2 * pi**3))

    return table(case, density, ["scale"])


def multivariate_student(case):
    def density(x, df, loc, spread):
        l = factor_of(spread)
        z = l**-1 * matrix([a - b for a, b in zip(x, loc)])
        normaliser = loggamma(df / 2 + 1) - loggamma(df / 2) - log(df * pi) - log(det(l))
        return normaliser - (df / 2 + 1) * log(1 + (z[0] ** 2 + z[1] ** 2) / df)

    out = table(case, density, ["df", "loc", "spread"])
    mean, variance, entropy = [], [], []
    for r in rows(case):
        l = factor_of(r["spread"])
        v = l * l.T
        mean += [number(x) for x in r["loc"]]
        variance += [number(v[i, i] * r["df"] / (r["df"] - 2)) for i in range(2)]
        half = r["df"] / 2
        peak = loggamma(half + 1) - loggamma(half) - log(r["df"] * pi) - log(det(l))
        entropy.append(number((half + 1) * (digamma(half + 1) - digamma(half)) - peak))
    return out | {"mean": mean, "variance": variance, "entropy": entropy}


def skellam(case):
    # The Bessel function's own series, as sums of products of Poisson masses.
    def density(k, rate1, rate2):
        size, more, fewer = (abs(k), rate1, rate2) if k >= 0 else (abs(k), rate2, rate1)
        return -rate1 - rate2 + size * log(more / fewer) / 2 + log(besseli(size, 2 * sqrt(rate1 * rate2)))

    each = rows(case)
    return table(case, density, ["rate1", "rate2"]) | {
        "mean": [number(r["rate1"] - r["rate2"]) for r in each],
        "variance": [number(r["rate1"] + r["rate2"]) for r in each],
    }


def von_mises_fisher(case):
    dot = lambda a, b: sum(x * y for x, y in zip(a, b))
    n = len(case["parameters"]["loc"][0])
    order = mpf(n) / 2 - 1
    normaliser = lambda k: n * log(2 * pi) / 2 + log(besseli(order, k)) - order * log(k)
    ratio = lambda k: besseli(order + 1, k) / besseli(order, k)

    # On the sphere loc . x - 1 = -|x - loc|^2/2; off it, where gradients are taken, this is what it is.
    def density(x, loc, concentration):
        return concentration * (1 - sum((a - b) ** 2 for a, b in zip(x, loc)) / 2) - normaliser(concentration)

    def kl(p, q):
        k, c = p["concentration"], q["concentration"]
        return ratio(k) * (k - c * dot(p["loc"], q["loc"])) + normaliser(c) - normaliser(k)

    each = rows(case)
    for r in each:
        # The mass of the sphere, in rings of equal distance from loc.
        k = r["concentration"]
        ring = 2 * pi ** (mpf(n - 1) / 2) / gamma(mpf(n - 1) / 2)
        mass = quad(lambda t: exp(k * cos(t) - normaliser(k)) * sin(t) ** (n - 2) * ring, [0, 1 / (1 + sqrt(k)), 1, pi])
        assert abs(mass - 1) < 1e-20, mass
    mean, variance = [], []
    for r in each:
        a, k = ratio(r["concentration"]), r["concentration"]
        mean += [number(a * m) for m in r["loc"]]
        variance += [number(a / k + (1 - n * a / k - a * a) * m * m) for m in r["loc"]]
    return table(case, density, ["loc", "concentration"]) | {
        "mean": mean,
        "variance": variance,
        "entropy": [number(normaliser(r["concentration"]) - r["concentration"] * ratio(r["concentration"])) for r in each],
        "klToRolled": [number(kl(p, q)) for p, q in zip(each, each[-1:] + each[:-1])],
    }


def empirical(case):
    values = [[real(v) if isinstance(v, list) else [real(v)] for v in row] for row in case["parameters"]["values"]]
    weights = case["parameters"].get("weights", [[1] * len(row) for row in values])
    probs = [[mpf(w) / sum(row) for w in row] for row in weights]
    points = [x[0] if isinstance(x[0], list) else [x[0]] for x in case["points"]]
    share = lambda i, x: sum(p for p, v in zip(probs[i], values[i]) if v == x)
    safe = lambda p: -inf if p == 0 else log(p)
    out = {"logProb": [number(safe(share(i, x))) for x in points for i in range(len(values))]}
    # d/dw of ln (sum of matching w/sum of w), over the points of positive probability.
    grads = []
    for i, row in enumerate(weights):
        there = [x for x in points if share(i, x) > 0]
        total = mpf(sum(row))
        for w, v in zip(row, values[i]):
            grads.append(number(sum((1 / (share(i, x) * total) if v == x else 0) - 1 / total for x in there)))
    size = len(values[0][0])
    zero = [0.0] * sum(len(row) * size for row in values)
    out["gradients"] = {"values": zero} | ({"weights": grads} if "weights" in case["parameters"] else {})
    mean = [[sum(p * v[d] for p, v in zip(probs[i], values[i])) for d in range(size)] for i in range(len(values))]
    out["mean"] = [number(m) for row in mean for m in row]
    out["variance"] = [
        number(sum(p * (v[d] - mean[i][d]) ** 2 for p, v in zip(probs[i], values[i])))
        for i in range(len(values))
        for d in range(size)
    ]
    distinct = lambda i: {tuple(v) for v, p in zip(values[i], probs[i]) if p > 0}
    out["entropy"] = [number(-sum(share(i, list(v)) * log(share(i, list(v))) for v in distinct(i))) for i in range(len(values))]
    n = len(values)
    out["klToRolled"] = [
        number(
            sum(share(i, list(v)) * (log(share(i, list(v))) - safe(share((i - 1) % n, list(v)))) for v in distinct(i))
        )
        for i in range(n)
    ]
    out["klToRolled"] = ["Infinity" if k in (inf, float("inf")) else k for k in out["klToRolled"]]
    return out


def raised(tree, path, h):
    if not path:
        return tree + h
    head, *rest = path
    return [raised(v, rest, h) if i == head else v for i, v in enumerate(tree)]


def leaves(tree):
    return [[i, *p] for i, v in enumerate(tree) for p in leaves(v)] if isinstance(tree, list) else [[]]


def joint_table(case, moments):
    """A normal of all values together, from its mean and covariance by the parameters."""
    flat = lambda v: [x for row in v for x in flat(row)] if isinstance(v, list) else [v]
    points = [flat(real(x[0])) for x in case["points"]]

    def density(x, r):
        mean, v = moments(r)
        d = matrix([a - b for a, b in zip(x, mean)])
        return -((d.T * (v**-1 * d))[0] + log(det(v)) + len(x) * log(2 * pi)) / 2

    each = rows(case)
    h = mpf(10) ** -12
    grads = {
        name: [
            number(
                sum(density(x, {**r, name: raised(r[name], p, h)}) - density(x, {**r, name: raised(r[name], p, -h)}) for x in points)
                / (2 * h)
            )
            for r in each
            for p in leaves(r[name])
        ]
        for name in case["parameters"]
    }
    found = [moments(r) for r in each]
    size = len(points[0])
    return {
        "logProb": [number(density(x, r)) for x in points for r in each],
        "gradients": grads,
        "mean": [number(m) for mean, _ in found for m in mean],
        "variance": [number(v[i, i]) for _, v in found for i in range(size)],
        "entropy": [number((log(det(v)) + size * (1 + log(2 * pi))) / 2) for _, v in found],
    }


def arma(case):
    def moments(r):
        # The moving average of infinite order; 0.71^-800 of it is left out.
        psi = []
        for j in range(800):
            own = mpf(1) if j == 0 else (r["ma"][j - 1] if j <= len(r["ma"]) else mpf(0))
            psi.append(own + sum(f * psi[j - 1 - i] for i, f in enumerate(r["ar"]) if j > i))
        gamma_of = lambda lag: r["scale"] ** 2 * sum(a * b for a, b in zip(psi, psi[lag:]))
        each = [gamma_of(k) for k in range(3)]
        return [r["mean"]] * 3, matrix([[each[abs(i - j)] for j in range(3)] for i in range(3)])

    return joint_table(case, moments)


def state_space(case):
    def moments(r):
        f, g, h, e = (matrix(r[k]) for k in ("transition", "transitionScale", "emission", "emissionScale"))
        power = [f**0, f, f * f]
        start = matrix(r["initialScale"])
        # Each value as a map of the first state's noise, both transitions' and its own.
        maps = []
        for t in range(3):
            own = [h * power[t] * start] + [h * power[t - 1 - s] * g if s < t else h * g * 0 for s in range(2)]
            maps.append([own[0][0], own[0][1], own[1][0], own[2][0]] + [e[0] if s == t else mpf(0) for s in range(3)])
        a = matrix(maps)
        mean = [(h * power[t] * matrix(r["initialMean"]))[0] for t in range(3)]
        return mean, a * a.T

    return joint_table(case, moments)


MAKE = {
    "ARMA": arma,
    "LinearGaussianStateSpace": state_space,
    "Skellam": skellam,
    "VonMisesFisher": von_mises_fisher,
    "VonMisesFisher in two dimensions": von_mises_fisher,
    "Empirical": empirical,
    "Empirical vectors": empirical,
    "OrderedProbit": ordered_probit,
    "DirichletMultinomial": dirichlet_multinomial,
    "DirichletMultinomial many": dirichlet_multinomial,
    "Hurdle probs": hurdle,
    "Hurdle logits": hurdle,
    "Mixture families": family_mixture,
    "GeneralizedPareto": generalized_pareto,
    "GeneralizedExtremeValue": generalized_extreme_value,
    "InverseGaussian": inverse_gaussian,
    "Horseshoe": horseshoe,
    "MultivariateStudentT": multivariate_student,
    "SkewNormal": skew_normal,
    "AsymmetricLaplace": asymmetric_laplace,
    "ZeroInflated probs": zero_inflated,
    "ZeroInflated logits": zero_inflated,
    "Wishart": wishart,
    "InverseWishart": inverse_wishart,
    "GaussianRandomWalk": random_walk,
    "GaussianRandomWalk drift": random_walk,
    "BetaBinomial": beta_binomials,
    "BetaBinomial totals": beta_binomials,
    "TruncatedNormal": truncated_normal,
    "TruncatedNormal above": truncated_normal,
    "truncate Exponential": truncated_exponential,
    "truncate Geometric": truncated_geometric,
    "censor Weibull": censored_weibull,
    "OrderedLogistic": ordered_logistic,
    "LKJCholesky": lambda case: table(case, lambda l, concentration: lkj_cholesky(l, concentration), ["concentration"]),
    "LKJ": correlations,
}
cases = {case["name"]: case for case in json.load(sys.stdin)}
# Names on the command line: these are computed, the others taken from the file that exists.
chosen = sys.argv[1:] or list(MAKE)
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference-families.json")
before = json.load(open(path)) if sys.argv[1:] else {}
value = lambda name: {"parameters": cases[name]["parameters"], "points": cases[name]["points"], **MAKE[name](cases[name])}
table_of = {name: value(name) if name in chosen else before[name] for name in MAKE}
json.dump(table_of, open(path, "w"))

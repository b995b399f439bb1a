"""Reference values for the cases of registry/families.ts, by mpmath with 40 digits; the normaliser of LKJ by quadrature, not by its formula.

    node test/distributions/reference.mjs | python3 test/distributions/reference-families.py > test/distributions/reference-families.json

Made with mpmath 1.3. Gradients are those of the sum of the log density over all points.
"""

import json
import sys

from mpmath import mp, mpf, det, exp, inf, log, matrix, quad

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


MAKE = {
    "OrderedLogistic": ordered_logistic,
    "LKJCholesky": lambda case: table(case, lambda l, concentration: lkj_cholesky(l, concentration), ["concentration"]),
    "LKJ": correlations,
}
cases = {case["name"]: case for case in json.load(sys.stdin)}
json.dump({name: {"parameters": cases[name]["parameters"], "points": cases[name]["points"], **make(cases[name])} for name, make in MAKE.items()}, sys.stdout)
print()

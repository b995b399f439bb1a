"""Reference values for the registry's cases, in float64, from PyTorch (SciPy and mpmath where PyTorch has none or loses digits).

Reads the cases as JSON and writes the values as JSON:

    node test/distributions/reference.mjs | python3 test/distributions/reference.py > test/distributions/reference.json

Made with PyTorch 1.13, SciPy 1.10 and mpmath 1.2. Gradients are those of the sum of the log density over all points.
"""

import json
import sys

import mpmath
import numpy as np
import scipy.stats
import torch
import torch.distributions as td

torch.set_default_dtype(torch.float64)
mpmath.mp.dps = 60

MAKE = {
    "Normal scale": lambda loc, scale: td.Normal(loc, scale),
    "Normal logScale": lambda loc, logScale: td.Normal(loc, logScale.exp()),
    "Bernoulli logits": lambda logits: td.Bernoulli(logits=logits),
    "Bernoulli probs": lambda probs: td.Bernoulli(probs=probs),
    "Categorical logits": lambda logits: td.Categorical(logits=logits),
    "Categorical probs": lambda probs: td.Categorical(probs=probs),
    "OneHotCategorical logits": lambda logits: td.OneHotCategorical(logits=logits),
    "OneHotCategorical probs": lambda probs: td.OneHotCategorical(probs=probs),
    "Uniform": lambda low, high: td.Uniform(low, high, validate_args=False),
    "ContinuousBernoulli probs": lambda probs: td.ContinuousBernoulli(probs=probs),
    "Independent Normal": lambda loc, scale: td.Independent(td.Normal(loc, scale), 1),
    "Independent Bernoulli": lambda logits: td.Independent(td.Bernoulli(logits=logits), 1),
}


def inverse_gamma(concentration, scale):
    return td.TransformedDistribution(td.Gamma(concentration, scale), td.PowerTransform(torch.tensor(-1.0)))


def mixture(weights, components):
    return td.MixtureSameFamily(weights, components)


class Stacked:
    """A batch of distributions that PyTorch has only one by one (it broadcasts their temperature wrongly)."""

    support = td.constraints.simplex

    def __init__(self, rows):
        self.rows = rows

    def log_prob(self, x):
        return torch.stack([row.log_prob(x.squeeze(1)) for row in self.rows], -1)

    def entropy(self):
        raise NotImplementedError


class Row:
    """Normal columns and one-hot vectors side by side, each by its own distribution."""

    support = td.constraints.one_hot

    def __init__(self, numbers, blocks):
        self.parts = ([td.Independent(numbers, 1)] if numbers else []) + blocks

    def log_prob(self, x):
        parts = x.split([part.event_shape[0] for part in self.parts], -1)
        return sum(part.log_prob(value) for part, value in zip(self.parts, parts))

    def entropy(self):
        return sum(part.entropy() for part in self.parts)

    @property
    def mean(self):
        return torch.cat([part.mean for part in self.parts], -1)

    @property
    def variance(self):
        return torch.cat([part.variance for part in self.parts], -1)


def blocks(logits, sizes):
    return [td.OneHotCategorical(logits=block) for block in logits.split(sizes, -1)]


MAKE |= {
    "TableRow": lambda loc, logScale, logits: Row(td.Normal(loc, logScale.exp()), blocks(logits, [3, 2])),
    "TableRow categories": lambda logits: Row(None, blocks(logits, [3, 2])),
    "Laplace": lambda loc, scale: td.Laplace(loc, scale),
    "Gumbel": lambda loc, scale: td.Gumbel(loc, scale),
    "Cauchy": lambda loc, scale: td.Cauchy(loc, scale),
    "StudentT": lambda df, loc, scale: td.StudentT(df, loc, scale),
    "StudentT heavy": lambda df, loc, scale: td.StudentT(df, loc, scale),
    "HalfNormal": lambda scale: td.HalfNormal(scale),
    "LogNormal": lambda loc, scale: td.LogNormal(loc, scale),
    "LogitNormal": lambda loc, scale: td.TransformedDistribution(td.Normal(loc, scale), td.SigmoidTransform()),
    "Exponential": lambda rate: td.Exponential(rate),
    "Gamma": lambda concentration, rate: td.Gamma(concentration, rate),
    "InverseGamma": inverse_gamma,
    "InverseGamma heavy": inverse_gamma,
    "ChiSquared": lambda df: td.Chi2(df),
    "HalfCauchy": lambda scale: td.HalfCauchy(scale),
    "Weibull": lambda scale, concentration: td.Weibull(scale, concentration),
    "Pareto": lambda scale, concentration: td.Pareto(scale, concentration),
    "Beta": lambda concentration1, concentration0: td.Beta(concentration1, concentration0),
    "Dirichlet": lambda concentration: td.Dirichlet(concentration),
    "Poisson": lambda rate: td.Poisson(rate),
    "Geometric probs": lambda probs: td.Geometric(probs),
    "Geometric logits": lambda logits: td.Geometric(logits=logits),
    "NegativeBinomial probs": lambda total, probs: td.NegativeBinomial(total, probs),
    "NegativeBinomial logits": lambda total, logits: td.NegativeBinomial(total, logits=logits),
    "Binomial probs": lambda probs: td.Binomial(10, probs),
    "Binomial logits": lambda logits: td.Binomial(36, logits=logits),
    "Binomial totals": lambda total, probs: td.Binomial(total, probs),
    "Multinomial probs": lambda probs: td.Multinomial(4, probs),
    "Multinomial logits": lambda logits: td.Multinomial(50, logits=logits),
    "MultivariateNormal scaleTril": lambda loc, scaleTril: td.MultivariateNormal(loc, scale_tril=scaleTril),
    "MultivariateNormal covariance": lambda loc, covariance: td.MultivariateNormal(loc, covariance),
    "LowRankMultivariateNormal": lambda loc, factor, diagonal: td.LowRankMultivariateNormal(loc, factor, diagonal),
    "Mixture Normal": lambda logits, loc, scale: mixture(td.Categorical(logits=logits), td.Normal(loc, scale)),
    "Mixture vectors": lambda probs, loc, scale: mixture(
        td.Categorical(probs=probs), td.Independent(td.Normal(loc, scale), 1)
    ),
    "VonMises": lambda loc, concentration: td.VonMises(loc, concentration),
    "RelaxedBernoulli": lambda logits, temperature: td.RelaxedBernoulli(temperature, logits=logits),
    "RelaxedBernoulli straight-through": lambda logits: td.Bernoulli(logits=logits),
    "RelaxedOneHotCategorical": lambda logits, temperature: Stacked(
        [td.RelaxedOneHotCategorical(t, logits=l) for t, l in zip(temperature, logits)]
    ),
    "RelaxedOneHotCategorical straight-through": lambda logits: td.OneHotCategorical(logits=logits),
}
td.Distribution.set_default_validate_args(False)


def flat(t):
    numbers = np.asarray(t.detach() if isinstance(t, torch.Tensor) else t, dtype=float).flatten().tolist()
    return [x if abs(x) < float("inf") else {"nan": "NaN"}.get(str(x), str(x).replace("inf", "Infinity")) for x in numbers]


def from_torch(case):
    make = MAKE[case["name"]]
    parameters = {k: torch.tensor(v, dtype=torch.float64, requires_grad=True) for k, v in case["parameters"].items()}
    d = make(**parameters)
    discrete = d.support.is_discrete
    points = torch.tensor(case["points"], dtype=torch.float64, requires_grad=not discrete)
    log_prob = d.log_prob(points)
    if case["name"] == "Pareto":
        # PyTorch continues the density below the scale.
        log_prob = torch.where(points < parameters["scale"], -torch.inf, log_prob)
    finite = log_prob[torch.isfinite(log_prob)].sum()
    wanted = list(parameters.values()) + ([] if discrete else [points])
    grads = torch.autograd.grad(finite, wanted, allow_unused=True)
    grads = [torch.zeros_like(w) if g is None else g for g, w in zip(grads, wanted)]
    out = {"logProb": flat(log_prob), "gradients": {k: flat(g) for k, g in zip(parameters, grads)}}
    if not discrete:
        out["valueGradient"] = flat(grads[-1])
    if not case["name"].startswith("Categorical"):
        out |= stated(d, ["mean", "variance"])
    try:
        out["entropy"] = flat(d.entropy())
    except NotImplementedError:
        pass
    try:
        rolled = make(**{k: v.roll(1, 0) for k, v in parameters.items()})
        # PyTorch calls the divergence infinite where a probability merely rounds to 0 or 1.
        by_hand = case["name"] == "Bernoulli logits"
        out["klToRolled"] = bernoulli_kl(case) if by_hand else flat(td.kl_divergence(d, rolled))
    except NotImplementedError:
        pass
    return out | beside(case["name"], {k: v.detach().numpy() for k, v in parameters.items()}, d)


def stated(d, forms):
    out = {}
    for form in forms:
        try:
            out[form] = flat(getattr(d, form))
        except (AttributeError, NotImplementedError):
            pass
    return out


def beside(name, p, d):
    """What PyTorch has not: moments and entropies from SciPy, divergences by quadrature or from their parts."""
    if name.startswith("InverseGamma"):
        s = scipy.stats.invgamma(p["concentration"], scale=p["scale"])
        gamma = td.Gamma(torch.tensor(p["concentration"]), torch.tensor(p["scale"]))
        rolled = td.Gamma(gamma.concentration.roll(1), gamma.rate.roll(1))
        with np.errstate(all="ignore"):
            mean, variance = s.mean(), s.var()
        return {
            "mean": flat(mean),
            # SciPy's variance of an infinite one is NaN.
            "variance": flat(np.where(p["concentration"] > 2, variance, np.inf)),
            "entropy": flat(s.entropy()),
            "klToRolled": flat(td.kl_divergence(gamma, rolled)),
        }
    if name == "Weibull":
        return {"klToRolled": weibull_kl(p["scale"], p["concentration"])}
    if name == "VonMises":
        return von_mises(p["loc"], p["concentration"])
    if name.startswith("Multinomial"):
        rolled = td.Categorical(probs=d.probs.roll(1, 0))
        return {"klToRolled": flat(d.total_count * td.kl_divergence(td.Categorical(probs=d.probs), rolled))}
    if name.startswith("Binomial") and name != "Binomial totals":
        # PyTorch enumerates, and its logits saturate in the divergence.
        n = d.total_count.flatten()[0].item()
        single = td.Bernoulli(probs=d.probs)
        return {"klToRolled": flat(n * td.kl_divergence(single, td.Bernoulli(probs=d.probs.roll(1, 0))))}
    return {}


def weibull_kl(scale, concentration):
    def log_density(x, s, k):
        return mpmath.log(k / s) + (k - 1) * mpmath.log(x / s) - (x / s) ** k

    with mpmath.workdps(25):
        def one(s, k, t, m):
            f = lambda x: mpmath.exp(log_density(x, s, k)) * (log_density(x, s, k) - log_density(x, t, m))
            return float(mpmath.quad(f, [0, s / 100, s / 10, s, 2 * s, 4 * s, 8 * s, 40 * s]))

        rows = [(mpmath.mpf(float(s)), mpmath.mpf(float(k))) for s, k in zip(scale, concentration)]
        return [one(*p, *q) for p, q in zip(rows, rows[-1:] + rows[:-1])]


def von_mises(loc, kappa):
    """With 40 digits: PyTorch's Bessel functions have 7."""
    points = [mpmath.mpf(x[0]) for x in VON_MISES_POINTS]
    rows = [(mpmath.mpf(float(l)), mpmath.mpf(float(k))) for l, k in zip(loc, kappa)]
    ratio = lambda k: mpmath.besseli(1, k) / mpmath.besseli(0, k)
    norm = lambda k: mpmath.log(2 * mpmath.pi * mpmath.besseli(0, k))
    kl = lambda l, k, m, j: ratio(k) * (k - j * mpmath.cos(l - m)) - norm(k) + norm(j)
    numbers = lambda xs: [float(x) for x in xs]
    return {
        "logProb": numbers(k * mpmath.cos(x - l) - norm(k) for x in points for l, k in rows),
        "gradients": {
            "loc": numbers(sum(k * mpmath.sin(x - l) for x in points) for l, k in rows),
            "concentration": numbers(sum(mpmath.cos(x - l) - ratio(k) for x in points) for l, k in rows),
        },
        "valueGradient": numbers(sum(-k * mpmath.sin(x - l) for l, k in rows) for x in points),
        "entropy": numbers(norm(k) - k * ratio(k) for _, k in rows),
        "klToRolled": numbers(kl(*p, *q) for p, q in zip(rows, rows[-1:] + rows[:-1])),
    }


def logistic(case):
    """With 60 digits: PyTorch has it through a sigmoid that saturates."""
    rows = [tuple(map(mpmath.mpf, r)) for r in zip(case["parameters"]["loc"], case["parameters"]["scale"])]
    points = [mpmath.mpf(x[0]) for x in case["points"]]

    def log_density(x, l, s):
        z = (x - l) / s
        return -z - mpmath.log(s) - 2 * mpmath.log(1 + mpmath.exp(-z))

    numbers = lambda xs: [float(x) for x in xs]
    slope = lambda x, l, s: mpmath.diff(lambda y: log_density(y, l, s), x)
    spread = lambda x, l, s: mpmath.diff(lambda t: log_density(x, l, t), s)
    return {
        "logProb": numbers(log_density(x, l, s) for x in points for l, s in rows),
        "gradients": {
            "loc": numbers(-sum(slope(x, l, s) for x in points) for l, s in rows),
            "scale": numbers(sum(spread(x, l, s) for x in points) for l, s in rows),
        },
        "valueGradient": numbers(sum(slope(x, l, s) for l, s in rows) for x in points),
        "mean": flat(scipy.stats.logistic([float(l) for l, _ in rows], [float(s) for _, s in rows]).mean()),
        "variance": flat(scipy.stats.logistic([float(l) for l, _ in rows], [float(s) for _, s in rows]).var()),
        "entropy": numbers(mpmath.log(s) + 2 for _, s in rows),
    }


def delta(case):
    values = case["parameters"]["value"]
    zeros = [0.0] * len(values)
    densities = case["parameters"].get("logDensity", zeros)
    log_prob = [d if x[0] == v else "-Infinity" for x in case["points"] for v, d in zip(values, densities)]
    hits = [float(sum(x[0] == v for x in case["points"])) for v in values]
    given = "logDensity" in case["parameters"]
    return {
        "logProb": log_prob,
        "gradients": {"value": zeros, **({"logDensity": hits} if given else {})},
        "valueGradient": [0.0] * len(case["points"]),
        "mean": values,
        "variance": zeros,
        **({} if given else {"entropy": zeros}),
    }


def bernoulli_kl(case):
    """The sum of p ln(p/q) over both values; 120 digits, for 1 - p with p down to e^-200."""
    with mpmath.workdps(120):
        p = [1 / (1 + mpmath.exp(-mpmath.mpf(l))) for l in case["parameters"]["logits"]]
        q = p[-1:] + p[:-1]
        return [float(a * mpmath.log(a / b) + (1 - a) * mpmath.log((1 - a) / (1 - b))) for a, b in zip(p, q)]


def continuous_bernoulli(case):
    """From the density e^(xl) l / (e^l - 1) with 60 digits; derivatives by finite differences of 1e-20."""
    h = mpmath.mpf(10) ** -20
    logits = [mpmath.mpf(l) for l in case["parameters"]["logits"]]
    points = [mpmath.mpf(p[0]) for p in case["points"]]

    def norm(l):
        return mpmath.log(mpmath.expm1(l) / l) if l != 0 else mpmath.mpf(0)

    def mean(l):
        return (norm(l + h) - norm(l - h)) / (2 * h)

    def variance(l):
        return (norm(l + h) - 2 * norm(l) + norm(l - h)) / h**2

    q = logits[-1:] + logits[:-1]
    numbers = lambda xs: [float(x) for x in xs]
    return {
        "logProb": numbers(x * l - norm(l) for x in points for l in logits),
        "gradients": {"logits": numbers(sum(points) - len(points) * mean(l) for l in logits)},
        "valueGradient": numbers(sum(logits) for _ in points),
        "mean": numbers(mean(l) for l in logits),
        "variance": numbers(variance(l) for l in logits),
        "entropy": numbers(norm(l) - mean(l) * l for l in logits),
        "klToRolled": numbers(mean(l) * (l - m) - norm(l) + norm(m) for l, m in zip(logits, q)),
    }


BY_HAND = {"ContinuousBernoulli logits": continuous_bernoulli, "Logistic": logistic, "Delta": delta, "Delta logDensity": delta}
result = {}
cases = json.load(sys.stdin)
VON_MISES_POINTS = next(case["points"] for case in cases if case["name"] == "VonMises")
for case in cases:
    compute = BY_HAND.get(case["name"], from_torch)
    result[case["name"]] = {"parameters": case["parameters"], "points": case["points"], **compute(case)}
json.dump(result, sys.stdout)
print()

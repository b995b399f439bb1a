"""Reference values for the registry's cases, in float64, from PyTorch (and mpmath where PyTorch loses digits).

Reads the cases as JSON and writes the values as JSON:

    npm run build
    node test/distributions/reference.mjs | python3 test/distributions/reference.py > test/distributions/reference.json

Made with PyTorch 1.13 and mpmath 1.2. Gradients are those of the sum of the log density over all points.
"""

import json
import sys

import mpmath
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


def flat(t):
    return [x if abs(x) < float("inf") else str(x).replace("inf", "Infinity") for x in t.detach().flatten().tolist()]


def from_torch(case):
    make = MAKE[case["name"]]
    parameters = {k: torch.tensor(v, dtype=torch.float64, requires_grad=True) for k, v in case["parameters"].items()}
    d = make(**parameters)
    discrete = d.support.is_discrete
    points = torch.tensor(case["points"], dtype=torch.float64, requires_grad=not discrete)
    log_prob = d.log_prob(points)
    finite = log_prob[torch.isfinite(log_prob)].sum()
    wanted = list(parameters.values()) + ([] if discrete else [points])
    grads = torch.autograd.grad(finite, wanted, allow_unused=True)
    grads = [torch.zeros_like(w) if g is None else g for g, w in zip(grads, wanted)]
    out = {"logProb": flat(log_prob), "gradients": {k: flat(g) for k, g in zip(parameters, grads)}}
    if not discrete:
        out["valueGradient"] = flat(grads[-1])
    if not case["name"].startswith("Categorical"):
        out["mean"] = flat(d.mean)
        out["variance"] = flat(d.variance)
    out["entropy"] = flat(d.entropy())
    rolled = make(**{k: v.roll(1, 0) for k, v in parameters.items()})
    # PyTorch calls the divergence infinite where a probability merely rounds to 0 or 1.
    by_hand = case["name"] == "Bernoulli logits"
    out["klToRolled"] = bernoulli_kl(case) if by_hand else flat(td.kl_divergence(d, rolled))
    return out


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


result = {}
for case in json.load(sys.stdin):
    compute = continuous_bernoulli if case["name"] == "ContinuousBernoulli logits" else from_torch
    result[case["name"]] = {"parameters": case["parameters"], "points": case["points"], **compute(case)}
json.dump(result, sys.stdout)
print()

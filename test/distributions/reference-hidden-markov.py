"""Reference values for the case of HiddenMarkov: sums over all courses of the states, by mpmath with 40 digits.

    node test/distributions/reference.mjs | python3 test/distributions/reference-hidden-markov.py > test/distributions/reference-hidden-markov.json

Made with mpmath 1.3. Gradients are those of the sum of the log density over all points.
"""

import itertools
import json
import sys

from mpmath import mp, mpf, exp, log

mp.dps = 40


def shares(logits):
    weights = [exp(v) for v in logits]
    return [w / sum(weights) for w in weights]


def density(x, initial, rows, emitted):
    start, steps, seen = shares(initial), [shares(r) for r in rows], [shares(r) for r in emitted]
    total = mpf(0)
    for states in itertools.product(range(len(start)), repeat=len(x)):
        p = start[states[0]]
        for a, b in zip(states, states[1:]):
            p *= steps[a][b]
        for state, v in zip(states, x):
            p *= seen[state][v]
        total += p
    return log(total)


def real(v):
    return [real(x) for x in v] if isinstance(v, list) else mpf(v)


def moved(v, place, h):
    if not place:
        return v + h
    return [moved(x, place[1:], h) if i == place[0] else x for i, x in enumerate(v)]


def places(v, at=()):
    return [p for i, x in enumerate(v) for p in places(x, at + (i,))] if isinstance(v, list) else [at]


case = next(c for c in json.load(sys.stdin) if c["name"] == "HiddenMarkov Categorical")
points = [p[0] for p in case["points"]]
count = len(case["parameters"]["initial"])
each = [{k: real(v[i]) for k, v in case["parameters"].items()} for i in range(count)]
h = mpf(10) ** -12
gradients = {
    name: [
        float(sum(density(x, **{**r, name: moved(r[name], at, h)}) - density(x, **{**r, name: moved(r[name], at, -h)}) for x in points) / (2 * h))
        for r in each
        for at in places(r[name])
    ]
    for name in case["parameters"]
}
log_prob = [float(density(x, **r)) for x in points for r in each]
json.dump({case["name"]: {"parameters": case["parameters"], "points": case["points"], "logProb": log_prob, "gradients": gradients}}, sys.stdout)
print()

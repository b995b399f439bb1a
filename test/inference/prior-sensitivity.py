# python3 test/inference/prior-sensitivity.py > test/inference/prior-sensitivity.json
# The power-scaled posteriors of a normal mean (prior N(0, s), n observations with sd 1 and mean m) are normal; the cumulative Jensen-Shannon distances
# (Nguyen and Vreeken 2015) between them and the posterior by quadrature over the range of the draws that the test uses.
import json
import numpy as np
from scipy import stats

def posterior(s, n, m, prior=1.0, likelihood=1.0):
    precision = prior / s**2 + likelihood * n
    return stats.norm(likelihood * n * m / precision, precision**-0.5)

def distance(p, q, low, high, sign):
    x = np.linspace(low, high, 400001)
    a, b = (d.cdf(x) if sign > 0 else d.sf(x) for d in (p, q))
    part = lambda u, v: np.where(u > 0, u * np.log2(np.where(u > 0, u, 1) / np.maximum(0.5 * (u + v), 1e-300)), 0)
    return np.sqrt(np.trapezoid(part(a, b) + part(b, a), x) / np.trapezoid(a + b, x))

rows = []
for s, n, m in [(1.0, 10, 0.5), (0.1, 10, 1.5), (100.0, 20, 1.0), (1.0, 2, 4.0)]:
    base = posterior(s, n, m)
    draws = 4000
    low, high = base.ppf(0.5 / draws), base.ppf(1 - 0.5 / draws)
    width = np.log2(1.01) - np.log2(0.99)
    slope = lambda which: sum(max(distance(base, posterior(s, n, m, **{which: a}), low, high, sign) for sign in (1, -1)) for a in (0.99, 1.01)) / width
    rows.append({"s": s, "n": n, "m": m, "prior": slope("prior"), "likelihood": slope("likelihood")})
print(json.dumps(rows))

"""The posterior that examples/data/wdbc-posterior.json holds: NumPy and SciPy alone, a few minutes.

Run from the root of the package: python3 test/examples/reference.py

Hamiltonian Monte Carlo in coordinates whitened by the Hessian at the mode; the log evidence by importance sampling from a
Student distribution with the draws' mean and covariance, whose weighted moments are held against the draws'.
"""

import csv
import json

import numpy as np
from scipy.special import gammaln

CHAINS, DRAWS, WARM_UP, PROPOSALS, DEGREES = 8, 20_000, 1_000, 1_000_000, 10

with open("examples/data/wdbc.csv", newline="") as file:
    header, *rows = csv.reader(file)
y = np.array([row[0] == "malignant" for row in rows], float)
x = np.array([[float(cell) for cell in row[1:]] for row in rows])
x = np.c_[(x - x.mean(0)) / x.std(0), np.ones(len(x))]
names = header[1:] + ["intercept"]
d = x.shape[1]


def log_joint(w):
    """Of each row of w."""
    logits = w @ x.T
    prior = -0.5 * (w**2).sum(-1) - 0.5 * d * np.log(2 * np.pi)
    return logits @ y - np.logaddexp(0, logits).sum(-1) + prior


def gradient(w):
    return (y - 1 / (1 + np.exp(-w @ x.T))) @ x - w


def precision(w):
    p = 1 / (1 + np.exp(-x @ w))
    return x.T @ (x * (p * (1 - p))[:, None]) + np.eye(d)


mode = np.zeros(d)
for _ in range(50):
    mode = mode + np.linalg.solve(precision(mode), gradient(mode))
root = np.linalg.cholesky(np.linalg.inv(precision(mode)))

rng = np.random.default_rng(0)
place = lambda u: mode + u @ root.T
slope = lambda u: gradient(place(u)) @ root
# All chains at once; each has its own accept or reject.
u = 1.5 * rng.standard_normal((CHAINS, d))
kept = np.empty((CHAINS, DRAWS, d))
accepted = 0.0
for i in range(-WARM_UP, DRAWS):
    size = 0.35 * rng.uniform(0.7, 1.2)
    momentum = rng.standard_normal(u.shape)
    before = log_joint(place(u)) - 0.5 * (momentum**2).sum(-1)
    v, p = u, momentum + 0.5 * size * slope(u)
    steps = rng.integers(3, 9)
    for step in range(steps):
        v = v + size * p
        p = p + (size if step < steps - 1 else 0.5 * size) * slope(v)
    after = log_joint(place(v)) - 0.5 * (p**2).sum(-1)
    accept = np.log(rng.uniform(size=CHAINS)) < after - before
    u = np.where(accept[:, None], v, u)
    if i >= 0:
        kept[:, i] = place(u)
        accepted += accept.mean() / DRAWS


def effective_size(chains):
    """Of [chains, draws], by Geyer's initial positive sequence."""
    m, n = chains.shape
    f = np.fft.rfft(chains - chains.mean(), 2 * n, axis=1)
    covariance = np.fft.irfft(f * f.conj(), axis=1)[:, :n].mean(0)
    rho = covariance / covariance[0]
    pairs = rho[1 : n - 1 : 2] + rho[2:n:2]
    stop = np.argmax(pairs < 0)
    return m * n / (1 + 2 * pairs[:stop].sum())


halves = kept.reshape(2 * CHAINS, -1, d)
within, between = halves.var(1, ddof=1).mean(0), halves.mean(1).var(0, ddof=1)
draws = kept.reshape(-1, d)
mean, sd = draws.mean(0), draws.std(0)
print(f"accepted {accepted:.3f}, largest split R-hat {np.sqrt(1 + (between / within)).max():.5f}")
print(f"smallest effective size of means {min(effective_size(kept[..., j]) for j in range(d)):.0f}", end=", ")
print(f"of squares {min(effective_size((kept[..., j] - mean[j]) ** 2) for j in range(d)):.0f}")

factor = np.linalg.cholesky(np.cov(draws.T))
log_weights, proposals = [], []
for _ in range(PROPOSALS // 20_000):
    z, s = rng.standard_normal((20_000, d)), rng.chisquare(DEGREES, 20_000) / DEGREES
    w = mean + (z / np.sqrt(s)[:, None]) @ factor.T
    constant = gammaln((DEGREES + d) / 2) - gammaln(DEGREES / 2) - 0.5 * d * np.log(DEGREES * np.pi)
    proposal = constant - np.log(np.diag(factor)).sum()
    proposal = proposal - 0.5 * (DEGREES + d) * np.log1p((z**2).sum(1) / s / DEGREES)
    log_weights.append(log_joint(w) - proposal)
    proposals.append(w)
log_weights, proposals = np.concatenate(log_weights), np.concatenate(proposals)
weights = np.exp(log_weights - log_weights.max())
evidence = log_weights.max() + np.log(weights.mean())
error = weights.std() / weights.mean() / np.sqrt(PROPOSALS)
weights /= weights.sum()
other = weights @ proposals
other_sd = np.sqrt(weights @ (proposals - other) ** 2)
print(f"log evidence {evidence:.4f} ± {error:.4f}, effective size {1 / (weights**2).sum():.0f}")
print(f"the two ways differ by at most {abs((other - mean) / sd).max():.4f} sds in a mean", end=", ")
print(f"{abs(other_sd / sd - 1).max():.4f} in a ratio of sds")

result = {
    "logEvidence": round(evidence, 3),
    "weights": {
        name: {"mean": round(m, 3), "sd": round(s, 3)} for name, m, s in zip(names, mean.tolist(), sd.tolist())
    },
}
with open("examples/data/wdbc-posterior.json", "w") as file:
    json.dump(result, file, indent=2)
    file.write("\n")

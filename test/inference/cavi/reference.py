"""Independent answers for test/inference/cavi.test.ts: closed forms, coordinate ascent written out by hand for each model, and a Gibbs
sampler. Needs NumPy and SciPy (Debian's python3-numpy, python3-scipy). Writes reference.json beside itself; 40 seconds.

    python3 test/inference/cavi/reference.py
"""
import json
import os

import numpy as np
from scipy.special import digamma, gammaln, logsumexp
from scipy.stats import multivariate_normal

rng = np.random.default_rng(20240607)
rounded = lambda a: np.round(a, 6)
LOG2PI = np.log(2 * np.pi)


# Entropies and expected log densities.
def entropy_gamma(a, b):
    return a - np.log(b) + gammaln(a) + (1 - a) * digamma(a)


def entropy_dirichlet(a):
    total = a.sum(-1)
    return gammaln(a).sum(-1) - gammaln(total) - ((a - 1) * (digamma(a) - digamma(total)[..., None])).sum(-1)


def expected_log_dirichlet(a):
    return digamma(a) - digamma(a.sum(-1, keepdims=True))


def log_gamma_density(a0, b0, e_log, e):
    return a0 * np.log(b0) - gammaln(a0) + (a0 - 1) * e_log - b0 * e


def log_dirichlet_density(a0, e_log):
    return gammaln(a0.sum(-1)) - gammaln(a0).sum(-1) + ((a0 - 1) * e_log).sum(-1)


def entropy_categories(p):
    return -(p * np.log(np.maximum(p, 1e-300))).sum()


def softmax(x):
    return np.exp(x - logsumexp(x, axis=-1, keepdims=True))


def regression():
    n, d = 40, 3
    x = rounded(rng.normal(size=(n, d)))
    x[:, 2] += 0.8 * x[:, 0]
    x = rounded(x)
    y = rounded(x @ np.array([1.0, -0.5, 0.3]) + 0.4 * rng.normal(size=n))
    # Known noise 0.5, prior N(0, 2² I): the posterior and the evidence.
    sigma, s = 0.5, 2.0
    precision = x.T @ x / sigma**2 + np.eye(d) / s**2
    covariance = np.linalg.inv(precision)
    mean = covariance @ x.T @ y / sigma**2
    evidence = multivariate_normal(np.zeros(n), sigma**2 * np.eye(n) + s**2 * x @ x.T).logpdf(y)
    # Noise precision tau ~ Gamma(2, 1): q(w) q(tau), iterated to its fixed point.
    a0, b0 = 2.0, 1.0
    a, b = a0 + n / 2, b0
    for _ in range(2000):
        e = a / b
        v = np.linalg.inv(e * x.T @ x + np.eye(d) / s**2)
        m = e * v @ x.T @ y
        b = b0 + 0.5 * (((y - x @ m) ** 2).sum() + np.trace(x.T @ x @ v))
    e_log = digamma(a) - np.log(b)
    e = a / b
    elbo = (
        n / 2 * (e_log - LOG2PI) - e * (b - b0)
        - d / 2 * np.log(2 * np.pi * s**2) - (m @ m + np.trace(v)) / (2 * s**2)
        + log_gamma_density(a0, b0, e_log, e)
        + 0.5 * np.linalg.slogdet(2 * np.pi * np.e * v)[1] + entropy_gamma(a, b)
    )
    return {
        "x": x, "y": y,
        "known": {"mean": mean, "covariance": covariance, "logEvidence": evidence},
        "unknown": {"mean": m, "covariance": v, "concentration": a, "rate": b, "elbo": elbo},
    }


def mixture():
    """weights ~ Dirichlet(1, 1), mu ~ N(0, 5²), tau ~ Gamma(2, 1), 1,000 points."""
    n, k = 1000, 2
    z = rng.random(n) < 0.35
    x = rounded(np.where(z, -2 + 1.0 * rng.normal(size=n), 2 + 0.7 * rng.normal(size=n)))
    s0, a0, b0 = 5.0, 2.0, 1.0
    alpha0 = np.ones(k)
    r = np.stack([x < 0, x >= 0], 1).astype(float)
    e_tau = np.ones(k)
    for _ in range(5000):
        counts = r.sum(0)
        v = 1 / (1 / s0**2 + e_tau * counts)
        m = v * e_tau * (r.T @ x)
        square = (x[:, None] - m) ** 2 + v
        a = a0 + counts / 2
        b = b0 + 0.5 * (r * square).sum(0)
        e_tau, e_log_tau = a / b, digamma(a) - np.log(b)
        alpha = alpha0 + counts
        e_log_w = expected_log_dirichlet(alpha)
        r = softmax(e_log_w + 0.5 * e_log_tau - 0.5 * e_tau * square)
    elbo = (
        (r * (e_log_w + 0.5 * (e_log_tau - LOG2PI) - 0.5 * e_tau * square)).sum()
        + log_dirichlet_density(alpha0, e_log_w)
        + (-0.5 * np.log(2 * np.pi * s0**2) - (m**2 + v) / (2 * s0**2)).sum()
        + log_gamma_density(a0, b0, e_log_tau, e_tau).sum()
        + entropy_categories(r) + entropy_dirichlet(alpha)
        + (0.5 * np.log(2 * np.pi * np.e * v)).sum() + entropy_gamma(a, b).sum()
    )
    # Gibbs: all parameters and labels in turn, 40,000 sweeps after 1,000; batch means of 200 for the standard errors.
    mu, tau, w = np.array([-2.0, 2.0]), np.ones(k), np.array([0.35, 0.65])
    draws = []
    for sweep in range(41_000):
        log_r = np.log(w) + 0.5 * np.log(tau) - 0.5 * tau * (x[:, None] - mu) ** 2
        one = rng.random(n) < 1 / (1 + np.exp(log_r[:, 0] - log_r[:, 1]))
        labels = np.stack([~one, one], 1).astype(float)
        counts = labels.sum(0)
        w = rng.dirichlet(alpha0 + counts)
        v_k = 1 / (1 / s0**2 + tau * counts)
        mu = v_k * tau * (labels.T @ x) + np.sqrt(v_k) * rng.normal(size=k)
        rate = b0 + 0.5 * (labels * (x[:, None] - mu) ** 2).sum(0)
        tau = rng.gamma(a0 + counts / 2) / rate
        if sweep >= 1000:
            draws.append(np.concatenate([w[:1], mu, tau]))
    draws = np.array(draws)
    assert (draws[:, 1] < draws[:, 2]).all()  # no label switching
    batches = draws.reshape(200, -1, draws.shape[1]).mean(1)
    return {
        "x": x, "elbo": elbo, "weights": alpha, "loc": m, "sd": np.sqrt(v), "concentration": a, "rate": b,
        "gibbs": {
            "names": ["weight 0", "mu 0", "mu 1", "tau 0", "tau 1"],
            "mean": draws.mean(0), "sd": draws.std(0), "error": batches.std(0) / np.sqrt(len(batches)),
        },
    }


def topics():
    """Latent Dirichlet allocation (Blei, Ng and Jordan 2003): beta ~ Dirichlet(0.5), theta ~ Dirichlet(0.3), in the order beta, theta, z."""
    k, v, d, n = 3, 8, 12, 20
    truth = rng.dirichlet(0.2 * np.ones(v), size=k)
    mix = rng.dirichlet(0.3 * np.ones(k), size=d)
    words = np.array([[rng.choice(v, p=truth[rng.choice(k, p=mix[j])]) for j in range(d)] for _ in range(n)])
    logits = rounded(rng.normal(size=(n, d, k)))
    eta0, alpha0 = 0.5 * np.ones(v), 0.3 * np.ones(k)
    z = softmax(logits)
    seen = np.eye(v)[words]
    elbos = []
    for _ in range(60):
        beta = eta0 + np.einsum("ndk,ndv->kv", z, seen)
        theta = alpha0 + z.sum(0)
        log_beta, log_theta = expected_log_dirichlet(beta), expected_log_dirichlet(theta)
        score = log_theta[None] + np.einsum("ndv,kv->ndk", seen, log_beta)
        z = softmax(score)
        elbos.append(
            (z * score).sum() + log_dirichlet_density(eta0, log_beta).sum() + log_dirichlet_density(alpha0, log_theta).sum()
            + entropy_categories(z) + entropy_dirichlet(beta).sum() + entropy_dirichlet(theta).sum()
        )
    return {"words": words, "logits": logits, "beta": beta, "theta": theta, "elbo": elbos}


def effects():
    """y ~ N(mu + a + b, 1/tau), a row effect and a column effect, each with a precision of its own; in that order from the start below."""
    rows, columns = 6, 4
    y = rounded(1.5 + rng.normal(size=(rows, 1)) + 0.5 * rng.normal(size=(1, columns)) + 0.3 * rng.normal(size=(rows, columns)))
    s0, a0, b0 = 3.0, 2.0, 1.0
    n = y.size
    va, vb = np.ones(rows), np.ones(columns)
    ma, mb = np.zeros(rows), np.zeros(columns)
    mu, v = 0.0, 1.0
    ea = eb = e = a0 / b0
    for _ in range(20_000):
        v = 1 / (1 / s0**2 + n * e)
        mu = v * e * (y - ma[:, None] - mb[None]).sum()
        va = np.full(rows, 1 / (ea + columns * e))
        ma = va * e * (y - mu - mb[None]).sum(1)
        vb = np.full(columns, 1 / (eb + rows * e))
        mb = vb * e * (y - mu - ma[:, None]).sum(0)
        rate_a = b0 + 0.5 * (ma**2 + va).sum()
        rate_b = b0 + 0.5 * (mb**2 + vb).sum()
        residual = ((y - mu - ma[:, None] - mb[None]) ** 2 + v + va[:, None] + vb[None]).sum()
        rate = b0 + 0.5 * residual
        shapes = a0 + np.array([rows, columns, n]) / 2
        ea, eb, e = shapes / np.array([rate_a, rate_b, rate])
    rates = np.array([rate_a, rate_b, rate])
    e_log, e_all = digamma(shapes) - np.log(rates), shapes / rates
    elbo = (
        (np.array([rows, columns, n]) / 2 * (e_log - LOG2PI) - e_all * (rates - b0)).sum()
        - 0.5 * np.log(2 * np.pi * s0**2) - (mu**2 + v) / (2 * s0**2)
        + log_gamma_density(a0, b0, e_log, e_all).sum() + entropy_gamma(shapes, rates).sum()
        + 0.5 * sum(np.log(2 * np.pi * np.e * u).sum() for u in (np.array([v]), va, vb))
    )
    return {"y": y, "mu": mu, "row": ma, "column": mb, "concentration": shapes, "rate": rates, "elbo": elbo}


def classes():
    """Documents of one hidden class each: weights ~ Dirichlet(1), phi ~ Dirichlet(0.7), c a document's class, words given it."""
    k, v, d, n = 3, 6, 15, 12
    truth = rng.dirichlet(0.4 * np.ones(v), size=k)
    of = rng.choice(k, size=d)
    words = np.array([[rng.choice(v, p=truth[of[j]]) for j in range(d)] for _ in range(n)])
    logits = rounded(rng.normal(size=(d, k)))
    w0, phi0 = np.ones(k), 0.7 * np.ones(v)
    c = softmax(logits)
    counts = np.eye(v)[words].sum(0)
    elbos = []
    for _ in range(40):
        weights = w0 + c.sum(0)
        phi = phi0 + c.T @ counts
        log_w, log_phi = expected_log_dirichlet(weights), expected_log_dirichlet(phi)
        score = log_w + counts @ log_phi.T
        c = softmax(score)
        elbos.append(
            (c * score).sum() + log_dirichlet_density(w0, log_w) + log_dirichlet_density(phi0, log_phi).sum()
            + entropy_categories(c) + entropy_dirichlet(weights) + entropy_dirichlet(phi).sum()
        )
    return {"words": words, "logits": logits, "weights": weights, "phi": phi, "elbo": elbos}


def plain(value):
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, (np.ndarray, list)):
        return [plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


cases = [regression, mixture, topics, effects, classes]
with open(os.path.join(os.path.dirname(__file__), "reference.json"), "w") as file:
    json.dump({f.__name__: plain(f()) for f in cases}, file)
    file.write("\n")

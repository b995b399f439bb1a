"""The maximum a posteriori of multinomial logistic regression on MNIST, by SciPy's L-BFGS in float64: what logistic.test.ts expects.

Usage: python3 logistic.py <folder of train-images-idx3-ubyte and train-labels-idx1-ubyte>
"""
import gzip
import os
import sys

import numpy as np
from scipy.optimize import minimize


def read(stem, offset):
    name = next(f for f in sorted(os.listdir(sys.argv[1])) if f.startswith(stem))
    path = os.path.join(sys.argv[1], name)
    raw = gzip.open(path).read() if name.endswith("gz") else open(path, "rb").read()
    return np.frombuffer(raw, np.uint8, offset=offset)


x = read("train-images", 16).reshape(-1, 784) / 255
labels = read("train-labels", 8)
known, y = x[:200], np.eye(10)[labels[:200]]


def loss(theta, scale):
    w, b = theta[:7840].reshape(784, 10), theta[7840:]
    logits = known @ w + b
    top = logits.max(1, keepdims=True)
    log_sum = top + np.log(np.exp(logits - top).sum(1, keepdims=True))
    residual = np.exp(logits - log_sum) - y
    value = -(y * (logits - log_sum)).sum() + (w**2).sum() / (2 * scale**2)
    gradient = np.concatenate([(known.T @ residual + w / scale**2).ravel(), residual.sum(0)])
    return value, gradient


for scale in (1, 0.1):
    found = minimize(
        loss, np.zeros(7850), args=(scale,), jac=True, method="L-BFGS-B", options={"maxiter": 50_000, "ftol": 1e-15, "gtol": 1e-9}
    )
    logits = x[1000:1200] @ found.x[:7840].reshape(784, 10) + found.x[7840:]
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    print(scale, (p.argmax(1) != labels[1000:1200]).sum(), p[4].round(6).tolist(), np.abs(found.jac).max())

# python3 test/distributions/gaussian-process.py > test/distributions/gaussian-process.json
# Dense float64 formulas by NumPy, without a factorisation where none is needed: Rasmussen and Williams (2006), eqs. 2.23 to 2.30; Titsias (2009),
# eq. 9; Quinonero-Candela and Rasmussen (2005), table 1; Riutort-Mayol et al. (2023), eqs. 6 to 11. Spectral densities by quadrature of the kernels.
import json
import numpy as np
from scipy import integrate, special

x = np.array([0.0, 0.4, 1.1, 1.9, 2.6, 3.3])
y = np.array([0.2, 0.5, 1.1, 0.7, -0.3, -0.9])
new = np.array([-0.5, 1.5, 3.3, 5.0])
z = np.array([0.2, 1.6, 3.0])
plane = np.array([[0.0, 1.0], [0.5, -0.3], [-1.2, 0.4], [0.9, 0.9]])

def distances(a, b, length):
    a, b = (np.reshape(t, (len(t), -1)) for t in (a, b))
    return np.sqrt((((a[:, None] - b[None]) / length) ** 2).sum(-1))

kernels = {
    "rbf": lambda a, b, s, l: s**2 * np.exp(-distances(a, b, l) ** 2 / 2),
    "matern32": lambda a, b, s, l: s**2 * (1 + 3**0.5 * distances(a, b, l)) * np.exp(-(3**0.5) * distances(a, b, l)),
    "matern52": lambda a, b, s, l: s**2 * (1 + 5**0.5 * distances(a, b, l) + 5 / 3 * distances(a, b, l) ** 2) * np.exp(-(5**0.5) * distances(a, b, l)),
    "periodic": lambda a, b, s, l: s**2 * np.exp(-2 * (np.sin(np.pi * (a[:, None] - b[None]) / 1.7) / l) ** 2),
    "linear": lambda a, b, s, l: s**2 * (a[:, None] - 0.5) * (b[None] - 0.5),
}
scale, length, noise, mean = 1.3, 0.8, 0.25, 0.1
out = {"kernels": {}, "exact": {}, "sparse": {}, "spectra": {}}
for name, k in kernels.items():
    out["kernels"][name] = k(x, new, scale, length).ravel().tolist()
for name in ["rbf", "matern32", "matern52"]:
    out["kernels"][f"{name} plane"] = kernels[name](plane, plane, scale, np.array([0.8, 1.7])).ravel().tolist()

def normal(y, m, c):
    r = y - m
    sign, logdet = np.linalg.slogdet(c)
    return float(-0.5 * (r @ np.linalg.solve(c, r) + logdet + len(y) * np.log(2 * np.pi)))

for name, k in kernels.items():
    c = k(x, x, scale, length) + noise**2 * np.eye(6)
    cross = k(x, new, scale, length)
    out["exact"][name] = {
        "logMarginal": normal(y, mean, c),
        "mean": (mean + cross.T @ np.linalg.solve(c, y - mean)).tolist(),
        "covariance": (k(new, new, scale, length) - cross.T @ np.linalg.solve(c, cross)).ravel().tolist(),
    }

k = lambda a, b: kernels["matern52"](a, b, scale, length)
q = lambda a, b: k(a, z) @ np.linalg.solve(k(z, z), k(z, b))
for method in ["vfe", "fitc", "dtc"]:
    rest = np.diag(k(x, x) - q(x, x))
    d = noise**2 + (rest if method == "fitc" else 0 * rest)
    c = q(x, x) + np.diag(d)
    logp = normal(y, mean, c) - (rest.sum() / 2 / noise**2 if method == "vfe" else 0)
    # p(f* | y) with u integrated out: mean Q*f C^-1 (y - m), covariance K** - Q*f C^-1 Qf*.
    out["sparse"][method] = {
        "logMarginal": float(logp),
        "mean": (mean + q(new, x) @ np.linalg.solve(c, y - mean)).tolist(),
        "variance": np.diag(k(new, new) - q(new, x) @ np.linalg.solve(c, q(x, new))).tolist(),
    }

for name in ["rbf", "matern32", "matern52"]:
    k1 = lambda r: float(kernels[name](np.array([0.0]), np.array([r]), scale, length)[0, 0])
    one = [2 * integrate.quad(lambda r: k1(r) * np.cos(w * r), 0, 40, limit=400, epsabs=1e-12)[0] for w in [0, 0.7, 3.1]]
    # In the plane: a Hankel transform, 2 pi int k(r) r J0(w r) dr.
    two = [2 * np.pi * integrate.quad(lambda r: k1(r) * r * special.j0(w * r), 0, 40, limit=800, epsabs=1e-12)[0] for w in [0, 0.7, 3.1]]
    out["spectra"][name] = {"line": one, "plane": two}
print(json.dumps(out))

"""Reference solutions for odeint.test.ts: python3 test/tensor/odeint-reference.py > test/tensor/odeint-reference.json

Made with SciPy's DOP853 at a tolerance of 1e-13.
"""

import json

import numpy as np
from scipy.integrate import solve_ivp

alpha, beta, gamma, delta = 0.55, 0.028, 0.8, 0.024
times = list(range(11))


def solve(f, y0, ts):
    return solve_ivp(f, (ts[0], ts[-1]), y0, method="DOP853", t_eval=ts, rtol=1e-13, atol=1e-13).y.T.tolist()


lotka = solve(lambda t, y: [y[0] * (alpha - beta * y[1]), y[1] * (delta * y[0] - gamma)], [30.0, 4.0], times)
forced = solve(lambda t, y: [y[1], np.sin(3 * t) - y[0] - 0.2 * y[1] * t], [1.0, 0.0], [0.0, 0.5, 2.0, 2.1, 6.0])
print(json.dumps({"lotkaVolterra": lotka, "forced": forced}))

"""Reference values for gru.test.ts, by PyTorch in float64: python3 test/nn/gru-reference.py > test/nn/gru-reference.json"""

import json

import torch

torch.manual_seed(1)
gru = torch.nn.GRU(3, 4, batch_first=True).double()
x = torch.randn(2, 5, 3, dtype=torch.float64, requires_grad=True)
h = torch.randn(1, 2, 4, dtype=torch.float64)
y, _ = gru(x, h)
(y * torch.cos(torch.arange(40.0).double().reshape(2, 5, 4))).sum().backward()
flat = lambda t: t.detach().flatten().tolist()
parameters = {
    "inputWeight": gru.weight_ih_l0,
    "inputBias": gru.bias_ih_l0,
    "stateWeight": gru.weight_hh_l0,
    "stateBias": gru.bias_hh_l0,
}
print(json.dumps({
    "x": flat(x),
    "initial": flat(h),
    "parameters": {k: flat(p.T) if p.dim() == 2 else flat(p) for k, p in parameters.items()},
    "outputs": flat(y),
    "gradients": {**{k: flat(p.grad.T) if p.dim() == 2 else flat(p.grad) for k, p in parameters.items()}, "x": flat(x.grad)},
}))

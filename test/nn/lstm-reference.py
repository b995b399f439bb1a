"""Reference values for lstm.test.ts, by PyTorch in float64: python3 test/nn/lstm-reference.py > test/nn/lstm-reference.json"""

import json

import torch

torch.manual_seed(2)
lstm = torch.nn.LSTM(3, 4, batch_first=True).double()
x = torch.randn(2, 5, 3, dtype=torch.float64, requires_grad=True)
h = torch.randn(1, 2, 4, dtype=torch.float64, requires_grad=True)
c = torch.randn(1, 2, 4, dtype=torch.float64, requires_grad=True)
y, (last, memory) = lstm(x, (h, c))
(y * torch.cos(torch.arange(40.0).double().reshape(2, 5, 4))).sum().backward()
flat = lambda t: t.detach().flatten().tolist()
parameters = {
    "inputWeight": lstm.weight_ih_l0,
    "inputBias": lstm.bias_ih_l0,
    "stateWeight": lstm.weight_hh_l0,
    "stateBias": lstm.bias_hh_l0,
}
print(json.dumps({
    "x": flat(x),
    "hidden": flat(h),
    "cell": flat(c),
    "parameters": {k: flat(p.T) if p.dim() == 2 else flat(p) for k, p in parameters.items()},
    "outputs": flat(y),
    "last": flat(memory),
    "gradients": {
        **{k: flat(p.grad.T) if p.dim() == 2 else flat(p.grad) for k, p in parameters.items()},
        "x": flat(x.grad),
        "hidden": flat(h.grad),
        "cell": flat(c.grad),
    },
}))

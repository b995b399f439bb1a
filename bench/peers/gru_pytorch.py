"""Forward and backward of a GRU decoder in eager PyTorch; prints the median milliseconds of a step as JSON. Sizes come as arguments."""

import json
import statistics
import sys
import time

import torch

steps, batch, inputs, hidden, threads, count = map(int, sys.argv[1:])
torch.set_num_threads(threads)
torch.manual_seed(0)
gru = torch.nn.GRU(inputs, hidden)
head = torch.nn.Linear(hidden, inputs)
x = (torch.rand(steps, batch, inputs) < 0.5).float()
h = torch.randn(1, batch, hidden, requires_grad=True)
parameters = [*gru.parameters(), *head.parameters()]
times = []
for i in range(count + 3):
    start = time.perf_counter()
    for p in [*parameters, h]:
        p.grad = None
    y, _ = gru(x, h)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(head(y), x, reduction="sum") / batch
    loss.backward()
    loss.item()
    if i >= 3:
        times.append(1000 * (time.perf_counter() - start))
print(json.dumps({"version": torch.__version__, "median": statistics.median(times), "min": min(times)}))

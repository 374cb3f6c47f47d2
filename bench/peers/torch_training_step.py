"""The training steps of bench/training-step.ts in PyTorch, for comparison only: no part of the product.

Same layers, shapes, batch and loss (batch-all triplet on unit vectors), frozen batch normalisation folded away,
channels_last, all threads. Prints one JSON line: {"name", "medianMs", "p90Ms", "torch", "threads"}.
Usage: python torch_training_step.py CASE BATCH REPEAT
"""

import json
import os
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


class ConvAct(nn.Sequential):
    def __init__(self, i, o, k=1, s=1, groups=1, act=None):
        layers = [nn.Conv2d(i, o, k, s, (k - 1) // 2, groups=groups)]
        if act:
            layers.append(act(inplace=True))
        super().__init__(*layers)


class Inverted(nn.Module):
    def __init__(self, i, o, s, expand):
        super().__init__()
        mid = i * expand
        layers = [] if expand == 1 else [ConvAct(i, mid, act=nn.ReLU6)]
        layers += [ConvAct(mid, mid, 3, s, mid, nn.ReLU6), ConvAct(mid, o)]
        self.body = nn.Sequential(*layers)
        self.skips = s == 1 and i == o

    def forward(self, x):
        return x + self.body(x) if self.skips else self.body(x)


MOBILENET = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]


def mobilenet():
    layers, i = [ConvAct(3, 32, 3, 2, act=nn.ReLU6)], 32
    for expand, o, n, stride in MOBILENET:
        for at in range(n):
            layers.append(Inverted(i, o, stride if at == 0 else 1, expand))
            i = o
    layers.append(ConvAct(i, 1280, act=nn.ReLU6))
    return layers


class Bottleneck(nn.Module):
    def __init__(self, i, mid, s):
        super().__init__()
        self.body = nn.Sequential(
            ConvAct(i, mid, act=nn.ReLU), ConvAct(mid, mid, 3, s, act=nn.ReLU), ConvAct(mid, mid * 4)
        )
        self.down = ConvAct(i, mid * 4, 1, s) if s != 1 or i != mid * 4 else None

    def forward(self, x):
        return F.relu(self.body(x) + (self.down(x) if self.down else x))


def resnet50():
    stages, i = [[ConvAct(3, 64, 7, 2, act=nn.ReLU), nn.MaxPool2d(3, 2, 1)]], 64
    for mid, n, stride in [(64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)]:
        stage = []
        for at in range(n):
            stage.append(Bottleneck(i, mid, stride if at == 0 else 1))
            i = mid * 4
        stages.append(stage)
    return stages


class VitBlock(nn.Module):
    def __init__(self, dim=384, heads=6):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.up, self.down = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.scale1, self.scale2 = (nn.Parameter(torch.full((dim,), 0.8)) for _ in range(2))

    def forward(self, x):
        n, t, c = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(n, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, c)
        x = x + self.scale1 * self.proj(a)
        return x + self.scale2 * self.down(F.gelu(self.up(self.norm2(x))))


class Mean(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


class FirstToken(nn.Module):
    def forward(self, x):
        return x[:, 0]


def case(name):
    """Layers, and the shape that they are fed with, without the batch."""
    if name == "head-cached":
        return [], 1280, (1280,)
    if name.startswith("mobilenet-full"):
        size = int(name.split("-")[-1])
        return [*mobilenet(), Mean()], 1280, (3, size, size)
    if name == "mobilenet-last3-224":
        return [*mobilenet()[15:], Mean()], 1280, (160, 7, 7)
    if name == "vit-small-last4-224":
        return [*(VitBlock() for _ in range(4)), nn.LayerNorm(384), FirstToken()], 384, (197, 384)
    if name == "resnet50-last-stage-224":
        return [*resnet50()[4], Mean()], 2048, (1024, 14, 14)
    if name == "resnet50-full-224":
        return [*(layer for stage in resnet50() for layer in stage), Mean()], 2048, (3, 224, 224)
    raise SystemExit(f"no case {name}")


def triplet(embeddings, labels, margin=0.2):
    distance = 1 - embeddings @ embeddings.T
    same = labels[:, None] == labels[None, :]
    eye = torch.eye(len(labels), dtype=torch.bool)
    valid = (same & ~eye)[:, :, None] & ~same[:, None, :]
    hinge = F.relu(distance[:, :, None] - distance[:, None, :] + margin) * valid
    return hinge.sum() / valid.sum()


def main():
    name, batch, repeat = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    torch.manual_seed(1)
    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    layers, width, shape = case(name)
    model = nn.Sequential(*layers, nn.Linear(width, 128))
    x = torch.randn(batch, *shape)
    if len(shape) == 3:
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    labels = torch.arange(batch) % max(2, batch // 4)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, foreach=True)
    times = []
    for _ in range(repeat + 1):
        start = time.perf_counter()
        optimiser.zero_grad(set_to_none=True)
        triplet(F.normalize(model(x)), labels).backward()
        optimiser.step()
        times.append((time.perf_counter() - start) * 1000)
    times = sorted(times[1:])
    report = {
        "name": name,
        "medianMs": times[len(times) // 2],
        "p90Ms": times[min(len(times) - 1, int(len(times) * 0.9))],
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(report))


main()

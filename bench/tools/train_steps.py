"""Trains a net as one writes it with plain PyTorch: <script> <folder> <threads> <batch size> <shape of a sample, with
commas> <warm-up steps> <steps>. Answers in JSON with the seconds of each step after the warm-up, and all losses."""

import json
import sys
import time

import numpy as np
import torch
from torch.nn import functional as F

from eager_models import eager_model

script, folder, threads, batch_size, shape, warmup, steps = sys.argv[1:]
torch.set_num_threads(int(threads))
x = torch.from_numpy(np.fromfile(f"{folder}/x.bin", dtype=np.float32)).reshape(-1, *map(int, shape.split(",")))
y = torch.from_numpy(np.fromfile(f"{folder}/y.bin", dtype=np.int64))
model = eager_model(torch.jit.load(script)).train()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
seconds, losses = [], []
size = int(batch_size)
for step in range(int(warmup) + int(steps)):
    start = time.perf_counter()
    # A loader would gather them as well.
    rows = torch.arange(step * size, (step + 1) * size) % len(y)
    loss = F.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    seconds.append(time.perf_counter() - start)
print(json.dumps({"seconds": seconds[int(warmup) :], "losses": losses}))

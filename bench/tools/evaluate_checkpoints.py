"""A plain PyTorch loop over checkpoints of ResNet-20 on images: make <script> <folder> <count>, or
run <folder> <count> <threads> <batch size>. `run` answers in JSON with seconds and each checkpoint's loss and accuracy."""

import json
import pathlib
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, width_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width_in, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shrinks = stride > 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.shrinks:
            extra = out.shape[1] - x.shape[1]
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, extra // 2, extra // 2))
        return F.relu(out + x)


class ResNet20(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*[Block(16, 16, 1) for _ in range(3)])
        self.layer2 = nn.Sequential(*[Block(16 if i == 0 else 32, 32, 2 if i == 0 else 1) for i in range(3)])
        self.layer3 = nn.Sequential(*[Block(32 if i == 0 else 64, 64, 2 if i == 0 else 1) for i in range(3)])
        self.linear = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


def make(script: str, folder: str, count: str) -> None:
    state = torch.jit.load(script).state_dict()
    torch.manual_seed(0)
    for i in range(int(count)):
        noisy = {k: v + 0.002 * i * torch.randn_like(v) * v.abs() if v.dim() > 1 else v.clone() for k, v in state.items()}
        torch.save({"state_dict": noisy, "epoch": i}, pathlib.Path(folder) / f"{i}.pth")


def run(folder: str, count: str, threads: str, batch_size: str) -> None:
    torch.set_num_threads(int(threads))
    x = torch.from_numpy(np.fromfile(f"{folder}/x.bin", dtype=np.float32)).reshape(-1, 3, 32, 32)
    y = torch.from_numpy(np.fromfile(f"{folder}/y.bin", dtype=np.int64))
    model = ResNet20().eval()
    results = []
    with torch.inference_mode():
        model(x[:32])
        start = time.perf_counter()
        for i in range(int(count)):
            model.load_state_dict(torch.load(f"{folder}/{i}.pth", weights_only=True)["state_dict"])
            loss = right = 0.0
            for images, labels in zip(x.split(int(batch_size)), y.split(int(batch_size))):
                output = model(images)
                loss += F.cross_entropy(output, labels, reduction="sum").item()
                right += (output.argmax(1) == labels).sum().item()
            results.append([loss / len(y), right / len(y)])
        seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "results": results}))


if __name__ == "__main__":
    {"make": make, "run": run}[sys.argv[1]](*sys.argv[2:])

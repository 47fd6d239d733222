"""Makes *.architecture.pt: nets without weights of their own, into which published checkpoints are loaded.

    pip install torch && PYTHONHASHSEED=0 python examples/checkpoints/architectures.py

Every parameter is one stored zero that is repeated, so a file takes some kilobytes whatever the size of the net.
"""

import pathlib
import sys

import torch
from torch import nn
from torch.nn import functional as F

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1] / "scripts"))
from torchscript_file import save_architecture  # noqa: E402


class LeNet5(nn.Module):
    """The LeNet5 of advertorch's trained models (MNIST)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, padding=1)
        self.conv2 = nn.Conv2d(32, 64, 3, padding=1)
        self.linear1 = nn.Linear(64 * 7 * 7, 200)
        self.linear2 = nn.Linear(200, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.linear2(F.relu(self.linear1(x.flatten(1))))


class CaptumLeNet(nn.Module):
    """The net of captum's CIFAR-10 tutorial."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x.flatten(1))))))


def convex_mnist() -> nn.Module:
    """The MNIST net of convex_adversarial."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 4, 2, 1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 4, 2, 1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 7 * 7, 100),
        nn.ReLU(),
        nn.Linear(100, 10),
    )


if __name__ == "__main__":
    save_architecture(LeNet5(), HERE / "lenet5.architecture.pt")
    save_architecture(CaptumLeNet(), HERE / "captum.architecture.pt")
    save_architecture(convex_mnist(), HERE / "convex.architecture.pt")

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
from torchscript_file import save_without_debug_files  # noqa: E402


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


def save(name: str, net: nn.Module) -> None:
    for module in net.modules():
        for key, parameter in list(module.named_parameters(recurse=False)):
            setattr(module, key, nn.Parameter(torch.zeros(1).expand(parameter.numel()).view(parameter.shape)))
    save_without_debug_files(torch.jit.script(net), HERE / f"{name}.architecture.pt")


if __name__ == "__main__":
    save("lenet5", LeNet5())

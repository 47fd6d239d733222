"""The workloads' nets as eager modules, for tools that take no TorchScript; their weights come from the workload's file.

ResNet-20 is the one of He et al. 2016, section 4.2, whose shortcuts take every second pixel and add channels of zeros
(option A).
"""

import pathlib
import sys

import torch
from torch import nn
from torch.nn import functional as F

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))
from make_lenet import LeNet  # noqa: E402


class Block(nn.Module):
    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.stride = channels // channels_in
        self.conv1 = nn.Conv2d(channels_in, channels, 3, self.stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.stride > 1:
            more = y.shape[1] - x.shape[1]
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, more // 2, more // 2))
        return F.relu(x + y)


class ResNet20(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        for i, (before, channels) in enumerate([(16, 16), (16, 32), (32, 64)]):
            blocks = [Block(before if j == 0 else channels, channels) for j in range(3)]
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
        self.linear = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


def resnet18() -> nn.Module:
    # Where it is asked for the others are not: it takes a second to import.
    import torchvision

    return torchvision.models.resnet18()


def eager_model(scripted: torch.jit.ScriptModule) -> nn.Module:
    """An eager module with the names and weights of a scripted one; an error where there is none of its kind."""
    state = scripted.state_dict()
    for kind in (LeNet, ResNet20, resnet18):
        model = kind()
        if model.state_dict().keys() == state.keys():
            model.load_state_dict(state)
            return model.eval()
    raise SystemExit("no eager module has the parameters of this model")

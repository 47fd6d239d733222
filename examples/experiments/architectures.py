"""Makes the nets of the experiments.

    pip install torch && PYTHONHASHSEED=0 python examples/experiments/architectures.py
    pip install torchvision && python examples/experiments/architectures.py torchvision FOLDER [--size 112]

The first makes *.architecture.pt beside this file, without weights of their own: every parameter is one stored zero that
is repeated. The second writes nets of torchvision, scripted, with torchvision's own random weights, into a folder.
"""

import argparse
import pathlib
import sys

import torch
from torch import nn
from torch.nn import functional as F

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1] / "scripts"))
from torchscript_file import save_architecture  # noqa: E402


def two_inputs() -> nn.Module:
    """A classifier of two inputs, wide enough to fit labels that contradict their neighbourhood."""
    return nn.Sequential(
        nn.Linear(2, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 2)
    )


class LeNet(nn.Module):
    """LeNet-5 (LeCun et al. 1998) with ReLU and max-pooling, for 28 x 28 digits."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x.flatten(1))))))


class Block(nn.Module):
    """Two convolutions; the shortcut takes every second pixel and pads channels with zeros (He et al. 2016, option A)."""

    def __init__(self, inputs: int, outputs: int, stride: int, has_shortcut: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride = stride
        self.padding = (outputs - inputs) // 2
        self.has_shortcut = has_shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.has_shortcut:
            if self.stride != 1:
                x = F.pad(x[:, :, ::2, ::2], [0, 0, 0, 0, self.padding, self.padding])
            y = y + x
        return F.relu(y)


def resnet(depth: int, width: int, has_shortcut: bool) -> nn.Module:
    """A ResNet for 32 x 32 images of 6n + 2 layers and `width`, 2 `width` and 4 `width` channels."""
    blocks: list[nn.Module] = []
    inputs = width
    for stage in range(3):
        for i in range((depth - 2) // 6):
            outputs = width * 2**stage
            blocks.append(Block(inputs, outputs, 2 if stage > 0 and i == 0 else 1, has_shortcut))
            inputs = outputs
    return nn.Sequential(
        nn.Conv2d(3, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        *blocks,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4 * width, 10),
    )


def save_torchvision(folder: pathlib.Path, size: int) -> None:
    from torchvision import models

    folder.mkdir(parents=True, exist_ok=True)
    # ViT-Tiny (Touvron et al. 2021) of torchvision's own class.
    vit = {"image_size": size, "patch_size": 16, "num_layers": 12, "num_heads": 3, "hidden_dim": 192, "mlp_dim": 768}
    nets = {
        "resnet18": lambda: models.resnet18(),
        "alexnet": lambda: models.alexnet(),
        "squeezenet": lambda: models.squeezenet1_1(),
        "mobilenet": lambda: models.mobilenet_v2(),
        "vit": lambda: models.VisionTransformer(**vit),
    }
    for name, make in nets.items():
        torch.manual_seed(1)
        net = make()
        if name == "vit":
            # torchvision's starts with a head of zeros, at which the Hessian of all else is 0.
            nn.init.trunc_normal_(net.heads.head.weight, std=0.02)
        torch.jit.save(torch.jit.script(net.eval()), str(folder / f"{name}.pt"))


def main() -> None:
    if len(sys.argv) == 1:
        save_architecture(two_inputs(), HERE / "two_inputs.architecture.pt")
        save_architecture(LeNet(), HERE / "lenet.architecture.pt")
        for width, name in [(4, "thin"), (16, "wide")]:
            save_architecture(resnet(32, width, True), HERE / f"resnet_{name}.architecture.pt")
            save_architecture(resnet(32, width, False), HERE / f"resnet_{name}_plain.architecture.pt")
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["torchvision"])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--size", type=int, default=112)
    arguments = parser.parse_args()
    save_torchvision(arguments.folder, arguments.size)


if __name__ == "__main__":
    main()

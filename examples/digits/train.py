"""Makes digits.script.pt and digits.npz: a small conv+BatchNorm net trained on scikit-learn's bundled 8x8 digits.

    pip install torch numpy scikit-learn && python examples/digits/train.py

digits.npz: x_train, y_train (1437 samples), x_test, y_test (360); pixels as bytes 0..16.
"""

import pathlib
import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1] / "scripts"))
from torchscript_file import save_without_debug_files  # noqa: E402


class DigitsNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(16)
        self.fc = nn.Linear(16 * 2 * 2, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.bn2(self.conv2(x))), 2)
        return self.fc(x.flatten(1))


def main() -> None:
    torch.manual_seed(0)
    torch.use_deterministic_algorithms(True)
    digits = load_digits()
    pixels = digits.images.astype(np.uint8)[:, None]
    order = np.random.default_rng(0).permutation(len(pixels))
    train, test = order[:1437], order[1437:]
    labels = digits.target.astype(np.uint8)
    np.savez_compressed(
        HERE / "digits.npz", x_train=pixels[train], y_train=labels[train], x_test=pixels[test], y_test=labels[test]
    )
    x = torch.from_numpy(pixels[train]).float() / 16
    y = torch.from_numpy(labels[train]).long()
    net = DigitsNet()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 30)
    for _ in range(30):
        for part in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(net(x[part]), y[part]).backward()
            optimizer.step()
        schedule.step()
    net.eval()
    with torch.no_grad():
        for name, rows in (("train", train), ("test", test)):
            out = net(torch.from_numpy(pixels[rows]).float() / 16)
            target = torch.from_numpy(labels[rows]).long()
            loss = F.cross_entropy(out, target).item()
            print(f"{name}: loss {loss:.6f}, accuracy {(out.argmax(1) == target).float().mean().item():.4f}")
    net.train()
    save_without_debug_files(torch.jit.script(net), HERE / "digits.script.pt")


if __name__ == "__main__":
    main()

"""Makes lenet.script.pt: LeNet with seeded random weights, float32, as TorchScript.

    pip install torch==2.13.0 numpy && PYTHONHASHSEED=0 python bench/make_lenet.py

writes the committed file byte by byte (lenet.script.pt.sha256). TorchScript writes sets in the order of their hashes,
hence the variable; another PyTorch may write other code around the same weights.
"""

import hashlib
import pathlib
import sys
import warnings

import torch
from torch import nn
from torch.nn import functional as F

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "scripts"))
from torchscript_file import save_without_debug_files  # noqa: E402


class LeNet(nn.Module):
    """Input [B, 1, 28, 28] in [0, 1]; 61 706 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc3(F.relu(self.fc2(x)))


def main() -> None:
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    torch.manual_seed(1)
    path = HERE / "lenet.script.pt"
    save_without_debug_files(torch.jit.script(LeNet().eval()), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (HERE / "lenet.script.pt.sha256").write_text(f"{digest}  lenet.script.pt\n")
    print(f"{path.name}: {path.stat().st_size} bytes, sha256 {digest}")


if __name__ == "__main__":
    main()

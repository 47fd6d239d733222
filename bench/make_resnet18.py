"""Makes ResNet-18 of torchvision with seeded random weights, float32, as TorchScript.

    python bench/make_resnet18.py OUTPUT.script.pt

writes beside it what one image of 224 x 224 costs, as OUTPUT.script.pt.json: multiplications and additions of the
convolutions and linear layers, counted from the shapes that pass through them, and those of the first layer.
"""

import json
import pathlib
import sys
import warnings

import torch
import torchvision
from torch import nn


def count_arithmetic(model: nn.Module, image: torch.Tensor) -> dict:
    flops = []

    def add(layer: nn.Module, _, output: torch.Tensor) -> None:
        # Each output is a sum over the weights of one filter.
        flops.append(2 * output.numel() * layer.weight[0].numel())

    hooks = [m.register_forward_hook(add) for m in model.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    with torch.no_grad():
        model(image)
    for hook in hooks:
        hook.remove()
    return {"forward": sum(flops), "firstLayer": flops[0]}


def main() -> None:
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    path = pathlib.Path(sys.argv[1])
    torch.manual_seed(1)
    model = torchvision.models.resnet18().eval()
    arithmetic = count_arithmetic(model, torch.zeros(1, 3, 224, 224))
    torch.jit.script(model).save(str(path))
    pathlib.Path(f"{path}.json").write_text(json.dumps(arithmetic))


if __name__ == "__main__":
    main()

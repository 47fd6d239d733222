"""Writes a state dict of about 400 MB, a transformer's, as torch.save and as safetensors do: <folder>."""

import pathlib
import sys

import safetensors.torch
import torch


def state_dict(layers: int = 14, width: int = 768) -> dict[str, torch.Tensor]:
    shapes = {
        "norm1.weight": (width,),
        "norm1.bias": (width,),
        "attn.qkv.weight": (3 * width, width),
        "attn.qkv.bias": (3 * width,),
        "attn.proj.weight": (width, width),
        "attn.proj.bias": (width,),
        "mlp.fc1.weight": (4 * width, width),
        "mlp.fc1.bias": (4 * width,),
        "mlp.fc2.weight": (width, 4 * width),
        "mlp.fc2.bias": (width,),
    }
    torch.manual_seed(1)
    names = [(f"blocks.{i}.{name}", shape) for i in range(layers) for name, shape in shapes.items()]
    return {name: torch.randn(shape) for name, shape in names}


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    tensors = state_dict()
    torch.save(tensors, folder / "weights.pt")
    safetensors.torch.save_file(tensors, folder / "weights.safetensors")


if __name__ == "__main__":
    main()

"""Reads a checkpoint into memory of its own again and again: <file> <way> <repetitions>. Answers as read_checkpoint.mjs."""

import json
import resource
import sys
import time
import zlib

import safetensors.torch
import torch


def copied(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in tensors.items()}


WAYS = {
    "mmap": lambda path: copied(torch.load(path, mmap=True, weights_only=True)),
    "load": lambda path: torch.load(path, weights_only=True),
    "safetensors": lambda path: copied(safetensors.torch.load_file(path)),
}


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def main() -> None:
    path, way, repetitions = sys.argv[1:]
    read = WAYS[way]
    # Libraries are loaded by then.
    torch.zeros(1).clone()
    before = resident()
    milliseconds = []
    grown = crc = 0
    for i in range(int(repetitions)):
        begin = time.perf_counter()
        tensors = read(path)
        milliseconds.append((time.perf_counter() - begin) * 1e3)
        if i == 0:
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
            for name in sorted(tensors):
                crc = zlib.crc32(tensors[name].numpy().tobytes(), crc)
        del tensors
    print(json.dumps({"milliseconds": milliseconds, "grown": grown, "crc": crc, "version": torch.__version__}))


if __name__ == "__main__":
    main()

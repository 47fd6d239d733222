"""Saves TorchScript as the repository ships it: without the debug files, which hold the paths of the sources."""

import pathlib

import torch

# The writer adds these itself.
WRITTEN_BY_ITSELF = {"version", "byteorder", ".data/serialization_id"}


def save_without_debug_files(module: torch.jit.ScriptModule, path: pathlib.Path) -> None:
    module.save(str(path))
    reader = torch._C.PyTorchFileReader(str(path))
    records = {
        name: reader.get_record(name)
        for name in reader.get_all_records()
        if not name.endswith(".debug_pkl") and name not in WRITTEN_BY_ITSELF
    }
    writer = torch._C.PyTorchFileWriter(str(path))
    for name, content in records.items():
        writer.write_record(name, content, len(content))
    writer.write_end_of_file()

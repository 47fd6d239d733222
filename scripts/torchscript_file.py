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


def save_architecture(net: torch.nn.Module, path: pathlib.Path) -> None:
    """A net without weights of its own: every parameter is one stored zero that is repeated."""
    for module in net.modules():
        for key, parameter in list(module.named_parameters(recurse=False)):
            zeros = torch.zeros(1).expand(parameter.numel()).view(parameter.shape)
            setattr(module, key, torch.nn.Parameter(zeros))
    save_without_debug_files(torch.jit.script(net), path)

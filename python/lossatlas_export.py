"""Exports a PyTorch model, sample batches and an optimizer's state to a folder that lossatlas reads.

Copy this one file; it needs torch and nothing else.

    from lossatlas_export import export

    export(model, "run", islice(loader, 8), optimizer)    # batches (x, y)
    export(bert, "run", batches)                          # {"input_ids": …, "attention_mask": …, "labels": …}

    python lossatlas_export.py --self-test
"""

from __future__ import annotations

import contextlib
import ctypes
import inspect
import json
import pathlib
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Inputs = dict[str, Tensor]
LOSSES: dict[str, Callable[..., Tensor]] = {
    "cross-entropy": F.cross_entropy, "nll": F.nll_loss, "mse": F.mse_loss, "l1": F.l1_loss,
    "huber": F.huber_loss, "bce-with-logits": F.binary_cross_entropy_with_logits,
}  # fmt: skip
TARGETS = ("labels", "label", "targets", "target", "y")
SAFETENSORS = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
    torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
}  # fmt: skip


class NextTokenLoss(nn.Module):
    """Of causal language models: the logits [N, T, V] of each token against the label [N, T] of the next one."""

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())


def export(
    model: nn.Module,
    folder: str | pathlib.Path,
    batches: Iterable[Any],
    optimizer: torch.optim.Optimizer | None = None,
    *,
    inputs: list[str] | None = None,
    targets: str | None = None,
    output: str | int | None = None,
    loss: str | nn.Module | None = None,
    dynamic_batch: bool = True,
    torchscript: bool = False,
) -> dict[str, Any]:
    """Writes model.pt2 (or model.script.pt), state_dict.safetensors, data.safetensors, optimizer.pt, loss.pt and
    export.json, which says what they are; returns what it says. The model is left as it was.

    batches: (x, y), (a, b, y), or dictionaries, of equal shapes but for the number of samples; all are written.
    inputs:  of dictionaries: which entries are the model's inputs; default: those that forward has arguments for.
    targets: of dictionaries: which entry is the target; default: labels, label, targets, target or y.
    output:  which output the loss is taken of, where the model has several; default: logits, or the first.
    loss:    cross-entropy (default for integer targets), mse (default for others), nll, l1, huber, bce-with-logits;
             "model": the output is the loss, and labels are inputs; or a module (output, target), scripted to loss.pt.
    dynamic_batch: False fixes the batch to the size of the first one.
    torchscript: write TorchScript without trying torch.export.
    """
    while inner := getattr(model, "_orig_mod", model.module if isinstance(model, wrappers()) else None):
        model = inner
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pairs = [split(model, batch, inputs, targets, loss == "model") for batch in batches]
    if not pairs:
        raise ValueError("There is no batch.")
    first, target = pairs[0]
    size = len(next(iter(first.values())))
    loss = loss or ("model" if target is None else "mse" if target.is_floating_point() else "cross-entropy")
    if isinstance(loss, str) and loss not in (*LOSSES, "model"):
        raise ValueError(f"loss is '{loss}'; known are {', '.join(LOSSES)}, model, or a module.")

    with as_found(model):
        results = [model.eval()(**given) for given, _ in pairs]
        if output is None and isinstance(results[0], Mapping) and "logits" in results[0]:
            output = "logits"
        wanted = [choose(result, output) for result in results]
        how = write_model(model, folder, first, wanted[0], output, dynamic_batch and size > 1, torchscript)
        expected = mean_loss(loss, [(wide(out), y, len(next(iter(x.values())))) for out, (x, y) in zip(wanted, pairs)])

    data = {name: join(name, [given[name] for given, _ in pairs]) for name in first}
    about = {name: {"name": name, **info(tensor)} for name, tensor in data.items()}
    if target is not None:
        data["targets" if "targets" not in data else "targets_"] = join("the target", [y for _, y in pairs])
    write_safetensors(folder / "data.safetensors", data)
    write_safetensors(folder / "state_dict.safetensors", model.state_dict())
    if isinstance(loss, nn.Module):
        torch.jit.script(loss).save(str(folder / "loss.pt"))
    last = list(data)[-1]
    manifest = {
        "format": "lossatlas-export 1",
        "versions": versions(),
        "model": {"class": class_name(model), **how},
        "weights": {"file": "state_dict.safetensors"},
        "data": {
            "file": "data.safetensors",
            "inputs": list(about.values()),
            "targets": None if target is None else {"name": last, **info(data[last])},
            "batchSize": size,
        },
        "output": output,
        "outputs": shapes(results[0]),
        "loss": loss if isinstance(loss, str) else "loss.pt",
        "optimizer": optimizer and write_optimizer(model, optimizer, folder / "optimizer.pt"),
        "check": {"mode": "eval", "loss": expected},
    }
    (folder / "export.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return manifest


def split(
    model: nn.Module, batch: Any, inputs: list[str] | None = None, targets: str | None = None, whole: bool = False
) -> tuple[Inputs, Tensor | None]:
    """The inputs by the names of forward's arguments and in their order, and the target (`whole`: there is none)."""
    names = [p.name for p in inspect.signature(model.forward).parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if isinstance(batch, Mapping):
        key = None if whole else targets or next((k for k in TARGETS if k in batch), None)
        target = None if key is None else batch[key]
        known = [n for n in names if n in (inputs or batch) and n != key]
        given = {n: batch[n] for n in [*known, *(n for n in inputs or () if n not in known)]}
    else:
        parts = [batch] if isinstance(batch, Tensor) else list(batch)
        target = parts.pop() if len(parts) > 1 and not whole else None
        parts = [t for part in parts for t in (part if isinstance(part, (tuple, list)) else [part])]
        if len(parts) > len(names):
            raise ValueError(f"A batch has {len(parts)} inputs, and forward has arguments for {', '.join(names)}.")
        given = dict(zip(names, parts))
    wrong = [n for n, t in {**given, "the target": target}.items() if not isinstance(t, (Tensor, type(None)))]
    if wrong or not given:
        raise ValueError(f"A batch gives no tensor for {', '.join(wrong or names)}.")
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    return {n: t.to(device) for n, t in given.items()}, None if target is None else target.to(device)


def choose(result: Any, output: str | int | None) -> Tensor:
    value = result[output] if output is not None else result[0] if isinstance(result, (tuple, list)) else result
    if isinstance(value, Tensor):
        return value.detach()
    raise ValueError(f"Say by output=… which output the loss is taken of; there are {shapes(result)}.")


def mean_loss(loss: str | nn.Module, results: list[tuple[Tensor, Tensor | None, int]]) -> float:
    """As lossatlas has it: the mean over what counts (labels of −100 do not), or over samples, of batches as given."""
    total, count = 0.0, 0
    for out, target, samples in results:
        if loss in LOSSES:
            value = LOSSES[loss](out, target, reduction="none").double()
            is_labels = loss in ("cross-entropy", "nll") and not target.is_floating_point()
            total, count = total + value.sum().item(), count + int((target != -100).sum() if is_labels else value.numel())
        else:
            value = out if loss == "model" else loss(out) if target is None else loss(out, target)
            total, count = total + value.double().mean().item() * samples, count + samples
    return total / count


def write_model(
    model: nn.Module, folder: pathlib.Path, first: Inputs, expected: Tensor, output: str | int | None, dynamic: bool, torchscript: bool
) -> dict[str, Any]:  # fmt: skip
    """The first form that gives what the model gives. In train mode first: only such a program has its dropouts."""
    sizes = () if torchscript else (True, False) if dynamic else (False,)
    forms = [("model.pt2", mode, any_size) for any_size in sizes for mode in ("train", "eval")]
    notes: list[str] = []
    for file, mode, any_size in [*forms, ("model.script.pt", "script", True), ("model.script.pt", "trace", True)]:
        how = f"torch.export in {mode} mode, {'any' if any_size else 'one'} batch size" if file == "model.pt2" else f"torch.jit.{mode}"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                (write_program if file == "model.pt2" else write_script)(model, folder / file, mode, any_size, first)
                result = choose(run_in_eval_mode(folder / file, first), output).double()
            error = ((result - expected.double()).norm() / expected.double().norm().clamp_min(1e-30)).item()
            if error <= (1e-4 if expected.dtype in (torch.float32, torch.float64) else 3e-2):
                modes = "both" if mode in ("train", "script") else "eval"
                return {"file": file, "how": how, "modes": modes, "dynamicBatch": any_size, "relativeError": error, "notes": notes}
            notes.append(f"{how}: in eval mode its output differs from the model's by {error:.1e} (relative)")
        except Exception as problem:  # whatever one form refuses, the next may do
            notes.append(f"{how}: {type(problem).__name__}: {str(problem).strip()[:400]}")
        (folder / file).unlink(missing_ok=True)
    raise RuntimeError("The model can be exported in no form:\n" + "\n".join(notes))


def wide(output: Tensor) -> Tensor:
    """Losses of half precision are taken in float32, as the library takes them."""
    return output.float() if output.dtype in (torch.float16, torch.bfloat16) else output


def write_program(model: nn.Module, path: pathlib.Path, mode: str, any_size: bool, first: Inputs) -> None:
    # Two samples, so that the check with all of the batch is one of another size; one would be taken for a constant.
    given = {n: t[:2] for n, t in first.items()} if any_size else first
    dynamic = {n: {0: torch.export.Dim.DYNAMIC} for n in given} if any_size else None
    with torch.enable_grad():
        program = torch.export.export(model.train(mode == "train"), (), given, dynamic_shapes=dynamic, strict=False)
    program.example_inputs = None  # samples, and paths of this machine, are nobody's business
    graphs = [m.graph for m in program.graph_module.modules() if isinstance(m, torch.fx.GraphModule)]
    for node in (node for graph in graphs for node in graph.nodes):
        node.meta.pop("stack_trace", None)
        space = getattr(node.target, "namespace", "aten")
        if space not in ("aten", "higher_order", "profiler", "prims"):
            raise ValueError(f"the operator {node.target} belongs to a Python package, and libtorch has none of these")
    # Readers cannot tell a model without any dropout from one that was exported without them.
    note = json.dumps({"modes": "both" if mode == "train" else "eval"})
    torch.export.save(program, path, extra_files={"lossatlas.json": note})


def write_script(model: nn.Module, path: pathlib.Path, mode: str, _: bool, first: Inputs) -> None:
    traced = lambda: torch.jit.trace(model, example_kwarg_inputs=first, strict=False, check_trace=False)
    model.eval()
    (torch.jit.script(model) if mode == "script" else traced()).save(str(path))


def run_in_eval_mode(path: pathlib.Path, given: Inputs) -> Any:
    if path.suffix != ".pt2":
        return torch.jit.load(path).eval()(**given)
    module = torch.export.load(path).module()
    # What tells operators that they are in train mode, and its value in eval mode.
    switches = {"train": False, "training": False, "dropout_p": 0.0}
    for part in (m for m in module.modules() if isinstance(m, torch.fx.GraphModule)):
        for node in part.graph.nodes:
            for place, argument in enumerate(getattr(getattr(node.target, "_schema", None), "arguments", ())):
                if argument.name in switches and place < len(node.args):
                    node.update_arg(place, switches[argument.name])
                elif argument.name in switches and argument.name in node.kwargs:
                    node.update_kwarg(argument.name, switches[argument.name])
        part.recompile()
    return module(**given)


def write_optimizer(model: nn.Module, optimizer: torch.optim.Optimizer, path: pathlib.Path) -> dict[str, Any]:
    """Its state in the order of the model's trainable parameters, whatever its groups are: readers know no names."""
    order = [p for p in model.parameters() if p.requires_grad]
    known = {id(p): optimizer.state[p] for p in list(optimizer.state)}
    plain = lambda v: v.detach().cpu() if isinstance(v, Tensor) else v
    state = {i: {k: plain(v) for k, v in known[id(p)].items()} for i, p in enumerate(order) if id(p) in known}
    if known and not state:
        raise ValueError("The optimizer's parameters are not the model's.")
    number = lambda v: v.item() if isinstance(v, Tensor) else v
    kept = (Tensor, int, float, str, tuple, type(None))
    groups = [{k: number(v) for k, v in group.items() if isinstance(v, kept)} for group in optimizer.param_groups]
    torch.save({"state": state, "param_groups": [{**groups[0], "params": list(range(len(order)))}]}, path)
    return {"file": path.name, "class": class_name(optimizer), "parametersWithState": len(state), "groups": groups}


def write_safetensors(path: pathlib.Path, tensors: Mapping[str, Tensor]) -> None:
    header: dict[str, Any] = {}
    parts: list[bytes] = []
    place = 0
    for name, tensor in tensors.items():
        if tensor.dtype not in SAFETENSORS:
            raise ValueError(f"{name} is of {tensor.dtype}, which is not written here.")
        plain = tensor.detach().cpu().contiguous()
        parts.append(ctypes.string_at(plain.data_ptr(), plain.nbytes) if plain.nbytes else b"")
        header[name] = {"dtype": SAFETENSORS[plain.dtype], "shape": list(plain.shape), "data_offsets": [place, place + plain.nbytes]}
        place += plain.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.writelines([len(text).to_bytes(8, "little"), text, *parts])


@contextlib.contextmanager
def as_found(model: nn.Module) -> Iterator[None]:
    """Modes, the caches of language models, and the random state are put back."""
    modes = [(m, m.training) for m in model.modules()]
    configs = [m.config for m in model.modules() if getattr(getattr(m, "config", None), "use_cache", False) is True]
    try:
        for config in configs:
            config.use_cache = False
        with torch.random.fork_rng(), torch.no_grad():
            yield
    finally:
        for config in configs:
            config.use_cache = True
        for module, training in modes:
            module.training = training


def join(name: str, parts: list[Tensor]) -> Tensor:
    if len({(p.shape[1:], p.dtype) for p in parts}) > 1:
        raise ValueError(f"Batches of '{name}' differ in shape: {[list(p.shape) for p in parts]}. Pad them to one length.")
    return torch.cat(parts)


def info(tensor: Tensor) -> dict[str, Any]:
    return {"dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape)}


def shapes(result: Any) -> Any:
    if isinstance(result, Mapping):
        return {str(key): shapes(value) for key, value in result.items()}
    if isinstance(result, (tuple, list)):
        return [shapes(value) for value in result]
    return list(result.shape) if isinstance(result, Tensor) else type(result).__name__


def wrappers() -> tuple[type, ...]:
    return (nn.DataParallel, nn.parallel.DistributedDataParallel)


def class_name(thing: Any) -> str:
    return f"{type(thing).__module__}.{type(thing).__qualname__}"


def versions() -> dict[str, str]:
    names = ("torch", "torchvision", "timm", "transformers", "lightning", "pytorch_lightning")
    found = {name: str(getattr(sys.modules.get(name), "__version__", "")) for name in names}
    return {"python": sys.version.split()[0], **{name: text for name, text in found.items() if text}}


def self_test() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.norm, self.head = nn.Embedding(11, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)
            self.layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.2, batch_first=True)

        def forward(self, tokens: Tensor, weight: Tensor) -> dict[str, Tensor]:
            h = self.layer(self.embed(tokens)) * weight.unsqueeze(-1)
            return {"logits": self.head(self.norm(h.mean(1)))}

    torch.manual_seed(0)
    model = Net()
    rest = [p for name, p in model.named_parameters() if "head" not in name]
    optimizer = torch.optim.AdamW([{"params": model.head.parameters()}, {"params": rest}])
    batches = [{"weight": torch.rand(n, 5), "tokens": torch.randint(0, 11, (n, 5)), "labels": torch.arange(n) % 3} for n in (4, 3)]
    F.cross_entropy(model(batches[0]["tokens"], batches[0]["weight"])["logits"], batches[0]["labels"]).backward()
    optimizer.step()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with tempfile.TemporaryDirectory() as folder:
        told = export(model, folder, batches, optimizer)
        moments = torch.load(pathlib.Path(folder) / "optimizer.pt", weights_only=True)["state"]
        assert told["model"]["modes"] == "both" and told["model"]["dynamicBatch"], told["model"]
        assert [item["name"] for item in told["data"]["inputs"]] == ["tokens", "weight"], told["data"]
        assert all(torch.equal(moments[i]["exp_avg"], optimizer.state[p]["exp_avg"]) for i, p in enumerate(model.parameters()))
        assert export(model, folder, batches, torchscript=True)["check"] == told["check"]
    assert model.training and all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    print(f"ok: {told['model']['how']}, loss {told['check']['loss']:.6f}")


if __name__ == "__main__":
    if sys.argv[1:] != ["--self-test"]:
        sys.exit("This file is for import; or: python lossatlas_export.py --self-test")
    self_test()

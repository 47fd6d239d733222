"""Exports a PyTorch model, sample batches and an optimizer's state to a folder that lossatlas reads.

Copy this one file; it needs torch and nothing else.

    from lossatlas_export import export

    export(model, "run", islice(loader, 8), optimizer)    # batches (x, y)
    export(bert, "run", batches, output="logits")         # batches {"input_ids": …, "attention_mask": …, "labels": …}

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

LOSSES: dict[str, Callable[..., Tensor]] = {
    "cross-entropy": F.cross_entropy, "nll": F.nll_loss, "mse": F.mse_loss, "l1": F.l1_loss,
    "huber": F.huber_loss, "bce-with-logits": F.binary_cross_entropy_with_logits,
}  # fmt: skip
TARGETS = ("labels", "label", "targets", "target", "y")
# What tells operators of a graph that they are in train mode, and their values in eval mode.
SWITCHES = {"train": False, "training": False, "use_input_stats": False, "dropout_p": 0.0}
SAFETENSORS = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
    torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
}  # fmt: skip


class NextTokenLoss(nn.Module):
    """Of causal language models: logits [N, T, V] at each token against the label [N, T] of the next one."""

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

    batches:  (x, y), (a, b, y), or dictionaries, of equal shapes but for the number of samples; all are written.
    inputs:   of dictionaries: which entries are the model's inputs; default: those that forward has arguments for.
    targets:  of dictionaries: which entry is the target; default: labels, label, targets, target or y.
    output:   which output the loss is taken of, where the model has several; default: logits, or the first.
    loss:     cross-entropy (default for integer targets), mse (default for others), nll, l1, huber, bce-with-logits;
              "model": the output is the loss, and labels are inputs; or a module (output, target) for loss.pt.
    dynamic_batch: False fixes the batch to the size of the first one.
    torchscript: write TorchScript without trying torch.export.
    """
    model = unwrap(model)
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    pairs = [split(model, batch, inputs, targets, loss == "model", device) for batch in batches]
    if not pairs:
        raise ValueError("There is no batch.")
    first, first_target = pairs[0]
    if loss is None:
        loss = "model" if first_target is None else "mse" if first_target.is_floating_point() else "cross-entropy"
    if isinstance(loss, str) and loss != "model" and loss not in LOSSES:
        raise ValueError(f"loss is '{loss}'; known are {', '.join(LOSSES)}, model, or a module.")

    with as_found(model):
        outcomes = [model.eval()(*positional(model, x)[0], **positional(model, x)[1]) for x, _ in pairs]
        output = usual_output(outcomes[0]) if output is None else output
        file, found = write_model(model, folder, first, choose(outcomes[0], output), output, dynamic_batch, torchscript)
        expected = mean_loss(loss, [(choose(o, output), t) for o, (_, t) in zip(outcomes, pairs)])

    data = {name: join(name, [x[name] for x, _ in pairs]) for name in first}
    names = list(data)
    target = None if first_target is None else next(n for n in ("targets", "targets_") if n not in data)
    if target is not None:
        data[target] = join(target, [t for _, t in pairs if t is not None])
    write_safetensors(folder / "data.safetensors", data)
    write_safetensors(folder / "state_dict.safetensors", dict(model.state_dict()))
    if isinstance(loss, nn.Module):
        with quiet():
            torch.jit.script(loss).save(str(folder / "loss.pt"))

    describe = lambda n: {"name": n, "dtype": str(data[n].dtype).removeprefix("torch."), "shape": list(data[n].shape)}
    manifest = {
        "format": "lossatlas-export 1",
        "versions": versions(),
        "model": {"file": file, "class": class_name(model), **found},
        "weights": {"file": "state_dict.safetensors"},
        "data": {
            "file": "data.safetensors",
            "inputs": [describe(n) for n in names],
            "targets": target and describe(target),
            "batchSize": len(next(iter(first.values()))),
        },
        "output": output,
        "outputs": shapes(outcomes[0]),
        "loss": loss if isinstance(loss, str) else "loss.pt",
        "optimizer": optimizer and write_optimizer(model, optimizer, folder / "optimizer.pt"),
        "check": {"mode": "eval", "loss": expected},
    }
    (folder / "export.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return manifest


# --- batches and outputs ---


def split(
    model: nn.Module, batch: Any, inputs: list[str] | None, targets: str | None, whole: bool, device: torch.device
) -> tuple[dict[str, Tensor], Tensor | None]:
    """The inputs by name, in the order of forward's arguments, and the target."""
    known = list(inspect.signature(model.forward).parameters.values())
    names = [p.name for p in known if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if isinstance(batch, Mapping):
        key = None if whole else targets or next((k for k in TARGETS if k in batch), None)
        target = None if key is None else batch[key]
        wanted = inputs or [n for n in batch if n in names and n != key]
        order = {n: i for i, n in enumerate(names)}
        given = {n: batch[n] for n in sorted(wanted, key=lambda n: order.get(n, len(order)))}
    else:
        parts = [batch] if isinstance(batch, Tensor) else list(batch)
        target = parts.pop() if len(parts) > 1 and not whole else None
        parts = [t for part in parts for t in (part if isinstance(part, (tuple, list)) else [part])]
        given = {n: t for n, t in zip([*names, *(f"args_{i}" for i in range(len(names), len(parts)))], parts)}
    wrong = [n for n, t in {**given, "the target": target}.items() if t is not None and not isinstance(t, Tensor)]
    if wrong or not given:
        raise ValueError(f"A batch gives no tensor for {', '.join(wrong or ['the inputs ' + ', '.join(names)])}.")
    return {n: t.to(device) for n, t in given.items()}, None if target is None else target.to(device)


def positional(model: nn.Module, given: Mapping[str, Tensor]) -> tuple[tuple[Tensor, ...], dict[str, Tensor]]:
    """By keyword, so that the names stay; by place for forward(*args)."""
    known = inspect.signature(model.forward).parameters.values()
    by_name = {p.name for p in known if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    if any(p.kind == p.VAR_KEYWORD for p in known) or all(n in by_name for n in given):
        return (), dict(given)
    return tuple(given.values()), {}


def usual_output(outcome: Any) -> str | None:
    return "logits" if isinstance(outcome, Mapping) and "logits" in outcome else None


def choose(outcome: Any, output: str | int | None) -> Tensor:
    value = outcome
    if output is not None:
        value = outcome[output]
    elif isinstance(outcome, (tuple, list)):
        value = outcome[0]
    if not isinstance(value, Tensor):
        raise ValueError(f"Say by output=… which output the loss is taken of; there are {shapes(outcome)}.")
    return value.detach()


def shapes(outcome: Any) -> Any:
    if isinstance(outcome, Tensor):
        return list(outcome.shape)
    if isinstance(outcome, Mapping):
        return {str(k): shapes(v) for k, v in outcome.items()}
    return [shapes(v) for v in outcome] if isinstance(outcome, (tuple, list)) else type(outcome).__name__


def mean_loss(loss: str | nn.Module, pairs: list[tuple[Tensor, Tensor | None]]) -> float:
    """As lossatlas has it: the mean over all samples (labels of −100 do not count) of batches of this size."""
    total, count = 0.0, 0
    for out, target in pairs:
        if isinstance(loss, str) and loss != "model":
            total += LOSSES[loss](out, target, reduction="none").double().sum().item()
            is_labels = loss in ("cross-entropy", "nll") and not target.is_floating_point()
            count += int((target != -100).sum()) if is_labels else len(out) if loss in ("cross-entropy", "nll") else out.numel()
            continue
        samples = len(out) if target is None and out.dim() else 1 if target is None else len(target)
        value = out if loss == "model" else loss(out) if target is None else loss(out, target)
        total, count = total + value.double().mean().item() * samples, count + samples
    return total / count


# --- the model ---


def write_model(
    model: nn.Module, folder: pathlib.Path, first: dict[str, Tensor], expected: Tensor, output: str | int | None,
    dynamic_batch: bool, torchscript: bool,
) -> tuple[str, dict[str, Any]]:  # fmt: skip
    """The first form that gives what the model gives. In train mode first: only such a program has its dropouts."""
    notes: list[str] = []
    tries: list[tuple[str, str, bool]] = []
    if not torchscript:
        batch_sizes = [True, False] if dynamic_batch and len(next(iter(first.values()))) > 1 else [False]
        tries += [("model.pt2", mode, dynamic) for dynamic in batch_sizes for mode in ("train", "eval")]
    tries += [("model.script.pt", "script", True), ("model.script.pt", "trace", True)]
    for file, mode, dynamic in tries:
        what = f"TorchScript ({mode})" if file != "model.pt2" else f"torch.export in {mode} mode, {'any' if dynamic else 'one'} batch size"
        try:
            with quiet():
                (write_program if file == "model.pt2" else write_script)(model, folder / file, mode, dynamic, first)
                error = difference(choose(run(model, folder / file, first), output), expected)
            if error <= (1e-4 if expected.dtype in (torch.float32, torch.float64) else 3e-2):
                modes = "both" if mode in ("train", "script") else "eval"
                return file, {"modes": modes, "how": what, "dynamicBatch": dynamic, "relativeError": error, "notes": notes}
            notes.append(f"{what}: its output differs from the model's in eval mode by {error:.1e} (relative)")
        except Exception as problem:  # noqa: BLE001 (whatever export refuses, the next form may do)
            notes.append(f"{what}: {type(problem).__name__}: {str(problem).strip()[:300]}")
        (folder / file).unlink(missing_ok=True)
    raise RuntimeError("The model can be exported in no form:\n" + "\n".join(notes))


def write_program(model: nn.Module, path: pathlib.Path, mode: str, dynamic: bool, first: dict[str, Tensor]) -> None:
    # The whole batch is kept for the check; sizes of 0 and 1 would be taken for constants.
    few = {n: t[:2] if dynamic and len(t) > 2 else t for n, t in first.items()}
    args, kwargs = positional(model.train(mode == "train"), few)
    any_size = {0: torch.export.Dim.DYNAMIC}
    by_size = tuple(any_size for _ in args) if args else {n: any_size for n in kwargs}
    if args and any(p.kind == p.VAR_POSITIONAL for p in inspect.signature(model.forward).parameters.values()):
        by_size = (by_size,)
    with torch.enable_grad():
        program = torch.export.export(model, args, kwargs, dynamic_shapes=by_size if dynamic else None, strict=False)
    program.example_inputs = None  # samples and paths of this machine are nobody's business
    for graph in (m.graph for m in program.graph_module.modules() if isinstance(m, torch.fx.GraphModule)):
        for node in graph.nodes:
            node.meta.pop("stack_trace", None)
    # Readers cannot tell a model without any dropout from one that was exported without them.
    note = json.dumps({"modes": "both" if mode == "train" else "eval"})
    torch.export.save(program, path, extra_files={"lossatlas.json": note})


def write_script(model: nn.Module, path: pathlib.Path, mode: str, _: bool, first: dict[str, Tensor]) -> None:
    args, kwargs = positional(model.eval(), first)
    if mode == "script":
        torch.jit.script(model).save(str(path))
    else:
        given: dict[str, Any] = {"example_inputs": args} if args else {"example_kwarg_inputs": kwargs}
        torch.jit.trace(model, **given, strict=False, check_trace=False).save(str(path))


def run(model: nn.Module, path: pathlib.Path, first: dict[str, Tensor]) -> Any:
    """What the file gives in eval mode."""
    args, kwargs = positional(model, first)
    with torch.no_grad():
        if path.suffix != ".pt2":
            return torch.jit.load(path).eval()(*args, **kwargs)
        module = torch.export.load(path).module()
        for part in (m for m in module.modules() if isinstance(m, torch.fx.GraphModule)):
            for node in part.graph.nodes:
                arguments = getattr(getattr(node.target, "_schema", None), "arguments", ())
                for place, argument in enumerate(arguments):
                    if argument.name in SWITCHES and place < len(node.args):
                        node.update_arg(place, SWITCHES[argument.name])
                    elif argument.name in SWITCHES and argument.name in node.kwargs:
                        node.update_kwarg(argument.name, SWITCHES[argument.name])
            part.recompile()
        return module(*args, **kwargs)


def difference(a: Tensor, b: Tensor) -> float:
    if a.shape != b.shape:
        return float("inf")
    return ((a.double() - b.double()).norm() / b.double().norm().clamp_min(1e-30)).item()


# --- files ---


def write_safetensors(path: pathlib.Path, tensors: Mapping[str, Tensor]) -> None:
    header, parts, place = {}, [], 0
    for name, tensor in tensors.items():
        if tensor.dtype not in SAFETENSORS:
            raise ValueError(f"{name} is of {tensor.dtype}, which safetensors files do not hold here.")
        plain = tensor.detach().cpu().contiguous()
        parts.append(ctypes.string_at(plain.data_ptr(), plain.nbytes) if plain.nbytes else b"")
        offsets = [place, place := place + plain.nbytes]
        header[name] = {"dtype": SAFETENSORS[plain.dtype], "shape": list(plain.shape), "data_offsets": offsets}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(b"".join([len(text).to_bytes(8, "little"), text, *parts]))


def write_optimizer(model: nn.Module, optimizer: torch.optim.Optimizer, path: pathlib.Path) -> dict[str, Any]:
    """Its state in the order of the model's trainable parameters, whatever its groups are: readers know no names."""
    order = [p for p in model.parameters() if p.requires_grad]
    plain = lambda v: v.detach().cpu() if isinstance(v, Tensor) else v
    state = {i: {k: plain(v) for k, v in optimizer.state[p].items()} for i, p in enumerate(order) if p in optimizer.state}
    groups = [
        {k: plain(v) for k, v in g.items() if isinstance(v, (Tensor, int, float, bool, str, tuple))}
        for g in optimizer.param_groups
    ]
    torch.save({"state": state, "param_groups": [{**groups[0], "params": list(range(len(order)))}]}, path)
    if optimizer.state and not state:
        raise ValueError("The optimizer's parameters are not the model's.")
    settings = [{k: v.item() if isinstance(v, Tensor) else v for k, v in g.items()} for g in groups]
    return {"file": path.name, "class": class_name(optimizer), "parametersWithState": len(state), "groups": settings}


# --- small things ---


def unwrap(model: nn.Module) -> nn.Module:
    """Without torch.compile, DataParallel and DistributedDataParallel."""
    while True:
        inner = getattr(model, "_orig_mod", None)
        if inner is None and isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            inner = model.module
        if inner is None:
            return model
        model = inner


@contextlib.contextmanager
def as_found(model: nn.Module) -> Iterator[None]:
    """Modes, the cache of language models, and the random state are put back."""
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


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def join(name: str, parts: list[Tensor]) -> Tensor:
    if len({(p.shape[1:], p.dtype) for p in parts}) > 1:
        raise ValueError(f"Batches of '{name}' differ in shape: {[list(p.shape) for p in parts]}. Pad them to one length.")
    return torch.cat(parts)


def class_name(thing: Any) -> str:
    return f"{type(thing).__module__}.{type(thing).__qualname__}"


def versions() -> dict[str, str]:
    names = ("torch", "torchvision", "timm", "transformers", "lightning", "pytorch_lightning")
    loaded = {n: str(getattr(sys.modules.get(n), "__version__", "")) for n in names}
    return {"python": sys.version.split()[0], **{n: v for n, v in loaded.items() if v}}


def self_test() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.norm = nn.Embedding(11, 8), nn.BatchNorm1d(8)
            self.layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.2, batch_first=True)
            self.head = nn.Linear(8, 3)

        def forward(self, tokens: Tensor, weight: Tensor) -> dict[str, Tensor]:
            h = self.layer(self.embed(tokens)) * weight.unsqueeze(-1)
            return {"logits": self.head(self.norm(h.mean(1)))}

    torch.manual_seed(0)
    model = Net()
    optimizer = torch.optim.AdamW([{"params": model.head.parameters()}, {"params": [p for n, p in model.named_parameters() if "head" not in n]}])
    batches = [{"weight": torch.rand(n, 5), "tokens": torch.randint(0, 11, (n, 5)), "labels": torch.arange(n) % 3} for n in (4, 3)]
    F.cross_entropy(model(batches[0]["tokens"], batches[0]["weight"])["logits"], batches[0]["labels"]).backward()
    optimizer.step()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    with tempfile.TemporaryDirectory() as folder:
        told = export(model, folder, batches, optimizer)
        moments = torch.load(pathlib.Path(folder) / "optimizer.pt", weights_only=True)["state"]
        assert told["model"]["modes"] == "both" and told["model"]["dynamicBatch"], told["model"]
        assert [i["name"] for i in told["data"]["inputs"]] == ["tokens", "weight"], told["data"]
        assert all(moments[i]["exp_avg"].shape == p.shape for i, p in enumerate(model.parameters()))
        assert export(model, folder, batches, torchscript=True)["check"] == told["check"]
    assert model.training and all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    print(f"ok: {told['model']['how']}, loss {told['check']['loss']:.6f}")


if __name__ == "__main__":
    if sys.argv[1:] != ["--self-test"]:
        sys.exit("This file is for import; or: python lossatlas_export.py --self-test")
    self_test()

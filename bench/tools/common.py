"""What the tools in Python share: flags, the workload's files, the timing, the answer to bench/run.mjs."""

import argparse
import json
import pathlib
import time
import warnings

import numpy as np
import torch

warnings.filterwarnings("ignore", category=DeprecationWarning)
# As everywhere in this benchmark: TorchScript runs without its optimising executor.
torch._C._set_graph_executor_optimize(False)

# Of a plane, before what counts.
WARMING_POINTS = 4


def memory(field: str) -> float | None:
    """MB of this process by /proc: VmRSS, what it takes now, or VmHWM, at its peak; None where there is no /proc."""
    try:
        status = pathlib.Path("/proc/self/status").read_text()
    except OSError:
        return None
    return int(status.split(f"{field}:")[1].split()[0]) * 1024 / 1e6


class Workload:
    """The model as torch.jit.load gives it, the batch, and vectors over the parameters, from the command line's files."""

    def __init__(self) -> None:
        parser = argparse.ArgumentParser()
        for name in ("model", "folder", "shape", "work", "dtype", "result", "device"):
            parser.add_argument(f"--{name}", required=True)
        for name in ("grid", "steps", "pairs", "units", "warmup", "repetitions", "threads"):
            parser.add_argument(f"--{name}", type=int, required=True)
        parser.add_argument("--tolerance", type=float, required=True)
        self.flags = parser.parse_args()
        torch.set_num_threads(self.flags.threads)
        self.device = torch.device(self.flags.device)
        # bfloat16 and tf32 are asked of our tool alone.
        self.dtype = torch.float64 if self.flags.dtype == "float64" else torch.float32
        self.model = torch.jit.load(self.flags.model, self.device).eval().to(self.dtype)
        self.parameters = list(self.model.parameters())
        shape = [int(dim) for dim in self.flags.shape.split(",")]
        self.x = torch.from_numpy(self.read("x.bin", np.float32)).view(shape).to(self.device, self.dtype)
        self.y = torch.from_numpy(self.read("y.bin", np.int64)).to(self.device)
        # Seconds of the running repetition that are not the tool's, and what the answer says besides times.
        self.excluded = 0.0
        self.answer: dict = {}

    def read(self, name: str, dtype: type) -> np.ndarray:
        return np.fromfile(pathlib.Path(self.flags.folder) / name, dtype)

    def vector(self, name: str) -> list[torch.Tensor]:
        """A flat vector of the workload as one tensor a parameter."""
        flat = torch.from_numpy(self.read(name, np.float32)).to(self.device, self.dtype)
        parts = flat.split([p.numel() for p in self.parameters])
        return [part.view_as(p) for part, p in zip(parts, self.parameters, strict=True)]

    def loss(self) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(self.model(self.x), self.y)

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def measure(self, steps: dict, **versions: str) -> None:
        """Times steps[work](warming), which returns what it computed: tensors, or numbers."""
        loaded = memory("VmRSS")
        step = steps[self.flags.work]()
        for _ in range(self.flags.warmup):
            step(True)
        milliseconds = []
        for _ in range(self.flags.repetitions):
            self.excluded = 0.0
            self.wait()
            begin = time.perf_counter()
            result = step(False)
            self.wait()
            took = time.perf_counter() - begin - self.excluded
            milliseconds.append(took * 1e3 / self.flags.units)
        parts = [torch.as_tensor(part, dtype=torch.float64, device="cpu").reshape(-1) for part in result]
        torch.cat(parts).numpy().tofile(self.flags.result)
        versions = {"libtorch": torch.__version__, "numpy": np.__version__, **versions}
        own = {**versions, "threads": torch.get_num_threads(), "milliseconds": milliseconds}
        if self.device.type == "cuda":
            own["gpu"] = torch.cuda.get_device_name(self.device)
        own["megabytes"] = memory("VmHWM") - loaded if loaded is not None else None
        print(json.dumps({**own, **self.answer}))

"""Extreme eigenvalues at points of a map by the code of Li et al. 2018 (tomgoldstein/loss-landscape), from the checkout
LOSSATLAS_BENCH_LI2018: its min_max_hessian_eigs as it is, which starts cold at every point.

    li2018_eigenvalues.py FOLDER

FOLDER has job.json (model, shape of the batch, names and shapes of the parameters), x.bin, y.bin and points.bin, the parameters
at every point. Prints for each point the products that it counted, both eigenvalues, and the larger of their residuals relative
to the largest magnitude, measured afterwards.
"""

import json
import pathlib
import sys

import numpy as np
import torch

from checkouts import add_checkout

commit = add_checkout("LOSSATLAS_BENCH_LI2018", ".")

import hess_vec_prod  # noqa: E402

folder = pathlib.Path(sys.argv[1])
job = json.loads((folder / "job.json").read_text())
model = torch.jit.load(job["model"])
torch._C._set_graph_executor_optimize(False)
x = torch.from_numpy(np.fromfile(folder / "x.bin", np.float32)).reshape(job["shape"])
y = torch.from_numpy(np.fromfile(folder / "y.bin", np.int64))
loader = [(x, y)]
criterion = torch.nn.CrossEntropyLoss()
parameters = dict(model.named_parameters())
points = np.fromfile(folder / "points.bin", np.float32).reshape(job["points"], -1)

# Its own search returns no vectors; they are taken on their way.
found = []
eigsh = hess_vec_prod.eigsh


def watched(operator, **options):
    values, vectors = eigsh(operator, **options)
    found.append((operator, values[0], vectors[:, 0]))
    return values, vectors


hess_vec_prod.eigsh = watched

out = []
for point in points:
    offset = 0
    for entry in job["parameters"]:
        tensor = parameters[entry["name"]]
        with torch.no_grad():
            tensor.copy_(torch.from_numpy(point[offset : offset + tensor.numel()]).reshape(tensor.shape))
        offset += tensor.numel()
    found.clear()
    largest, smallest, products = hess_vec_prod.min_max_hessian_eigs(model, loader, criterion)
    residuals = [np.linalg.norm(a.matvec(v) - value * v) for a, value, v in found]
    scale = max(abs(largest), abs(smallest))
    row = {"products": products, "largest": largest, "smallest": smallest, "residual": max(residuals) / scale}
    out.append({key: float(value) for key, value in row.items()})
print(json.dumps({"commit": commit, "points": out}))

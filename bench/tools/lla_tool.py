"""Loss Landscape Analysis (GabdullinN/loss-landscape-analysis) from the checkout LOSSATLAS_BENCH_LLA: its random_plane,
its Hessian-vector product and its esd_calc.

It gets the normalised axes as they are, since its own rule for filters moves biases and BatchNorm too, and one step less
than the grid has points: its distance is the full width of the plane, so its steps are as wide as the grid's, and its
points are some of the grid's. Which they are, bench/tools.mjs knows.

Its esd_calc draws its probe by torch.randint_like, which gives it the start vector of the other tools; it copies the
model to learn its shapes, and gets a second load in place of the copy, which a ScriptModule refuses it.
"""

import copy

import torch

from checkouts import add_checkout
from common import Workload

figures = ("matplotlib", "matplotlib.pyplot", "mpl_toolkits", "mpl_toolkits.mplot3d")
commit = add_checkout("LOSSATLAS_BENCH_LLA", "src", *figures)

from src_lla.hessian.hessian import hessian_calc  # noqa: E402
from src_lla.hessian.utils import hes_prod  # noqa: E402
from src_lla.loss_landscapes.main import random_plane  # noqa: E402
from src_lla.loss_landscapes.metrics import Loss  # noqa: E402
from src_lla.loss_landscapes.model_interface.model_parameters import ModelParameters  # noqa: E402

workload = Workload()


def make_surface():
    for p in workload.parameters:
        # It copies the model, and a ScriptModule's copy has computed parameters where they want gradients.
        p.requires_grad = False
    metric = Loss(torch.nn.functional.cross_entropy, workload.x, workload.y, workload.device)
    a1, a2 = (ModelParameters(workload.vector(name)) for name in ("d1.bin", "d2.bin"))

    def step(warming):
        # Twice two points warm up.
        steps = 2 if warming else workload.flags.grid - 1
        return random_plane(workload.model, metric, distance=2, steps=steps, normalization=None, a1=a1, a2=a2)

    return step


def make_hessian():
    metric = Loss(torch.nn.functional.cross_entropy, workload.x, workload.y, workload.device)
    twin = torch.jit.load(workload.flags.model, workload.device)
    for p in twin.parameters():
        p.requires_grad = False
    deepcopy, copy.deepcopy = copy.deepcopy, lambda _: twin
    hessian = hessian_calc(workload.model, metric)
    copy.deepcopy = deepcopy
    return hessian


def make_hvp():
    hessian = make_hessian()
    v = workload.vector("v.bin")
    return lambda _: hes_prod(hessian.grads, hessian.params, v)


def make_slq():
    hessian = make_hessian()
    bits = [(part + 1) / 2 for part in workload.vector("start.bin")]

    def step(warming):
        draws = iter(bits)
        torch.randint_like = lambda *_, **__: next(draws).clone()
        eigenvalues, _ = hessian.esd_calc(n_iter=2 if warming else workload.flags.steps, n_v=1)
        return sorted(eigenvalues[0])

    return step


workload.measure({"surface": make_surface, "hvp": make_hvp, "slq": make_slq}, lla=commit)

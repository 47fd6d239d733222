"""curvlinops as it comes from PyPI: the product of its HessianLinearOperator with a vector, and the Lanczos steps of its
spectral density. It takes eager modules alone.

Its fast_lanczos, which does not reorthogonalise, draws its probe by randn of its module, which gives it the start vector
of the other tools. What lanczos_approximate_spectrum does besides, to learn the ends of the spectrum, is left out.
"""

import importlib.metadata

import torch
from curvlinops import HessianLinearOperator
from curvlinops.papyan2020traces import spectrum

from common import Workload
from eager_models import eager_model

workload = Workload()


def make_operator():
    model = eager_model(workload.model)
    return HessianLinearOperator(
        model,
        torch.nn.CrossEntropyLoss(),
        list(model.parameters()),
        [(workload.x, workload.y)],
        # It would multiply twice before the first product.
        check_deterministic=False,
    )


def make_hvp():
    operator = make_operator()
    v = workload.vector("v.bin")
    return lambda _: operator @ v


def make_slq():
    operator = make_operator()
    start = torch.cat([part.reshape(-1) for part in workload.vector("start.bin")])
    spectrum.randn = lambda *_, **__: start.clone()
    return lambda warming: spectrum.fast_lanczos(operator, 2 if warming else workload.flags.steps)[0]


workload.measure(
    {"hvp": make_hvp, "slq": make_slq}, curvlinops=importlib.metadata.version("curvlinops-for-pytorch")
)

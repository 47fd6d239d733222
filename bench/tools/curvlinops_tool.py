"""curvlinops as it comes from PyPI: the product of its HessianLinearOperator with a vector. It takes eager modules alone."""

import importlib.metadata

import torch
from curvlinops import HessianLinearOperator

from common import Workload
from eager_models import eager_model

workload = Workload()


def make_hvp():
    model = eager_model(workload.model)
    operator = HessianLinearOperator(
        model,
        torch.nn.CrossEntropyLoss(),
        list(model.parameters()),
        [(workload.x, workload.y)],
        # It would multiply twice before the first product.
        check_deterministic=False,
    )
    v = workload.vector("v.bin")
    return lambda _: operator @ v


workload.measure({"hvp": make_hvp}, curvlinops=importlib.metadata.version("curvlinops-for-pytorch"))

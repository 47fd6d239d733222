"""PyHessian as it comes from PyPI, on one batch: its Hessian-vector product and its Lanczos (density).

Two functions of torch are replaced here, before PyHessian calls them; its own code is untouched:
- torch.eig, which PyTorch removed in 1.13: its density() takes the eigenvalues of the tridiagonal matrix by it;
- torch.randint_like, by which density() draws its probe: it gets the start vector of the other tools, so that the
  eigenvalues can be compared.
"""

import importlib.metadata

import pyhessian
import torch
from pyhessian.utils import hessian_vector_product

from common import Workload

workload = Workload()


def eig(matrix, eigenvectors):
    """With torch.eig's shapes for real eigenvalues: (n, 2) for real and imaginary parts, and the vectors as columns."""
    values, vectors = torch.linalg.eigh(matrix)
    return torch.stack([values, torch.zeros_like(values)], dim=1), vectors


def make_hessian():
    return pyhessian.hessian(workload.model, torch.nn.functional.cross_entropy, data=(workload.x, workload.y), cuda=False)


def make_hvp():
    hessian = make_hessian()
    v = workload.vector("v.bin")
    return lambda _: hessian_vector_product(hessian.gradsH, hessian.params, v)


def make_lanczos():
    hessian = make_hessian()
    # Rademacher; density() wants zeros and ones, and turns the zeros into -1 in place.
    bits = [(part + 1) / 2 for part in workload.vector("start.bin")]
    torch.eig = eig

    def step(warming):
        draws = iter(bits)
        torch.randint_like = lambda *_, **__: next(draws).clone()
        eigenvalues, _ = hessian.density(iter=2 if warming else workload.flags.steps, n_v=1)
        return sorted(eigenvalues[0])

    return step


workload.measure(
    {"hvp": make_hvp, "lanczos": make_lanczos},
    pyhessian=importlib.metadata.version("pyhessian"),
)

"""PyHessian as it comes from PyPI, on one batch: its Hessian-vector product, its Lanczos (density) and its power
iteration (eigenvalues).

Two functions of torch are replaced here, before PyHessian calls them; its own code is untouched:
- torch.eig, which PyTorch removed in 1.13: its density() takes the eigenvalues of the tridiagonal matrix by it;
- torch.randint_like, by which density() draws its probe: it gets the start vector of the other tools, so that the
  eigenvalues can be compared.

Its power iteration stops when the eigenvalue changes by less than `tol`, which says nothing of the residual. It gets a
`tol` that measures: every product is watched, and the first comparison after one whose residual |Hv - (v'Hv) v| is at
most that of our own pair is told to stop (residuals.bin, which our tool has written before; 1e-3 |lambda_1| without it).
So each pair takes the fewest products that any `tol` could make it take and still reach the same final residual; watching
does not count as its time.
"""

import importlib.metadata
import time

import numpy as np
import pyhessian
import torch
from pyhessian.utils import group_product, hessian_vector_product

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


RESIDUAL_LIMIT = 1e-3
MOST_PRODUCTS_A_PAIR = 2000


class Watch:
    """Stands in for hessian_vector_product, and is the `tol` of eigenvalues()."""

    def __init__(self, limits):
        self.limits = list(limits)
        self.products = 0
        self.largest = 0.0
        self.residual = float("inf")

    def __call__(self, gradients, parameters, v):
        product = hessian_vector_product(gradients, parameters, v)
        begin = time.perf_counter()
        self.products += 1
        value = group_product(product, v).item()
        rest = [hv - value * x for hv, x in zip(product, v)]
        self.largest = max(self.largest, abs(value))
        self.residual = group_product(rest, rest).item() ** 0.5 / self.largest
        workload.excluded += time.perf_counter() - begin
        return product

    def __gt__(self, _):
        """`change < tol`, asked the other way round."""
        if self.residual > self.limits[0]:
            return False
        # The next pair has a limit of its own.
        self.limits.pop(0)
        return True


def make_eigenpairs():
    hessian = make_hessian()
    try:
        limits = workload.read("residuals.bin", np.float64)
    except FileNotFoundError:
        limits = [RESIDUAL_LIMIT] * 2

    def step(warming):
        torch.manual_seed(0)
        if warming:
            hessian.eigenvalues(maxIter=2, top_n=1)
            return []
        watch = Watch(limits)
        original = pyhessian.hessian.__init__.__globals__
        original["hessian_vector_product"] = watch
        values, vectors = hessian.eigenvalues(maxIter=MOST_PRODUCTS_A_PAIR, tol=watch, top_n=2)
        original["hessian_vector_product"] = hessian_vector_product
        begin = time.perf_counter()
        residuals = []
        for value, v in zip(values, vectors):
            rest = [hv - value * x for hv, x in zip(hessian_vector_product(hessian.gradsH, hessian.params, v), v)]
            residuals.append(group_product(rest, rest).item() ** 0.5 / abs(values[0]))
        workload.answer = {"products": watch.products, "residuals": residuals}
        workload.excluded += time.perf_counter() - begin
        return values

    return step


workload.measure(
    {"hvp": make_hvp, "lanczos": make_lanczos, "slq": make_lanczos, "eigenpairs": make_eigenpairs},
    pyhessian=importlib.metadata.version("pyhessian"),
)

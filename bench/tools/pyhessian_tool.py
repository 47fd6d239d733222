"""PyHessian as it comes from PyPI, on one batch: its Hessian-vector product, its Lanczos (density) and its power
iteration (eigenvalues) and its Hutchinson estimator (trace).

Two functions of torch are replaced here, before PyHessian calls them; its own code is untouched:
- torch.eig, which PyTorch removed in 1.13: its density() takes the eigenvalues of the tridiagonal matrix by it;
- torch.randint_like, by which density() draws its probe: it gets the start vector of the other tools, so that the
  eigenvalues can be compared.

Its power iteration stops when the eigenvalue changes by less than `tol`, which says nothing of the residual. It gets a
`tol` that measures: every product is watched, and the first comparison after one whose residual |Hv - (v'Hv) v|, without
its part along the vectors found before, is small enough is told to stop: at most `--tolerance` |lambda_1|, or with
`--tolerance 0` the residual of our own pair (residuals.bin, which our tool has written before; 1e-3 |lambda_1| without
it). So each pair takes the fewest products that any `tol` could make it take and still reach the same final residual;
watching does not count as its time. Its trace() gets a `tol` too, that tells it to stop when the standard error of its
samples is at most `--tolerance` of their mean.
"""

import contextlib
import importlib.metadata
import itertools
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
    criterion = torch.nn.functional.cross_entropy
    on_gpu = workload.device.type == "cuda"
    return pyhessian.hessian(workload.model, criterion, data=(workload.x, workload.y), cuda=on_gpu)


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
LEAST_SAMPLES = 20
MOST_SAMPLES = 20000


class Watch:
    """Stands in for hessian_vector_product, and is a `tol`: `change < tol` asks it the other way round."""

    # NumPy's numbers leave the comparison to it.
    __array_ufunc__ = None

    def __init__(self):
        self.products = 0

    def __call__(self, gradients, parameters, v):
        product = hessian_vector_product(gradients, parameters, v)
        begin = time.perf_counter()
        self.products += 1
        self.see(product, v)
        workload.excluded += time.perf_counter() - begin
        return product

    def __gt__(self, _):
        begin = time.perf_counter()
        is_enough = self.is_enough()
        workload.excluded += time.perf_counter() - begin
        return is_enough


class PairWatch(Watch):
    """The `tol` of eigenvalues()."""

    def __init__(self, limits):
        super().__init__()
        self.limits = list(limits)
        self.found = []
        self.largest = 0.0
        self.residual = float("inf")
        self.product = None

    def see(self, product, v):
        value, rest = pair_of(product, v)
        rest = without(rest, self.found)
        self.largest = max(self.largest, abs(value))
        self.residual = group_product(rest, rest).item() ** 0.5 / self.largest
        self.product = product

    def is_enough(self):
        if self.residual > self.limits[0]:
            return False
        # The next pair has a limit of its own.
        self.limits.pop(0)
        norm = group_product(self.product, self.product).sqrt()
        self.found.append([hv / norm for hv in self.product])
        return True


def pair_of(product, v):
    """Rayleigh quotient and residual of v made a unit vector: PyHessian adds 1e-6 to the norms that it divides by, which
    leaves its vectors shorter by as much."""
    square = group_product(v, v).item()
    value = group_product(product, v).item() / square
    return value, [(hv - value * x) / square**0.5 for hv, x in zip(product, v)]


def without(vector, found):
    for other in found:
        share = group_product(vector, other)
        vector = [x - share * y for x, y in zip(vector, other)]
    return vector


class TraceWatch(Watch):
    """The `tol` of trace()."""

    def __init__(self):
        super().__init__()
        self.samples = []

    def see(self, product, v):
        self.samples.append(group_product(product, v).item())

    def is_enough(self):
        count = len(self.samples)
        if count < LEAST_SAMPLES:
            return False
        return np.std(self.samples, ddof=1) / count**0.5 <= workload.flags.tolerance * abs(np.mean(self.samples))


@contextlib.contextmanager
def watching(watch):
    original = pyhessian.hessian.__init__.__globals__
    original["hessian_vector_product"] = watch
    yield watch
    original["hessian_vector_product"] = hessian_vector_product


def make_seeds():
    """Another one for every repetition; a warm-up takes the first."""
    seeds = itertools.count()
    return lambda warming: torch.manual_seed(0 if warming else next(seeds))


def make_trace():
    hessian = make_hessian()
    seed = make_seeds()
    values = []
    workload.answer = {"products": []}

    def step(warming):
        seed(warming)
        with watching(TraceWatch()) as watch:
            samples = hessian.trace(maxIter=MOST_SAMPLES, tol=watch)
        workload.answer["products"].append(watch.products)
        values.append(np.mean(samples))
        return values

    return step


def make_eigenpairs():
    hessian = make_hessian()
    seed = make_seeds()
    pairs = workload.flags.pairs
    workload.answer = {"products": []}
    try:
        limits = workload.read("residuals.bin", np.float64)
    except FileNotFoundError:
        limits = [RESIDUAL_LIMIT] * pairs
    if workload.flags.tolerance > 0:
        limits = [workload.flags.tolerance] * pairs

    def step(warming):
        seed(warming)
        if warming:
            hessian.eigenvalues(maxIter=2, top_n=1)
            return []
        with watching(PairWatch(limits)) as watch:
            values, vectors = hessian.eigenvalues(maxIter=MOST_PRODUCTS_A_PAIR, tol=watch, top_n=pairs)
        begin = time.perf_counter()
        residuals = []
        for v in vectors:
            _, rest = pair_of(hessian_vector_product(hessian.gradsH, hessian.params, v), v)
            residuals.append(group_product(rest, rest).item() ** 0.5 / abs(values[0]))
        workload.answer["products"].append(watch.products)
        workload.answer["residuals"] = residuals
        workload.excluded += time.perf_counter() - begin
        return values

    return step


workload.measure(
    {
        "hvp": make_hvp,
        "lanczos": make_lanczos,
        "slq": make_lanczos,
        "eigenpairs": make_eigenpairs,
        "trace": make_trace,
    },
    pyhessian=importlib.metadata.version("pyhessian"),
)

"""The loop that one writes with plain PyTorch: parameters set in place, autograd.grad twice, lists of tensors."""

import math

import torch

from common import WARMING_POINTS, Workload

workload = Workload()
parameters = workload.parameters


def make_point():
    """The loss at the model itself and on a grid over [-1, 1]^2 of the plane of d1 and d2."""
    origin = [p.detach().clone() for p in parameters]
    d1, d2 = workload.vector("d1.bin"), workload.vector("d2.bin")
    grid = workload.flags.grid
    axis = [-1 + 2 * i / (grid - 1) for i in range(grid)]
    points = [(0.0, 0.0)] + [(a, b) for b in axis for a in axis]

    @torch.no_grad()
    def step(warming):
        losses = []
        for a, b in points[:WARMING_POINTS] if warming else points:
            for p, p0, v1, v2 in zip(parameters, origin, d1, d2):
                torch.add(p0, v1, alpha=a, out=p)
                p.add_(v2, alpha=b)
            losses.append(workload.loss().item())
        return losses

    return step


def make_operator():
    gradient = torch.autograd.grad(workload.loss(), parameters, create_graph=True)
    return lambda v: torch.autograd.grad(gradient, parameters, v, retain_graph=True)


def make_hvp():
    product = make_operator()
    v = workload.vector("v.bin")
    return lambda _: product(v)


def dot(a, b):
    return sum(torch.sum(x * y) for x, y in zip(a, b))


def make_lanczos():
    """Full reorthogonalisation by modified Gram-Schmidt, one vector after the other."""
    product = make_operator()
    start = workload.vector("start.bin")

    def step(warming):
        steps = 2 if warming else workload.flags.steps
        norm = dot(start, start).sqrt()
        basis = [[x / norm for x in start]]
        t = torch.zeros(steps, steps, dtype=torch.float64)
        for j in range(steps):
            w = product(basis[j])
            t[j, j] = dot(w, basis[j]).item()
            for q in basis:
                share = dot(w, q)
                w = [x - share * y for x, y in zip(w, q)]
            beta = math.sqrt(dot(w, w).item())
            if j + 1 == steps:
                break
            t[j, j + 1] = t[j + 1, j] = beta
            basis.append([x / beta for x in w])
        return torch.linalg.eigvalsh(t)

    return step


workload.measure({"point": make_point, "hvp": make_hvp, "lanczos": make_lanczos, "slq": make_lanczos})

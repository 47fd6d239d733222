"""The code of Li et al. 2018 (tomgoldstein/loss-landscape) from the checkout LOSSATLAS_BENCH_LI2018.

The loop of its plot_surface.py without files and messages: its normalisation (filters, biases and BatchNorm ignored),
its set_weights and its eval_loss at every point, on one batch.
"""

import numpy as np
import torch

from checkouts import add_checkout
from common import WARMING_POINTS, Workload

commit = add_checkout("LOSSATLAS_BENCH_LI2018", ".", "h5py", "torchvision")

import evaluation  # noqa: E402
import net_plotter  # noqa: E402

workload = Workload()


def make_surface():
    model = workload.model
    weights = net_plotter.get_weights(model)
    raw = [workload.vector("r1.bin"), workload.vector("r2.bin")]
    criterion = torch.nn.CrossEntropyLoss()
    loader = [(workload.x, workload.y)]
    axis = np.linspace(-1, 1, num=workload.flags.grid)
    coordinates = np.array([(x, y) for y in axis for x in axis])

    def step(warming):
        directions = [[part.clone() for part in direction] for direction in raw]
        for direction in directions:
            net_plotter.normalize_directions_for_weights(direction, weights, "filter", "biasbn")
        losses = []
        for point in coordinates[:WARMING_POINTS] if warming else coordinates:
            net_plotter.set_weights(model, weights, directions, point)
            losses.append(evaluation.eval_loss(model, criterion, loader)[0])
        return losses

    return step


workload.measure({"surface": make_surface}, li2018=commit)

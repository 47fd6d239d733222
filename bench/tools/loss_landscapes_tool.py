"""loss-landscapes (M. De Bernardi) as it comes from PyPI: its random_plane.

It draws its axes by rand_u_like and orthogonal_to of its module, which give it the normalised axes of the other tools; its
own code is untouched. It scales each axis to the length |model| / distance, so the `distance` that leaves these as long as
they are, from edge to edge of the plane, is |model| / 2 |axis|: both axes are as long as each other, since each filter has
the norm of the model's. Its points are those of LLA, whose code comes from here.
"""

import importlib.metadata

import loss_landscapes
import torch
from loss_landscapes import main
from loss_landscapes.metrics import Loss
from loss_landscapes.model_interface.model_parameters import ModelParameters

from common import Workload

workload = Workload()


def make_surface():
    for p in workload.parameters:
        # It copies the model, and a ScriptModule's copy has computed parameters where they want gradients.
        p.requires_grad = False
    metric = Loss(torch.nn.functional.cross_entropy, workload.x, workload.y)
    axes = [ModelParameters(workload.vector(name)) for name in ("d1.bin", "d2.bin")]
    distance = ModelParameters(workload.parameters).model_norm() / (2 * axes[0].model_norm())

    def copy_of(axis):
        return ModelParameters([part.clone() for part in axis.parameters])

    main.rand_u_like = lambda _: copy_of(axes[0])
    main.orthogonal_to = lambda _: copy_of(axes[1])

    def step(warming):
        # Twice two points warm up.
        steps = 2 if warming else workload.flags.grid - 1
        return loss_landscapes.random_plane(
            workload.model, metric, distance=distance, steps=steps, normalization=None, deepcopy_model=True
        )

    return step


workload.measure({"surface": make_surface}, losslandscapes=importlib.metadata.version("loss-landscapes"))

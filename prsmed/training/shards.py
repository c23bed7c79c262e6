"""Weights that are spread over processes (FSDP), for models that are too large for one GPU."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, distribute_tensor

from prsmed.model.prsmed import PRSMed
from prsmed.training.processes import Processes

_WAYS_IN = ("see", "read", "draw")


def shard(model: PRSMed, processes: Processes) -> None:
    """Spread a model over the processes, in place: of each layer of its language model only a share stays here.

    A layer is put together where it is needed, and taken apart again; gradients become means over the processes.
    """
    mesh = init_device_mesh(processes.device.type, (processes.count,))
    for part in (*model.language.network.get_decoder().layers, model):
        fully_shard(part, mesh=mesh)
    for name in _WAYS_IN:
        register_fsdp_forward_method(model, name)


def whole(tensor: Tensor) -> Tensor:
    """A tensor with what the other processes hold of it; all of them call this together."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def spread(value: Tensor, like: Tensor) -> Tensor:
    """A whole tensor, spread as ``like`` is, unless it is another kind of value (a number of steps)."""
    if isinstance(like, DTensor) and value.shape == like.shape:
        return distribute_tensor(value.to(like.device), like.device_mesh, like.placements)
    return value


@torch.no_grad()
def fill(tensors: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> None:
    """Copy whole values into tensors of the same names, spread or not.

    Raises:
        KeyError: When a value is missing.
    """
    for name, tensor in tensors.items():
        tensor.copy_(spread(values[name], tensor))

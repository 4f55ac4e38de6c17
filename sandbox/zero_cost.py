"""Scores of a network that was never trained, and what one forward pass of it costs.

Each takes a network of its own, which it may spoil. None is believed to rank: they are recorded so that their
correlation with real scores can be shown (Abdelfattah et al., "Zero-Cost Proxies for Lightweight NAS", 2021).
"""

import types

import torch
from outputs import checked, loss_of
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

NORMALISATIONS = (
    *(nn.LayerNorm, nn.RMSNorm, nn.GroupNorm),
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d),
    *(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d),
)
SMALLEST_EIGENVALUE = 1e-5


def gradient_norm(
    network: nn.Module, inputs: torch.Tensor, labels: torch.Tensor, spec: types.SimpleNamespace
) -> float:
    """Return the sum over parameters of the Euclidean norm of the loss's gradient (Abdelfattah et al., 2021).

    Args:
        network: untrained, in training mode.
        inputs: one batch.
        labels: of it.
        spec: of the task.
    """
    loss_of(network, inputs, labels, spec).backward()
    return float(sum(p.grad.norm().item() for p in nn.Module.parameters(network) if p.grad is not None))


def jacobian_covariance(network: nn.Module, inputs: torch.Tensor) -> float:
    """Return how differently a network answers to changes of different inputs, 0 at most, higher is better.

    The correlations between the items' Jacobians of the summed output, by their eigenvalues: Mellor et al., "Neural
    Architecture Search without Training", 2021, in its first form, which any activation has. The Jacobian is that by
    the input, and for tokens by what the first `nn.Embedding` makes of them.

    Args:
        network: untrained, in training mode.
        inputs: one batch of at least two items.

    Raises:
        LookupError: a network of tokens without such an embedding.
    """
    if inputs.is_floating_point():
        leaf = inputs.clone().requires_grad_()
        outputs = network(leaf)
    else:
        outputs, leaf = _with_embedded(network, inputs)
    (gradient,) = torch.autograd.grad(outputs.sum(), leaf)
    eigenvalues = torch.linalg.eigvalsh(torch.corrcoef(gradient.flatten(1).double())) + SMALLEST_EIGENVALUE
    return -(eigenvalues.log() + 1 / eigenvalues).sum().item()


def synaptic_flow(network: nn.Module, spec: types.SimpleNamespace) -> float:
    """Return the natural logarithm of the flow through all weights of a network made positive.

    Tanaka et al., "Pruning neural networks without any data by iteratively conserving synaptic flow", 2020: every
    weight takes its absolute value, normalisation is left out, the input is all ones (of tokens, each in turn), and
    each weight counts with its product with the gradient of the summed output.

    Args:
        network: untrained.
        spec: of the task.

    Raises:
        ValueError: nothing flows.
    """
    network.eval()
    with torch.no_grad():
        for one in network.state_dict().values():
            if one.is_floating_point():
                one.abs_()
    for module in network.modules():
        if isinstance(module, NORMALISATIONS):
            module.register_forward_hook(lambda module, given, output: given[0])
    shape = (1, *spec.input_shape)
    inputs = torch.ones(shape)
    if spec.kind == "tokens":
        inputs = (torch.arange(spec.input_shape[0]) % spec.vocab_size).reshape(shape)
    checked(network(inputs), inputs, spec).sum().backward()
    flow = sum(
        (p.double() * p.grad.double()).abs().sum().item()
        for p in nn.Module.parameters(network)
        if p.grad is not None
    )
    if not flow > 0:
        raise ValueError("nothing flows")
    return torch.tensor(flow, dtype=torch.float64).log().item()


@torch.no_grad()
def flops_per_item(network: nn.Module, inputs: torch.Tensor) -> float:
    """Return the floating-point operations of a forward pass for one item: a product and its sum count as two.

    Matrix products and convolutions are counted, elementwise operations are not; attention counts in full although it
    be causal.

    Args:
        network: in any mode.
        inputs: `(batch, ...)`.
    """
    network.eval()
    torch.backends.mha.set_fastpath_enabled(False)  # the counter does not see into fused kernels
    counter = FlopCounterMode(display=False)
    with torch.backends.mkldnn.flags(enabled=False), sdpa_kernel(SDPBackend.MATH), counter:
        network(inputs)
    return counter.get_total_flops() / len(inputs)


def _with_embedded(network: nn.Module, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a network's output for tokens, and the embedded tokens that it was computed from."""
    leaves: list[torch.Tensor] = []

    def begin_here(module: nn.Module, given: tuple, output: torch.Tensor) -> torch.Tensor | None:
        if leaves or not given or given[0].shape != inputs.shape:  # positions are embedded, too
            return None
        leaves.append(output.detach().requires_grad_())
        return leaves[0]

    for module in network.modules():
        if isinstance(module, nn.Embedding):
            module.register_forward_hook(begin_here)
    outputs = network(inputs)
    if not leaves:
        raise LookupError("no embedding of the tokens was found")
    return outputs, leaves[0]

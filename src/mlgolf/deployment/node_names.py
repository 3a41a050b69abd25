"""Operators by the names that the model has for them.

A runtime fuses operators and changes layouts, and names what it makes after a node,
"fused /3/Conv", or after an output, "/5/Relu_output_0_nchwc".
"""

from collections.abc import Sequence

from mlgolf.analysis.deployment.work import family

BY_THE_RUNTIME = "(the runtime's)"
Node = tuple[str, str, Sequence[str]]  # name, operator, outputs


def name_in_model(name: str, operator: str, nodes: Sequence[Node]) -> str:
    """Args: name, operator: as the runtime calls them.

    Returns: "/3/Conv"; "up to /5/Relu", of operators that were fused, by the last of them; or that
      the runtime added it. Empty for an operator without a name.
    """
    known = {node for node, _, _ in nodes if node}
    if not name or name in known:
        return name
    makers = {output: (node or output, kind) for node, kind, outputs in nodes for output in outputs}
    made = max((output for output in makers if output and name.startswith(output)),
               key=len, default="")  # fmt: skip
    if made:
        node, kind = makers[made]
        return node if family(kind) == family(operator) else f"up to {node}"
    return max((node for node in known if node in name), key=len, default=BY_THE_RUNTIME)

"""SGD as a submission, step for step what bare_loop_jax.py does."""

import jax

from mlgolf.core import spec

LEARNING_RATE = 1e-3


def get_batch_size(workload_name):
    raise ValueError("the baseline's")


def init_optimizer_state(workload, model_params, model_state, hyperparameters, rng):
    return compiled_step(workload.model_fn, workload.loss_fn)


def data_selection(workload, input_queue, *_):
    return next(input_queue)


def update_params(
    workload, current_param_container, current_params_types, model_state, hyperparameters, batch,
    loss_type, optimizer_state, eval_results, global_step, rng,
):
    params, model_state = optimizer_state(current_param_container, model_state, batch, rng)
    return optimizer_state, params, model_state


def compiled_step(model_fn, loss_fn):
    """(params, model_state, batch, rng) -> (params, model_state), in place of what they were."""

    def mean_loss(params, model_state, batch, rng):
        logits, model_state = model_fn(
            params, batch, model_state, spec.ForwardPassMode.TRAIN, rng, True
        )
        loss = loss_fn(batch["targets"], logits, batch.get("weights"))
        return loss["summed"] / loss["n_valid_examples"], model_state

    def step(params, model_state, batch, rng):
        slopes, model_state = jax.grad(mean_loss, has_aux=True)(params, model_state, batch, rng)
        return jax.tree.map(lambda p, s: p - LEARNING_RATE * s, params, slopes), model_state

    return jax.jit(step, donate_argnums=(0, 1))

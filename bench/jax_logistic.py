"""The step of `workloads/logistic_regression.py` in JAX, jitted as a whole: `python bench/jax_logistic.py SECONDS`.

Run by run.py with the interpreter given as `--jax`, which needs JAX and nothing else. Prints JSON, as worker.py does.
"""
import json
import statistics
import sys
import time

import jax
from jax import numpy as jnp

CALLS = 1000


@jax.jit
def step(weight, bias, features, labels):
    """One step of gradient descent; returns the new parameters and the loss."""
    def loss(parameters):
        odds = jax.nn.sigmoid(features @ parameters[0] + parameters[1])
        return -jnp.mean(labels * jnp.log(odds) + (1 - labels) * jnp.log(1 - odds))
    value, (dw, db) = jax.value_and_grad(loss)((weight, bias))
    return weight - 0.1 * dw, bias - 0.1 * db, value


def main(seconds: str) -> None:
    features = jax.random.normal(jax.random.key(0), (12, 2))
    labels = (features.sum(1, keepdims=True) > 0).astype(jnp.float32)
    weight, bias = jnp.zeros((2, 1)), jnp.zeros(1)
    batches, end = [], time.perf_counter() + float(seconds)
    while time.perf_counter() < end or len(batches) < 5:
        began = time.perf_counter()
        for _ in range(CALLS):
            weight, bias, loss = step(weight, bias, features, labels)
        loss.block_until_ready()
        batches.append((time.perf_counter() - began) / CALLS)
    print(json.dumps({"step": statistics.median(batches), "version": jax.__version__}))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The training loop of a language model: steps, validation, checkpoints, a clean stop and an exact return.

Called by cli.py, which hands in the model, the batches and the run folder. May import the public API and
viz/; a model is anything whose `model(x, y)` returns (logits, loss) and that has `parameter_groups`, as
models/gpt.py has; batches are anything with `draw`, `validation` and `generator`, as text/lm_data.py has.

A resumed run repeats the uninterrupted one to the last bit, because a checkpoint holds all that the next step
depends on: weights, optimizer state, the states of both random generators (dropout, order of the data) and
the step.
"""

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import stickonfire as torch
from stickonfire import nn

from .progress import Progress
from .runs import RunError, RunFolder
from .settings import TrainSettings

__all__ = ["StopRequest", "Trainer", "TrainingError", "stop_on_signals"]


class TrainingError(RuntimeError):
    """Training cannot go on; the message says why and what to try."""


class StopRequest:
    """Set by a signal, read by the loop between two steps."""

    def __init__(self) -> None:
        self.requested = False


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Turn the first Ctrl-C (SIGINT) or SIGTERM into a request to stop; the second one acts as usual."""
    stop = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield stop  # signals can be caught in the main thread only
        return

    def ask(signum: int, frame: Any) -> None:
        stop.requested = True
        signal.signal(signum, previous[signum])

    previous: dict[int, Any] = {s: signal.signal(s, ask) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for signum, handler in previous.items():
            signal.signal(signum, handler)


CALLS_TO_COMPILE = 3  # to see which state there is, to capture, to run


class Trainer:
    """Trains `model` on `batches` in a run folder.

    `step` counts finished optimizer steps; `best` is the lowest validation loss, seen at `best_step`.
    """

    def __init__(self, model: Any, batches: Any, settings: TrainSettings, run: RunFolder) -> None:
        self.model, self.batches, self.settings, self.run = model, batches, settings, run
        self.optimizer = torch.optim.AdamW(
            model.parameter_groups(settings.weight_decay),
            lr=settings.learning_rate,
            betas=(settings.beta1, settings.beta2),
        )
        self.step = 0
        self.saved_step = -1
        self.best = math.inf
        self.best_step: int | None = None
        self.seconds = 0.0  # of training, over all sittings
        self._run_update: Any = self._update
        self._run_model: Any = model
        self._validation = batches.validation(settings.eval_batches)

    def fit(self, progress: Progress, stop: StopRequest) -> bool:
        """Train to the last step; False if a stop was requested before. Either way a checkpoint is written.

        Raises: TrainingError if the loss is no longer finite, RunError if a checkpoint cannot be written.
        """
        torch.backends.fused.enable(False)  # a resumed run must not depend on how often an op ran before
        if self.settings.compile:
            self._compile()
        if self.saved_step < 0:  # a new run
            self._validate(progress)
            self.save()  # shows at once whether saving works, and makes every run resumable
        clock = _Clock(tokens_per_step=self.settings.batch_size * self.settings.context)
        while self.step < self.settings.steps and not stop.requested:
            record = self._train_step()
            rate = clock.tick()
            if self.step % self.settings.log_every == 0 or self.step == self.settings.steps:
                self.run.append_log({**record, "tokens_per_second": round(rate)})
            progress.update(self.step, record["loss"], rate)
            if self.step % self.settings.eval_every == 0 or self.step == self.settings.steps:
                self.seconds += clock.pause()
                self._validate(progress)
                self.save()
                clock.resume()
        self.seconds += clock.pause()
        if self.saved_step != self.step:
            self.save()
        return self.step >= self.settings.steps

    def _train_step(self) -> dict[str, Any]:
        """One optimizer step; returns what log.jsonl holds about it."""
        rate = self.settings.learning_rate_at(self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        x, y = self.batches.draw()  # (N, T) each
        loss, norm = self._run_update(x, y)
        record: dict[str, Any] = {"step": self.step + 1, "loss": loss.item(), "learning_rate": rate}
        if not math.isfinite(record["loss"]):
            raise TrainingError(
                f"the loss of step {self.step + 1} is {record['loss']}: try a lower --learning-rate or more "
                f"--warmup-steps; {self._last_saved()}"
            )
        if norm is not None:
            record["grad_norm"] = float(norm)
        self.step += 1
        return record

    def _update(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Forward, backward and optimizer; the loss, and the gradient's norm if it is clipped."""
        _, loss = self.model(x, y)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = None
        if self.settings.grad_clip > 0:
            norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.grad_clip)
        self.optimizer.step()
        return loss, norm

    def _compile(self) -> None:
        """Makes the update native code before the first step, so that a resumed run computes just what one sitting
        does.

        What is captured is a real update: it is tried out on validation batches, and everything is put back.
        """
        self._run_update = torch.compile(self._update)
        weights = {name: t.clone() for name, t in self.model.state_dict().items()}
        state = {(p, name): t.clone() for p, values in self.optimizer.state.items() for name, t in values.items()}
        generator = torch.get_rng_state()
        x, y = self._validation[0]
        for _ in range(CALLS_TO_COMPILE):
            self._run_update(x, y)
        self._run_model = torch.compile(self.model)
        self.model.eval()
        with torch.no_grad():
            for _ in range(CALLS_TO_COMPILE):
                self._run_model(x, y)
        self.model.train()
        with torch.no_grad():
            for name, t in self.model.state_dict().items():
                t.copy_(weights[name])
            for p, values in self.optimizer.state.items():
                for name, t in values.items():
                    t.copy_(state[p, name]) if (p, name) in state else t.zero_()
        torch.set_rng_state(generator)

    def _last_saved(self) -> str:
        return "nothing was saved yet" if self.saved_step < 0 else f"step {self.saved_step} is saved"

    def _validate(self, progress: Progress) -> None:
        """Mean loss over the fixed validation batches, into the log and onto the screen."""
        loss = self.validation_loss()
        self.run.append_log({"step": self.step, "val_loss": loss})
        mark = ""
        if loss < self.best:
            self.best, self.best_step = loss, self.step
            mark = "  (best)" if self.step > 0 else "  (untrained)"
        progress.message(f"step {self.step}/{self.settings.steps}  validation loss {loss:.4f}{mark}")

    def validation_loss(self) -> float:
        """Mean loss over the fixed validation batches; draws no random number."""
        self.model.eval()
        with torch.no_grad():
            losses = [self._run_model(x, y)[1].item() for x, y in self._validation]
        self.model.train()
        return sum(losses) / len(losses)

    def save(self) -> None:
        """Write a checkpoint of this moment."""
        optimizer = self.optimizer.state_dict()
        moments = {f"{i}.{name}": t for i, state in optimizer["state"].items() for name, t in state.items()}
        generators = {"default": torch.get_rng_state(), "batches": self.batches.generator.get_state()}
        parts = {"model": self.model.state_dict(), "optimizer": moments, "generators": generators}
        state = {
            "best": self.best if math.isfinite(self.best) else None,
            "best_step": self.best_step,
            "seconds": self.seconds,
            "param_groups": optimizer["param_groups"],
        }
        self.run.save(self.step, parts, state)
        self.saved_step = self.step

    def load(self) -> None:
        """Return to the run's last checkpoint; the log is wound back to it.

        Raises: RunError if the checkpoint does not fit the model.
        """
        parts, state = self.run.load("last")
        load_weights(self.model, parts["model"], self.run)
        moments: dict[int, dict[str, Any]] = {}
        for name, t in parts["optimizer"].items():
            index, _, key = name.partition(".")
            moments.setdefault(int(index), {})[key] = t
        groups = [{**group, "betas": tuple(group["betas"])} for group in state["param_groups"]]
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})
        torch.set_rng_state(parts["generators"]["default"])
        self.batches.generator.set_state(parts["generators"]["batches"])
        self.step = self.saved_step = state["step"]
        self.best = math.inf if state["best"] is None else state["best"]
        self.best_step = state["best_step"]
        self.seconds = state["seconds"]
        self.run.rewind_log(self.step)


def load_weights(model: nn.Module, weights: dict[str, Any], run: RunFolder) -> None:
    """Copy a checkpoint's weights into the model, after comparing names and shapes.

    Raises: RunError that names what does not fit.
    """
    own = {name: tuple(t.shape) for name, t in model.state_dict().items()}
    given = {name: tuple(t.shape) for name, t in weights.items()}
    for name in own.keys() | given.keys():
        if own.get(name) != given.get(name):
            raise RunError(
                f"the checkpoint of run {run.path} does not fit its settings: {name} is "
                f"{given.get(name, 'missing')} in the checkpoint and {own.get(name, 'missing')} in the model"
            )
    model.load_state_dict(weights)


class _Clock:
    """Tokens per second, smoothed over some twenty steps; stands still during validation."""

    def __init__(self, tokens_per_step: int) -> None:
        self.tokens_per_step = tokens_per_step
        self.smooth = 0.0
        self.total = 0.0
        self.last = time.perf_counter()

    def tick(self) -> float:
        """End of a step: the rate in tokens per second."""
        now = time.perf_counter()
        duration, self.last = now - self.last, now
        self.total += duration
        self.smooth = duration if self.smooth == 0.0 else 0.95 * self.smooth + 0.05 * duration
        return self.tokens_per_step / max(self.smooth, 1e-9)

    def pause(self) -> float:
        """Seconds of training since the last pause."""
        total, self.total = self.total, 0.0
        return total

    def resume(self) -> None:
        """Go on measuring."""
        self.last = time.perf_counter()

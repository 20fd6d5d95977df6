"""train/lm.py: losses fall, a resumed run repeats the uninterrupted one to the last bit, clean stops."""

import math
import os
import signal

import pytest

import stickonfire as torch
from stickonfire.models import GPT, GPTConfig
from stickonfire.text import ByteTokenizer
from stickonfire.text.lm_data import Batches
from stickonfire.train.lm import StopRequest, Trainer, TrainingError, load_weights, stop_on_signals
from stickonfire.train.progress import PlainProgress
from stickonfire.train.runs import RunError, RunFolder
from stickonfire.train.settings import TrainSettings

TEXT = "the quick brown fox jumps over the lazy dog. " * 40
SETTINGS = TrainSettings(
    context=8, layers=1, heads=2, width=16, dropout=0.2, bias=True, batch_size=4, steps=12,
    warmup_steps=3, eval_every=4, eval_batches=2, log_every=1, tokens="byte",
)  # fmt: skip


class StopAt(PlainProgress):
    """Progress that asks for a stop after a step, as Ctrl-C would."""

    def __init__(self, stop, step):
        super().__init__(total=12)
        self.stop, self.at = stop, step

    def update(self, step, loss, rate):
        self.stop.requested = step == self.at


def trainer_in(path, settings=SETTINGS, resume=False):
    run = RunFolder.open(path) if resume else RunFolder.create(path, settings, {"kind": "byte"})
    torch.manual_seed(settings.seed)
    config = GPTConfig(
        256, settings.context, settings.layers, settings.heads, settings.width, settings.dropout
    )
    batches = Batches(TEXT, ByteTokenizer(), settings.context, settings.batch_size, settings.seed)
    trainer = Trainer(GPT(config), batches, settings, run)
    if resume:
        trainer.load()
    return trainer


def losses(run):
    timing = ("tokens_per_second",)
    return [{k: v for k, v in record.items() if k not in timing} for record in run.read_log()]


@pytest.fixture
def uninterrupted(tmp_path):
    trainer = trainer_in(tmp_path / "whole")
    assert trainer.fit(PlainProgress(12), StopRequest())
    with trainer.run:
        return trainer, losses(trainer.run)


def test_log_and_loss(uninterrupted):
    trainer, log = uninterrupted
    assert [r["step"] for r in log if "loss" in r] == list(range(1, 13))
    validation = {r["step"]: r["val_loss"] for r in log if "val_loss" in r}
    assert list(validation) == [0, 4, 8, 12]
    assert abs(validation[0] - math.log(256)) < 0.2
    assert validation[12] < validation[0]
    assert (trainer.best, trainer.best_step) == (validation[12], 12)
    assert all(r["grad_norm"] > 0 and r["learning_rate"] > 0 for r in log if "loss" in r)


@pytest.mark.parametrize("stops", [(1,), (4,), (3, 6, 7)])
def test_resumed_run_repeats_every_bit(tmp_path, uninterrupted, stops):
    whole, log = uninterrupted
    path = tmp_path / "parts"
    for i, step in enumerate(stops):
        trainer = trainer_in(path, resume=i > 0)
        stop = StopRequest()
        with trainer.run:
            assert not trainer.fit(StopAt(stop, step), stop)
        assert trainer.step == trainer.saved_step == step
        torch.rand(7)  # another process would not have the same default generator either
    trainer = trainer_in(path, resume=True)
    with trainer.run:
        assert trainer.fit(PlainProgress(12), StopRequest())
        assert losses(trainer.run) == log
    ours, theirs = trainer.model.state_dict(), whole.model.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert (trainer.best, trainer.best_step) == (whole.best, whole.best_step)


def test_killed_run_goes_back_to_its_checkpoint(tmp_path, uninterrupted):
    _, log = uninterrupted

    class Kill(PlainProgress):
        def update(self, step, loss, rate):
            if step == 6:
                raise SystemError  # two steps logged after the checkpoint of step 4

    trainer = trainer_in(tmp_path / "killed")
    with trainer.run, pytest.raises(SystemError):
        trainer.fit(Kill(12), StopRequest())
    assert losses(trainer.run)[-1]["step"] == 6
    trainer = trainer_in(tmp_path / "killed", resume=True)
    assert trainer.step == 4
    with trainer.run:
        trainer.fit(PlainProgress(12), StopRequest())
        assert losses(trainer.run) == log


def test_run_killed_at_its_start_can_be_resumed(tmp_path, uninterrupted):
    _, log = uninterrupted
    stop = StopRequest()
    stop.requested = True
    with (trainer := trainer_in(tmp_path / "r")).run:
        assert not trainer.fit(PlainProgress(12), stop)
        assert trainer.saved_step == 0
    with (trainer := trainer_in(tmp_path / "r", resume=True)).run:
        assert trainer.fit(PlainProgress(12), StopRequest())
        assert losses(trainer.run) == log


def test_validation_draws_nothing(tmp_path):
    with (trainer := trainer_in(tmp_path)).run:
        before = torch.get_rng_state(), trainer.batches.generator.get_state()
        assert trainer.validation_loss() == trainer.validation_loss()
        after = torch.get_rng_state(), trainer.batches.generator.get_state()
        assert all(torch.equal(a, b) for a, b in zip(before, after))
        assert trainer.model.training


def test_infinite_loss_stops_and_saves_nothing(tmp_path):
    trainer = trainer_in(tmp_path)
    with trainer.run:
        with torch.no_grad():
            trainer.model.norm.weight.fill_(float("nan"))
        trainer.save()
        with pytest.raises(TrainingError, match="loss of step 1 is nan: try a lower --learning-rate"):
            trainer._train_step()
    assert trainer.saved_step == 0


def test_no_clipping(tmp_path):
    settings = TrainSettings(**{**SETTINGS.__dict__, "grad_clip": 0.0})
    with (trainer := trainer_in(tmp_path, settings)).run:
        assert "grad_norm" not in trainer._train_step()


def test_checkpoint_of_another_shape(tmp_path):
    with (trainer := trainer_in(tmp_path)).run as run:
        weights = dict(trainer.model.state_dict())
        weights["norm.weight"] = torch.ones(5)
        with pytest.raises(
            RunError, match=r"norm.weight is \(5,\) in the checkpoint and \(16,\) in the model"
        ):
            load_weights(trainer.model, weights, run)
        del weights["norm.weight"]
        with pytest.raises(RunError, match=r"norm.weight is missing in the checkpoint"):
            load_weights(trainer.model, weights, run)


@pytest.mark.skipif(os.name == "nt", reason="no signals to oneself")
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_signals(signum):
    before = signal.getsignal(signum)
    with stop_on_signals() as stop:
        assert not stop.requested
        os.kill(os.getpid(), signum)
        assert stop.requested
        assert signal.getsignal(signum) == before  # the second one acts as usual
    assert signal.getsignal(signum) == before

"""train/settings.py: limits, TOML, the derived parser, the learning rate, what a resumed run may change."""

import argparse
import tomllib
from dataclasses import fields, replace

import pytest

from stickonfire.train.settings import (
    PRESETS,
    SettingsError,
    TrainSettings,
    add_options,
    build,
    check_resumable,
    read_toml,
    to_toml,
)


def parse(*argv):
    parser = argparse.ArgumentParser()
    add_options(parser)
    return vars(parser.parse_args(argv))


def test_later_layers_win():
    settings = build(PRESETS["nanogpt-cpu"], {"steps": 7, "learning-rate": 1}, {"steps": 9})
    assert (settings.steps, settings.learning_rate, settings.batch_size) == (9, 1.0, 12)


def test_presets_are_valid():
    for preset in PRESETS.values():
        assert build(preset) != TrainSettings()


def test_command_line_has_every_option():
    assert parse() == {}  # nothing given, nothing set: the layers below show through
    given = parse("--steps", "5", "--bias", "--tokens", "byte", "--learning-rate", "1e-4", "--data", "x")
    assert given == {"steps": 5, "bias": True, "tokens": "byte", "learning_rate": 1e-4, "data": "x"}
    parser = argparse.ArgumentParser()
    add_options(parser)
    flags = parser.format_help()
    assert all("--" + f.name.replace("_", "-") in flags for f in fields(TrainSettings))


def test_toml_round_trip(tmp_path):
    settings = TrainSettings(data='a "b" \\ ü\x7f', bias=True, learning_rate=1e-5, min_learning_rate=1e-22)
    path = tmp_path / "c.toml"
    path.write_text(to_toml(settings), encoding="utf-8")
    assert build(read_toml(path)) == settings
    assert set(tomllib.loads(to_toml(settings))) == {f.name for f in fields(TrainSettings)}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"stepz": 1}, "unknown option 'stepz': did you mean 'steps'"),
        ({"zzz": 1}, "unknown option 'zzz': see `stickonfire train --help`"),
        ({"steps": "many"}, "'steps' must be a whole number, got 'many'"),
        ({"steps": True}, "'steps' must be a whole number, got True"),
        ({"steps": 1.5}, "'steps' must be a whole number, got 1.5"),
        ({"bias": 1}, "'bias' must be true or false, got 1"),
        ({"data": 1}, "'data' must be a string, got 1"),
        ({"learning_rate": "x"}, "'learning_rate' must be a number"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"dropout": 1.0}, "dropout must be at most 0.99, got 1.0"),
        ({"learning_rate": 0.0}, "learning-rate must be above 0.0, got 0.0"),
        ({"temperature": float("nan")}, "temperature must be finite, got nan"),
        ({"tokens": "word"}, "tokens must be one of char, byte, got 'word'"),
        ({"width": 10, "heads": 3}, "width 10 is not divisible by heads 3"),
        ({"learning_rate": 1e-5}, "min-learning-rate .* is above learning-rate 1e-05"),
    ],
)
def test_nonsense_is_refused(values, message):
    with pytest.raises(SettingsError, match=message):
        build(values)


def test_unreadable_toml(tmp_path):
    with pytest.raises(SettingsError, match="cannot read the config file"):
        read_toml(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("steps = = 3")
    with pytest.raises(SettingsError, match="is not a TOML file"):
        read_toml(tmp_path / "bad.toml")
    (tmp_path / "bin.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="is not a TOML file"):
        read_toml(tmp_path / "bin.toml")


def test_learning_rate_rises_falls_and_stays():
    s = TrainSettings(steps=100, warmup_steps=9, learning_rate=1.0, min_learning_rate=0.2)
    rates = [s.learning_rate_at(step) for step in range(110)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == pytest.approx(1.0)
    assert all(a < b for a, b in zip(rates[:9], rates[1:10]))
    assert all(a > b for a, b in zip(rates[9:99], rates[10:100]))
    assert rates[100:] == [0.2] * 10
    assert replace(s, warmup_steps=0).learning_rate_at(0) == 1.0
    assert replace(s, decay_steps=50).learning_rate_at(60) == 0.2
    assert replace(s, warmup_steps=200).learning_rate_at(150) == pytest.approx(151 / 201)


def test_what_a_resumed_run_may_change():
    old = TrainSettings()
    check_resumable(old, replace(old, steps=old.steps * 2, log_every=1, learning_rate=1e-2))
    with pytest.raises(SettingsError, match="--width 64 differs from the run's 192"):
        check_resumable(old, replace(old, width=64))
    with pytest.raises(SettingsError, match="--seed 1 differs"):
        check_resumable(old, replace(old, seed=1))

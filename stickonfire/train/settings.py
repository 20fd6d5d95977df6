"""Options of `stickonfire train`: one dataclass, read from presets, TOML and the command line.

Each field carries its help text, group and limits; the parser's --help, the TOML reader, the checks and the
`config.toml` of a run folder are all derived from it, so an option is added in one place. Called by cli.py.
Needs the standard library only. Order of precedence: default < --preset < --config FILE < command line.
"""

import argparse
import difflib
import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

__all__ = [
    "PRESETS",
    "SettingsError",
    "TrainSettings",
    "add_options",
    "build",
    "check_resumable",
    "read_toml",
    "to_toml",
]


class SettingsError(ValueError):
    """An option that does not exist or a value that makes no sense; the message names both."""


def _option(default: Any, group: str, help: str, **meta: Any) -> Any:
    """A field with what the parser and the checks need.

    `meta`: low, high (inclusive limits), above (exclusive limit), choices, metavar; `frozen=True` for what a
    resumed run must keep, since the weights or the order of the data depend on it.
    """
    return field(default=default, metadata={"group": group, "help": help, **meta})


@dataclass(frozen=True)
class TrainSettings:
    """All that decides what a training run computes.

    Example:
        >>> TrainSettings(steps=10).steps
        10
    """

    data: str = _option(
        "",
        "text",
        "text file, or folder of text files, in UTF-8; without it the language"
        " reference that every Python carries is used",
        metavar="FILE_OR_FOLDER",
    )
    tokens: str = _option(
        "char",
        "text",
        "what a token is: a character of the text's own alphabet, or a byte",
        choices=("char", "byte"),
        frozen=True,
    )

    context: int = _option(64, "model", "longest sequence the model sees, in tokens", low=1, frozen=True)
    layers: int = _option(2, "model", "transformer blocks", low=1, frozen=True)
    heads: int = _option(4, "model", "attention heads in each block; must divide --width", low=1, frozen=True)
    width: int = _option(192, "model", "features per token", low=1, frozen=True)
    dropout: float = _option(
        0.0, "model", "share of features dropped in training", low=0.0, high=0.99, frozen=True
    )
    bias: bool = _option(False, "model", "biases in linear layers and layer norms", frozen=True)

    steps: int = _option(500, "training", "optimizer steps", low=1)
    batch_size: int = _option(32, "training", "sequences per step", low=1, frozen=True)
    learning_rate: float = _option(
        4e-3, "training", "highest learning rate, reached after warm-up", above=0.0
    )
    min_learning_rate: float = _option(1e-4, "training", "learning rate at the end of the cosine", low=0.0)
    warmup_steps: int = _option(50, "training", "steps over which the learning rate rises from 0", low=0)
    decay_steps: int = _option(0, "training", "step at which the cosine ends; 0: the last step", low=0)
    beta1: float = _option(0.9, "training", "AdamW's decay of the mean gradient", low=0.0, high=0.999999)
    beta2: float = _option(
        0.99, "training", "AdamW's decay of the mean squared gradient", low=0.0, high=0.999999
    )
    weight_decay: float = _option(0.1, "training", "AdamW's weight decay, on matrices only", low=0.0)
    grad_clip: float = _option(1.0, "training", "largest norm of the gradient; 0: no clipping", low=0.0)
    compile: bool = _option(True, "training", "run each step as native code (needs llvmlite)")
    seed: int = _option(
        1337, "training", "seed of the weights and of the order of the data", low=0, high=2**63 - 1, frozen=True
    )

    eval_every: int = _option(
        100, "measuring", "steps between two validations; each also saves a checkpoint", low=1
    )
    eval_batches: int = _option(
        20, "measuring", "batches per validation, the same ones each time", low=1, frozen=True
    )
    log_every: int = _option(10, "measuring", "steps between two lines of log.jsonl", low=1)

    sample_tokens: int = _option(
        500, "samples", "length of the sample written at the end, in tokens; 0: none", low=0
    )
    temperature: float = _option(
        0.8, "samples", "below 1 plays safe, above 1 dares; 0 takes the likeliest", low=0.0
    )
    top_k: int = _option(0, "samples", "draw from the k likeliest tokens only; 0: from all", low=0)

    def __post_init__(self) -> None:
        for f in fields(self):
            _check_limits(f, getattr(self, f.name))
        if self.width % self.heads != 0:
            raise SettingsError(f"width {self.width} is not divisible by heads {self.heads}")
        if self.min_learning_rate > self.learning_rate:
            raise SettingsError(
                f"min-learning-rate {self.min_learning_rate} is above learning-rate {self.learning_rate}: "
                "lower it, or give both"
            )

    def learning_rate_at(self, step: int) -> float:
        """Learning rate of step 0, 1, ...: a straight rise, half a cosine down, then level.

        Example:
            >>> TrainSettings(learning_rate=1e-3, warmup_steps=9, min_learning_rate=0).learning_rate_at(9)
            0.001
        """
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / (self.warmup_steps + 1)
        end = self.decay_steps or self.steps
        if step >= end:
            return self.min_learning_rate
        progress = (step - self.warmup_steps) / (end - self.warmup_steps)
        share = 0.5 * (1.0 + math.cos(math.pi * progress))
        return self.min_learning_rate + share * (self.learning_rate - self.min_learning_rate)


# nanogpt-cpu: what nanoGPT's README publishes for a CPU (validation loss 1.88 on tiny Shakespeare).
PRESETS: dict[str, dict[str, Any]] = {
    "nanogpt-cpu": {
        "context": 64,
        "layers": 4,
        "heads": 4,
        "width": 128,
        "dropout": 0.0,
        "bias": False,
        "batch_size": 12,
        "steps": 2000,
        "learning_rate": 1e-3,
        "min_learning_rate": 1e-4,
        "warmup_steps": 100,
        "decay_steps": 2000,
        "beta1": 0.9,
        "beta2": 0.99,
        "weight_decay": 0.1,
        "grad_clip": 1.0,
        "eval_every": 250,
        "eval_batches": 20,
    },
    "tiny": {
        "context": 32,
        "layers": 2,
        "heads": 2,
        "width": 32,
        "batch_size": 8,
        "steps": 200,
        "sample_tokens": 200,
    },
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add one option per field, grouped, each with its default; what is not given is not set."""
    titles = dict.fromkeys(f.metadata["group"] for f in fields(TrainSettings))  # in order, once each
    groups = {title: parser.add_argument_group(title) for title in titles}
    for f in fields(TrainSettings):
        kwargs: dict[str, Any] = {"default": argparse.SUPPRESS, "help": _help(f)}
        if f.type is bool:
            kwargs["action"] = argparse.BooleanOptionalAction
        elif "choices" in f.metadata:
            kwargs["choices"] = f.metadata["choices"]
        else:
            kwargs["type"] = f.type
            kwargs["metavar"] = f.metadata.get("metavar", "N" if f.type is int else "X")
        groups[f.metadata["group"]].add_argument(_flag(f.name), **kwargs)


def _help(f: Field) -> str:
    text = f.metadata["help"]
    if f.default != "":
        text += f" (default: {_shown(f.default)})"
    return text.replace("%", "%%")


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def build(*layers: Mapping[str, Any]) -> TrainSettings:
    """Settings from mappings, later ones winning.

    Raises: SettingsError for an unknown option, a wrong type or a value out of bounds.

    Example:
        >>> build({"steps": 5, "width": 64}, {"steps": 7}).steps
        7
    """
    known = {f.name: f for f in fields(TrainSettings)}
    values: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            name = key.replace("-", "_")
            if name not in known:
                raise SettingsError(f"unknown option {key!r}{_suggest(name, known)}")
            values[name] = _typed(known[name], value)
    return TrainSettings(**values)


def _suggest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return (
        f": did you mean {close[0]!r}?" if close else ": see `stickonfire train --help` for those that exist"
    )


def _typed(f: Field, value: Any) -> Any:
    if f.type is float and type(value) is int:
        return float(value)
    if type(value) is not f.type:
        kind = {int: "a whole number", float: "a number", bool: "true or false", str: "a string"}[f.type]  # type: ignore[index]
        raise SettingsError(f"option {f.name!r} must be {kind}, got {value!r}")
    return value


def _check_limits(f: Field, value: Any) -> None:
    meta = f.metadata
    name = f.name.replace("_", "-")
    if isinstance(value, float) and not math.isfinite(value):
        raise SettingsError(f"{name} must be finite, got {value}")
    if "low" in meta and value < meta["low"]:
        raise SettingsError(f"{name} must be at least {meta['low']}, got {value}")
    if "high" in meta and value > meta["high"]:
        raise SettingsError(f"{name} must be at most {meta['high']}, got {value}")
    if "above" in meta and value <= meta["above"]:
        raise SettingsError(f"{name} must be above {meta['above']}, got {value}")
    if "choices" in meta and value not in meta["choices"]:
        raise SettingsError(f"{name} must be one of {', '.join(meta['choices'])}, got {value!r}")


def read_toml(path: str | Path) -> dict[str, Any]:
    """The options of a TOML file, unchecked.

    Raises: SettingsError if the file cannot be read or is no TOML.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read the config file {path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not a TOML file: {error}") from None


def to_toml(settings: TrainSettings) -> str:
    """The settings as TOML that `read_toml` and `build` turn into equal settings, with each option's help as
    a comment.

    Example:
        >>> import tomllib
        >>> build(tomllib.loads(to_toml(TrainSettings(steps=7)))) == TrainSettings(steps=7)
        True
    """
    lines: list[str] = []
    group = ""
    for f in fields(settings):
        if f.metadata["group"] != group:
            group = f.metadata["group"]
            lines += ["", f"# {group}"]
        setting = f"{f.name} = {_toml_value(getattr(settings, f.name))}"
        lines.append(f"{setting:<32} # {f.metadata['help']}")
    return "\n".join(lines).lstrip() + "\n"


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value).replace("\x7f", "\\u007f")  # JSON's escapes are TOML's, DEL apart
    return repr(value)


def check_resumable(old: TrainSettings, new: TrainSettings) -> None:
    """Refuse changes that would make a resumed run another run.

    Raises: SettingsError naming the first option that must stay.
    """
    for f in fields(TrainSettings):
        before, after = getattr(old, f.name), getattr(new, f.name)
        if f.metadata.get("frozen") and before != after:
            raise SettingsError(
                f"{_flag(f.name)} {after} differs from the run's {before}: a resumed run must keep it "
                "(start a new run to change it)"
            )


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")

"""The command `stickonfire`: train, generate, run, info.

The top of the package: puts together text/, models/, train/ and viz/, which do not know each other, and turns
what can go wrong into one clear line on stderr. Exit status: 0 done, 1 training failed, 2 wrong use or
unusable files, 130 stopped by Ctrl-C or SIGTERM.
"""

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import runpy
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, NoReturn

import stickonfire as torch

from .compat import install
from .models import GPT, GPTConfig
from .text import (
    ByteTokenizer,
    CharTokenizer,
    Text,
    TextError,
    default_prompt,
    read_text,
    sample,
    stream_text,
)
from .text.lm_data import Batches
from .text.tokens import Tokenizer, tokenizer_from_dict
from .train import (
    PRESETS,
    RunError,
    RunFolder,
    SettingsError,
    Trainer,
    TrainingError,
    TrainSettings,
    make_progress,
    stop_on_signals,
)
from .train.checkpoints import has_safetensors
from .train.lm import load_weights
from .train.progress import short_time
from .train.runs import default_path
from .train.settings import add_options, build, check_resumable, read_toml
from .viz import save_loss_curve

__all__ = ["main"]

OPTIONAL = {  # distribution: what it is for
    "ml_dtypes": "bfloat16",
    "safetensors": "checkpoints in the safetensors format",
    "rich": "progress bar",
    "matplotlib": "loss curve",
}


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_Help, **kwargs)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


class _Help(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32, width=min(110, shutil.get_terminal_size().columns))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a character shows "?"
    args = _parser().parse_args(argv)
    if args.command is _run:
        return _run(args)  # the script's own errors are the script's business
    try:
        return args.command(args)
    except (TextError, SettingsError, RunError) as error:
        return _fail(args, str(error), 2)
    except TrainingError as error:
        return _fail(args, str(error), 1)
    except BrokenPipeError:  # the reader of our output has gone, as in `stickonfire generate RUN | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _fail(args, f"{error.filename or 'input/output'}: {error.strerror or error}", 2)
    except KeyboardInterrupt:
        return _fail(args, "stopped; what was saved before is whole", 130)


def _fail(args: argparse.Namespace, message: str, status: int) -> int:
    sys.stdout.flush()
    print(f"stickonfire {args.name}: error: {message}", file=sys.stderr)
    return status


# -- the parser ---------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="stickonfire", description="A deep-learning framework with PyTorch's API.")
    parser.add_argument("--version", action="version", version=f"stickonfire {torch.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    for add in (_add_train, _add_generate, _add_run, _add_info):
        add(commands)
    return parser


def _command(commands: Any, function: Any, help: str, **kwargs: Any) -> argparse.ArgumentParser:
    name = function.__name__.removeprefix("_")
    parser = commands.add_parser(name, help=help, **kwargs)
    parser.set_defaults(command=function, name=name)
    return parser


TRAIN_DESCRIPTION = """\
Train a small GPT (a decoder-only transformer) on text, with a progress bar, validation, checkpoints and a
loss curve. Without options it learns the language reference that comes with Python, in half a minute on
two cores.

  stickonfire train                                  the default run
  stickonfire train --data novel.txt --steps 2000    your own text, or a folder of it
  stickonfire train --resume runs/NAME               go on where a run stopped, to the very same losses
"""

TRAIN_EPILOG = """\
An option given here wins over --config, that over --preset, that over the default. Ctrl-C saves a checkpoint
and leaves with status 130. A run folder holds config.toml (which --config reads), tokenizer.json,
checkpoints/, log.jsonl, loss.png and samples.txt. Losses are in nats per token, rates in tokens per second.
"""


def _add_train(commands: Any) -> None:
    parser = _command(
        commands,
        _train,
        "train a small GPT on text",
        usage="stickonfire train [options]",
        description=TRAIN_DESCRIPTION,
        epilog=TRAIN_EPILOG,
    )
    run = parser.add_argument_group("run")
    run.add_argument("--out", metavar="DIR", help="run folder to create (default: runs/DATE-TIME)")
    run.add_argument(
        "--resume",
        metavar="RUN",
        help="run folder to go on with; what shapes the model, the data or their order must stay as it was",
    )
    run.add_argument(
        "--config", metavar="FILE", help="TOML file with any of the options below, as `name = value`"
    )
    run.add_argument(
        "--preset",
        choices=sorted(PRESETS),
        help="nanogpt-cpu: the small CPU setting published with nanoGPT; tiny: a few seconds, for a try",
    )
    add_options(parser)


def _add_generate(commands: Any) -> None:
    parser = _command(
        commands,
        _generate,
        "sample text from a run",
        description="Let the model of a run folder write text; it appears on stdout as it is drawn.",
    )
    parser.add_argument("run", metavar="RUN", help="run folder, as `stickonfire train` prints it at the end")
    parser.add_argument("--prompt", metavar="TEXT", help="text to go on from (default: a new line)")
    parser.add_argument(
        "--tokens",
        metavar="N",
        type=_at_least(1),
        default=500,
        help="length of the continuation, in tokens (default: 500)",
    )
    parser.add_argument(
        "--temperature",
        metavar="X",
        type=_at_least(0.0),
        default=0.8,
        help="below 1 plays safe, above 1 dares; 0 takes the likeliest token (default: 0.8)",
    )
    parser.add_argument(
        "--top-k",
        metavar="K",
        type=_at_least(0),
        default=0,
        help="draw from the K likeliest tokens only; 0: from all (default: 0)",
    )
    parser.add_argument(
        "--seed",
        metavar="N",
        type=_at_least(0, 2**63 - 1),
        help="draw the same text each time (default: another one each time)",
    )
    parser.add_argument(
        "--checkpoint",
        metavar="WHICH",
        default="best",
        help="best (lowest validation loss), last, or a step number (default: best)",
    )


def _add_run(commands: Any) -> None:
    parser = _command(
        commands,
        _run,
        "run a PyTorch script unchanged, on this package",
        description="Run a script in which `import torch` (and its submodules) means this package.",
    )
    parser.add_argument("script", help="the Python file")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="passed on to the script as its sys.argv")


def _add_info(commands: Any) -> None:
    _command(
        commands,
        _info,
        "versions, cores, optional libraries",
        description="Show versions, cores and which optional libraries are installed.",
    )


def _at_least(low: float, most: float = float("inf")) -> Any:
    """An argparse type: a number of low's type that is not below it, nor above `most`."""
    kind = type(low)

    def number(text: str) -> Any:
        value = kind(text)
        if not low <= value < float("inf"):
            raise argparse.ArgumentTypeError(f"must be at least {low}, got {text}")
        if value > most:
            raise argparse.ArgumentTypeError(f"must be at most {most}, got {text}")
        return value

    number.__name__ = "whole number" if kind is int else "number"
    return number


# -- train --------------------------------------------------------------------------------------------


def _train(args: argparse.Namespace) -> int:
    if not has_safetensors():
        print("safetensors is not installed: checkpoints are written as .pt files instead (PyTorch's format)")
    for name in ("out", "resume", "data"):
        if getattr(args, name, None) == "":
            raise SettingsError(f"--{name} is empty: give a path, or leave the option out")
    run, batches = _resumed_run(args) if args.resume else _new_run(args)
    with run:
        return _train_in(run, batches, resumed=args.resume is not None)


def _given(args: argparse.Namespace) -> list[dict[str, Any]]:
    """The layers of settings that the command line names, weakest first."""
    names = {f.name for f in fields(TrainSettings)}
    command_line = {name: value for name, value in vars(args).items() if name in names}
    preset = PRESETS[args.preset] if args.preset else {}
    return [preset, read_toml(args.config) if args.config else {}, command_line]


def _new_run(args: argparse.Namespace) -> tuple[RunFolder, Batches]:
    """A folder for a new run, made only after the options and the text have proved usable."""
    settings = build(*_given(args))
    text = _read(settings)
    tokenizer = CharTokenizer(text.content) if settings.tokens == "char" else ByteTokenizer()
    batches = _batches(text, tokenizer, settings)
    if settings.data:  # so that the run can be resumed from another folder
        settings = replace(settings, data=str(Path(settings.data).resolve()))
    description = {**tokenizer.to_dict(), "source": text.source, "sha256": text.sha256}
    path = Path(args.out) if args.out else default_path()
    return RunFolder.create(path, settings, description), batches


def _resumed_run(args: argparse.Namespace) -> tuple[RunFolder, Batches]:
    """An existing run with the options that were changed, and the text it was started on."""
    if args.out is not None:
        raise SettingsError("--out and --resume exclude each other: a resumed run stays in its folder")
    run = RunFolder.open(Path(args.resume))
    try:
        old = run.settings
        settings = build(asdict(old), *_given(args))
        check_resumable(old, settings)
        if settings.data != old.data:
            settings = replace(settings, data=str(Path(settings.data).resolve()))
        text = _read(settings)
        _check_text(run, text)
        run.settings = settings
        return run, _batches(text, tokenizer_from_dict(run.tokenizer), settings)
    except BaseException:
        run.close()
        raise


def _read(settings: TrainSettings) -> Text:
    text = read_text(settings.data or None, raw=settings.tokens == "byte")
    for note in text.notes:
        print(note)
    return text


def _batches(text: Text, tokenizer: Tokenizer, settings: TrainSettings) -> Batches:
    return Batches(text.content, tokenizer, settings.context, settings.batch_size, settings.seed)


def _check_text(run: RunFolder, text: Text) -> None:
    """A resumed run must see the text it began with."""
    if run.tokenizer.get("sha256") == text.sha256:
        return
    tokenizer = tokenizer_from_dict(run.tokenizer)
    if (
        isinstance(tokenizer, CharTokenizer)
        and CharTokenizer(text.content).characters != tokenizer.characters
    ):
        ours = CharTokenizer(text.content)
        raise RunError(
            f"the vocabulary of {text.source} ({ours.vocab_size} characters) is not that of run {run.path} "
            f"({tokenizer.vocab_size} characters): resume with the text it was started on, or start a new run"
        )
    raise RunError(
        f"{text.source} is not the text that run {run.path} was started on ({run.tokenizer.get('source')}): "
        "resume with that one, or start a new run"
    )


def _build_model(settings: TrainSettings, tokenizer: Tokenizer) -> GPT:
    return GPT(
        GPTConfig(
            vocab_size=tokenizer.vocab_size,
            context=settings.context,
            n_layer=settings.layers,
            n_head=settings.heads,
            n_embd=settings.width,
            dropout=settings.dropout,
            bias=settings.bias,
        )
    )


def _train_in(run: RunFolder, batches: Batches, resumed: bool) -> int:
    settings = run.settings
    tokenizer = tokenizer_from_dict(run.tokenizer)
    torch.manual_seed(settings.seed)
    model = _build_model(settings, tokenizer)
    trainer = Trainer(model, batches, settings, run)
    if resumed:
        trainer.load()
        if trainer.step >= settings.steps:
            print(f"{run.path} has done its {trainer.step} steps: nothing left to do (more: --steps N)")
            return 0
        run.save_settings()
    _describe(run, model, batches, tokenizer, trainer.step)
    with stop_on_signals() as stop, make_progress(settings.steps, trainer.step) as progress:
        finished = trainer.fit(progress, stop)
    curve = save_loss_curve(run.read_log(), run.path / "loss.png", str(run.path))
    if not curve:
        print("matplotlib is not installed: no loss curve (pip install matplotlib)")
    if not finished:
        print(f"stopped at step {trainer.step} of {settings.steps}; everything is saved in {run.path}")
        print(f"go on with:  stickonfire train --resume {shlex.quote(str(run.path))}")
        return 130
    _write_sample(run, model, tokenizer)
    _summarise(run, trainer, curve)
    return 0


def _describe(run: RunFolder, model: GPT, batches: Batches, tokenizer: Tokenizer, step: int) -> None:
    """What is about to happen, before it does."""
    s = run.settings
    print(f"text    {run.tokenizer.get('source')}")
    print(
        f"        {len(batches.train):,} tokens to learn from, {len(batches.val):,} held out; "
        f"{tokenizer.vocab_size} different ones ({tokenizer.kind})"
    )
    print(
        f"model   {model.num_parameters():,} parameters: {s.layers} layers, {s.heads} heads, "
        f"{s.width} wide, context {s.context}"
    )
    print(f"run     {run.path}" + (f", from step {step} on" if step else ""))


def _write_sample(run: RunFolder, model: GPT, tokenizer: Tokenizer) -> None:
    s = run.settings
    if s.sample_tokens == 0:
        return
    text = sample(
        model, tokenizer, default_prompt(tokenizer), s.sample_tokens, s.temperature, s.top_k, s.seed
    )
    run.write_text("samples.txt", text + "\n")
    print(f"\n--- a sample {'-' * 60}\n{text.strip()}\n{'-' * 73}\n")


def _summarise(run: RunFolder, trainer: Trainer, curve: bool) -> None:
    print(
        f"{trainer.step} steps in {short_time(trainer.seconds)} of training; "
        f"lowest validation loss {trainer.best:.4f} at step {trainer.best_step}"
    )
    files = ["config.toml", "log.jsonl", "loss.png", "samples.txt", "checkpoints/"]
    there = [name for name in files if (run.path / name).exists()]
    print(f"run folder:  {run.path}  ({', '.join(there)})")
    print(f"more text:   stickonfire generate {shlex.quote(str(run.path))}")


# -- generate, run, info ------------------------------------------------------------------------------


def _generate(args: argparse.Namespace) -> int:
    run = RunFolder.open(Path(args.run), read_only=True)
    tokenizer = tokenizer_from_dict(run.tokenizer)
    model = _build_model(run.settings, tokenizer)
    parts, _ = run.load(args.checkpoint)
    load_weights(model, parts["model"], run)
    prompt = default_prompt(tokenizer) if args.prompt is None else args.prompt
    pieces = stream_text(model, tokenizer, prompt, args.tokens, args.temperature, args.top_k, args.seed)
    first = next(pieces)  # before anything is printed: an unusable prompt shows here
    print(prompt.removeprefix("\n"), end="")
    print(first, end="", flush=True)
    for piece in pieces:
        print(piece, end="", flush=True)
    print()
    return 0


def _run(args: argparse.Namespace) -> int:
    script = Path(args.script)
    if not script.is_file():
        return _fail(args, f"no such script: {script}", 2)
    install()
    sys.argv = [args.script, *args.arguments]
    sys.path.insert(0, str(script.resolve().parent))
    runpy.run_path(args.script, run_name="__main__")
    return 0


def _info(args: argparse.Namespace) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"stickonfire  {torch.__version__}")
    print(f"python       {platform.python_version()} ({platform.python_implementation()})")
    print(f"numpy        {importlib.metadata.version('numpy')}")
    print(f"system       {platform.system()} {platform.machine()}, {cores} core(s)")
    for name, purpose in OPTIONAL.items():
        print(f"{name:<12} {_version(name):<16} {purpose}")
    return 0


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "installed" if importlib.util.find_spec(distribution) else "not installed"

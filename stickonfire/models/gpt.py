"""A decoder-only transformer (GPT) in one file.

This room holds models, one file each, written against the public API exactly as a user would write them.
The shape of each intermediate stands at the end of its line: N sequences, T tokens, D features, nh heads,
V vocabulary. `stickonfire train` builds this model; `text/generate.py` samples from it.

Sources: Radford et al., "Language Models are Unsupervised Multitask Learners" (GPT-2: pre-norm blocks, scaled
initialisation of residual projections, tied embedding); Vaswani et al., "Attention Is All You Need".
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import stickonfire as torch
from stickonfire import nn
from stickonfire.nn import functional as F

__all__ = ["GPT", "GPTConfig"]


@dataclass(frozen=True)
class GPTConfig:
    """The shape of a GPT.

    Example:
        >>> GPTConfig(vocab_size=65).n_layer
        4
    """

    vocab_size: int
    context: int = 64  # longest sequence the model sees, in tokens
    n_layer: int = 4
    n_head: int = 4
    n_embd: int = 128  # features per token (D)
    dropout: float = 0.0
    bias: bool = False  # biases in linear layers and layer norms

    def __post_init__(self) -> None:
        for name in ("vocab_size", "context", "n_layer", "n_head", "n_embd"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.n_embd % self.n_head != 0:
            raise ValueError(
                f"n_embd must be divisible by n_head, got {self.n_embd} and {self.n_head}: "
                f"each of the {self.n_head} heads takes an equal share of the features"
            )


class CausalSelfAttention(nn.Module):
    """Each token looks at itself and the tokens before it.

    Shape: (N, T, D) -> (N, T, D).   Source: Vaswani et al. 2017, section 3.2.
    """

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.n_head = config.n_head
        self.qkv = nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.bias)
        self.proj = nn.Linear(config.n_embd, config.n_embd, bias=config.bias)
        self.dropout = nn.Dropout(config.dropout)
        future = torch.ones(config.context, config.context, dtype=torch.bool).triu(1)
        self.register_buffer("future", future, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        N, T, D = x.shape
        q, k, v = self.qkv(x).split(D, dim=2)  # each (N, T, D)
        q = q.view(N, T, self.n_head, D // self.n_head).transpose(1, 2)  # (N, nh, T, D/nh)
        k = k.view(N, T, self.n_head, D // self.n_head).transpose(1, 2)  # (N, nh, T, D/nh)
        v = v.view(N, T, self.n_head, D // self.n_head).transpose(1, 2)  # (N, nh, T, D/nh)
        scores = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(D // self.n_head))  # (N, nh, T, T)
        scores = scores.masked_fill(self.future[:T, :T], float("-inf"))
        weights = self.dropout(F.softmax(scores, dim=-1))  # (N, nh, T, T), rows sum to 1
        mixed = (weights @ v).transpose(1, 2).contiguous().view(N, T, D)  # (N, T, D)
        return self.dropout(self.proj(mixed))  # (N, T, D)


class MLP(nn.Module):
    """Two linear layers with a GELU between them, four times as wide inside.

    Shape: (N, T, D) -> (N, T, D).
    """

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.widen = nn.Linear(config.n_embd, 4 * config.n_embd, bias=config.bias)
        self.proj = nn.Linear(4 * config.n_embd, config.n_embd, bias=config.bias)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = F.gelu(self.widen(x))  # (N, T, 4D)
        return self.dropout(self.proj(hidden))  # (N, T, D)


class Block(nn.Module):
    """Attention, then an MLP, each on normalised input and added to what came in (pre-norm).

    Shape: (N, T, D) -> (N, T, D).
    """

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.n_embd, bias=config.bias)
        self.attention = CausalSelfAttention(config)
        self.norm2 = nn.LayerNorm(config.n_embd, bias=config.bias)
        self.mlp = MLP(config)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(self.norm1(x))  # (N, T, D)
        return x + self.mlp(self.norm2(x))  # (N, T, D)


class GPT(nn.Module):
    """A decoder-only transformer over token numbers.

    The head that turns features into logits is the token embedding itself (tied weights), so it has no
    parameters of its own.

    Shape: idx (N, T) int64 -> logits (N, T, V).   Source: GPT-2 (Radford et al. 2019).

    Example:
        >>> import stickonfire as torch
        >>> model = GPT(GPTConfig(vocab_size=10, context=8, n_layer=1, n_head=2, n_embd=16))
        >>> logits, loss = model(torch.zeros(2, 8, dtype=torch.int64))
        >>> logits.shape
        torch.Size([2, 8, 10])
    """

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.n_embd)
        self.position_embedding = nn.Embedding(config.context, config.n_embd)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList([Block(config) for _ in range(config.n_layer)])
        self.norm = nn.LayerNorm(config.n_embd, bias=config.bias)
        self._init_weights()

    def _init_weights(self) -> None:
        """Normal(0, 0.02) matrices; what is added to the residual stream shrinks with depth."""
        residual_std = 0.02 / math.sqrt(2 * self.config.n_layer)
        for name, parameter in self.named_parameters():
            if parameter.dim() >= 2:
                std = residual_std if name.endswith("proj.weight") else 0.02
                nn.init.normal_(parameter, mean=0.0, std=std)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(
        self, idx: torch.Tensor, targets: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Logits for the next token at each position, and the mean cross-entropy if `targets` are given.

        Shape: idx (N, T), targets (N, T) -> logits (N, T, V), loss ().
        Raises: ValueError if T is larger than the context.
        """
        N, T = idx.shape
        if T > self.config.context:
            raise ValueError(
                f"GPT: {T} tokens do not fit into a context of {self.config.context}: crop the input"
            )
        positions = torch.arange(T, device=idx.device)  # (T,)
        x = self.token_embedding(idx) + self.position_embedding(positions)  # (N, T, D)
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x)  # (N, T, D)
        logits = F.linear(self.norm(x), self.token_embedding.weight)  # (N, T, V)
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.view(N * T, -1), targets.reshape(N * T))

    def num_parameters(self, embeddings: bool = True) -> int:
        """How many weights the model has; without the position embedding if `embeddings` is False.

        Example:
            >>> GPT(GPTConfig(vocab_size=65)).num_parameters()
            804096
        """
        count = sum(parameter.numel() for parameter in self.parameters())
        return count if embeddings else count - self.position_embedding.weight.numel()

    def parameter_groups(self, weight_decay: float) -> list[dict]:
        """Groups for an optimizer: matrices decay, biases and layer norm gains do not.

        Example:
            >>> model = GPT(GPTConfig(vocab_size=65))
            >>> [group["weight_decay"] for group in model.parameter_groups(0.1)]
            [0.1, 0.0]
        """
        parameters = [parameter for parameter in self.parameters() if parameter.requires_grad]
        return [
            {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": weight_decay},
            {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
        ]

    def crop_context(self, context: int) -> None:
        """Shorten the longest sequence the model takes, keeping the first positions' embeddings.

        Raises: ValueError if `context` is not between 1 and the present one.
        """
        if not 1 <= context <= self.config.context:
            raise ValueError(f"crop_context: {context} is not between 1 and {self.config.context}")
        settings = {**self.config.__dict__, "context": context}
        self.config = GPTConfig(**settings)
        self.position_embedding.weight = nn.Parameter(
            self.position_embedding.weight[:context].detach().clone()
        )
        self.position_embedding.num_embeddings = context
        for block in self.blocks:
            block.attention.future = block.attention.future[:context, :context]

    def stream(
        self,
        idx: torch.Tensor,
        count: int,
        temperature: float = 1.0,
        top_k: int = 0,
        generator: torch.Generator | None = None,
    ) -> Iterator[torch.Tensor]:
        """Yield `count` further tokens of each sequence, one at a time; the context is cropped as it fills.

        Temperature 0 takes the most likely token; `top_k` above 0 draws from the k most likely only.
        Shape: idx (N, T), T >= 1 -> `count` times (N, 1).
        """
        training = self.training
        self.eval()
        try:
            for _ in range(count):
                with torch.no_grad():
                    logits, _ = self(idx[:, -self.config.context :])  # (N, T, V)
                    token = _draw(logits[:, -1, :], temperature, top_k, generator)  # (N, 1)
                    idx = torch.cat([idx[:, 1 - self.config.context :], token], dim=1)  # (N, <= context)
                yield token
        finally:
            self.train(training)

    def generate(
        self,
        idx: torch.Tensor,
        count: int,
        temperature: float = 1.0,
        top_k: int = 0,
        generator: torch.Generator | None = None,
    ) -> torch.Tensor:
        """The sequences with `count` sampled tokens added; see `stream`.

        Shape: idx (N, T) -> (N, T + count).

        Example:
            >>> import stickonfire as torch
            >>> model = GPT(GPTConfig(vocab_size=10, context=8, n_layer=1, n_head=2, n_embd=16))
            >>> model.generate(torch.zeros(1, 1, dtype=torch.int64), 20).shape
            torch.Size([1, 21])
        """
        return torch.cat([idx, *self.stream(idx, count, temperature, top_k, generator)], dim=1)


def _draw(
    logits: torch.Tensor, temperature: float, top_k: int, generator: torch.Generator | None
) -> torch.Tensor:
    """One token per row of logits.   Shape: (N, V) -> (N, 1)."""
    if temperature < 0 or top_k < 0:
        raise ValueError(f"temperature and top_k must not be negative, got {temperature} and {top_k}")
    if temperature == 0:
        return logits.argmax(dim=-1, keepdim=True)
    logits = logits / temperature
    if 0 < top_k < logits.shape[-1]:
        kth = torch.topk(logits, top_k, dim=-1).values[:, -1:]  # (N, 1), the smallest logit that stays
        logits = logits.masked_fill(logits < kth, float("-inf"))
    return torch.multinomial(F.softmax(logits, dim=-1), 1, generator=generator)

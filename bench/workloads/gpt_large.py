"""nanoGPT's setting for characters: one AdamW step of a GPT of 10.7 million parameters on 2,048 tokens."""
from workloads.gpt import training_step

TITLE = "GPT 6 layers, 384 wide, 256 context, batch 8, AdamW"
TARGET = 1.0
COMPILED = 0.8


def make(torch):
    return training_step(torch, vocabulary=65, layers=6, heads=6, width=384, context=256, batch=8)

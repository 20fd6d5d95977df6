"""nanoGPT's small CPU setting: one AdamW step of a GPT of 0.8 million parameters on 768 tokens."""
from workloads.gpt import training_step

TITLE = "GPT 4 layers, 128 wide, 64 context, batch 12, AdamW"
TARGET = 0.6
COMPILED = 0.6


def make(torch):
    return training_step(torch, vocabulary=65, layers=4, heads=4, width=128, context=64, batch=12)

"""Evaluates the left column of the tables of docs/patterns.md with NumPy, einops and PyTorch, and prints the block of
the right column with what must come out: python3 tests/docs/patterns.py docs/patterns.md

Run by hand when a row changes; the block is compiled and run by the tests."""
import re
import sys

import numpy as np
import torch
from einops import rearrange, repeat

x = np.arange(24).reshape(2, 3, 4)
a = np.arange(6).reshape(2, 3)
b = 10 + a
i = torch.tensor(1)


class F:
    embedding = staticmethod(lambda i, table: torch.nn.functional.embedding(i, torch.tensor(table)).numpy())


for line in open(sys.argv[1]):
    row = re.fullmatch(r"\| `(.*)` \| `(vt::.*)` \|\n", line)
    if row:
        result = eval(row[1])
        shape = ", ".join(map(str, result.shape))
        values = ", ".join(map(str, result.ravel()))
        print(f"same<{shape}>({row[2]},\n     {{{values}}});")

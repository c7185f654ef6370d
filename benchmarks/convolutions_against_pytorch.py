# convolutions_against_pytorch.py - forward and backward of convolutions, vitrail's and PyTorch's in turn (fp32, the same threads).
# usage: OMP_NUM_THREADS=2 python3 benchmarks/convolutions_against_pytorch.py build/release/benchmarks [rounds]
import json
import os
import statistics
import subprocess
import sys
import time

import torch

programs, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))


def theirs(what, batch, channels, extent, out, kernel, stride):
    x, weight = torch.randn(batch, channels, extent, extent), torch.randn(out, channels, kernel, kernel)
    bias, padding = torch.randn(out), kernel // 2
    y = torch.nn.functional.conv2d(x, weight, bias, stride, padding)
    mask = [what == "input_gradient", what == "weight_gradient", False]

    def run():
        if what == "forward":
            torch.nn.functional.conv2d(x, weight, bias, stride, padding)
        else:
            torch.ops.aten.convolution_backward(y, x, weight, [out], [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1, mask)

    with torch.inference_mode():
        for _ in range(3):
            run()
        times = []
        start = time.perf_counter()
        while time.perf_counter() - start < 0.5:
            before = time.perf_counter()
            run()
            times.append(time.perf_counter() - before)
    return statistics.median(times)


def ours(filter):
    out = subprocess.run([f"{programs}/benchmark_convolutions", f"--benchmark_filter={filter}", "--benchmark_format=json",
                          "--benchmark_min_time=0.5"], capture_output=True, text=True, check=True).stdout
    return {b["name"].removesuffix("/real_time"): b["real_time"] * 1e-9 for b in json.loads(out)["benchmarks"]}


results = {}
for _ in range(rounds):
    for what in ("forward", "input_gradient", "weight_gradient"):
        for name, seconds in ours(f"^{what}/").items():
            arguments = [int(a) for a in name.split("/")[1:]]
            results.setdefault(name, []).append((seconds, theirs(what, *arguments)))
print(f"ms, {torch.get_num_threads()} threads, {rounds} rounds: median; ratio of speeds; torch {torch.__version__}")
for name, times in results.items():
    ratios = [b / a for a, b in times]
    print(f"{name:36} vitrail {1e3 * statistics.median(a for a, _ in times):8.2f}  PyTorch "
          f"{1e3 * statistics.median(b for _, b in times):8.2f}  ratio {statistics.median(ratios):.2f} "
          f"({min(ratios):.2f} ... {max(ratios):.2f})")

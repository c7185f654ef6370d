# against_pytorch.py - vitrail's benchmark programs and PyTorch eager (timm's VisionTransformer, fp32, the same threads) in turn.
# The row of LoRA needs peft.
# usage: OMP_NUM_THREADS=2 python3 benchmarks/against_pytorch.py build/release/benchmarks [rounds [part of a name]]
import json
import os
import statistics
import subprocess
import sys
import time

import torch
from timm.models.swin_transformer import swin_tiny_patch4_window7_224
from timm.models.vision_transformer import VisionTransformer, vit_base_patch16_224, vit_tiny_patch16_224

programs, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
part = sys.argv[3] if len(sys.argv) > 3 else ""
threads = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count()))
torch.set_num_threads(threads)


def small():
    return VisionTransformer(img_size=28, patch_size=4, in_chans=1, num_classes=10, embed_dim=64, depth=4, num_heads=4, mlp_ratio=2)


def tuned():
    import peft

    net = vit_base_patch16_224(num_classes=100)
    return peft.get_peft_model(net, peft.LoraConfig(r=8, lora_alpha=8, target_modules=["qkv"], modules_to_save=["head"]))


def training(make, size, channels, classes, batch):
    net = make().train()
    optimiser = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=1e-3, fused=True)
    x, y = torch.randn(batch, channels, size, size), torch.randint(0, classes, (batch,))

    def step():
        optimiser.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(net(x), y).backward()
        optimiser.step()

    return step, batch


def inference(make, batch):
    net = make().eval()
    x = torch.randn(batch, 3, 224, 224)

    def step():
        with torch.inference_mode():
            net(x)

    return step, batch


works = {
    "training/d64/64": ("training", lambda: training(small, 28, 1, 10, 64)),
    "training/d64/8": ("training", lambda: training(small, 28, 1, 10, 8)),
    "training/vit_tiny_patch16_224/8": ("training", lambda: training(vit_tiny_patch16_224, 224, 3, 1000, 8)),
    "inference/vit_base_patch16_224/1": ("inference", lambda: inference(vit_base_patch16_224, 1)),
    "inference/vit_base_patch16_224/8": ("inference", lambda: inference(vit_base_patch16_224, 8)),
    "training/swin_tiny/8": ("swin", lambda: training(swin_tiny_patch4_window7_224, 224, 3, 1000, 8)),
    "inference/swin_tiny/8": ("swin", lambda: inference(swin_tiny_patch4_window7_224, 8)),
    "tuning/lora/8": ("tuning", lambda: training(tuned, 224, 3, 100, 8)),
    "tuning/full/8": ("tuning", lambda: training(lambda: vit_base_patch16_224(num_classes=100), 224, 3, 100, 8)),
}


def ours(program, name):
    out = subprocess.run([f"{programs}/benchmark_{program}", f"--benchmark_filter=^{name}/real_time$", "--benchmark_format=json",
                          "--benchmark_min_time=2"], capture_output=True, text=True, check=True).stdout
    return json.loads(out)["benchmarks"][0]["images/s"]


def theirs(step, batch):
    for _ in range(2):
        step()
    start, steps = time.perf_counter(), 0
    while time.perf_counter() - start < 2:
        step()
        steps += 1
    return steps * batch / (time.perf_counter() - start)


print(f"images/s, {threads} threads, fp32, {rounds} rounds: best and median; torch {torch.__version__}")
for name, (program, make) in works.items():
    if part not in name:
        continue
    step, batch = make()
    a, b = [], []
    for _ in range(rounds):
        a.append(ours(program, name))
        b.append(theirs(step, batch))
    ratio = [x / y for x, y in zip(a, b)]
    print(f"{name:36} vitrail {max(a):8.1f} {statistics.median(a):8.1f}  PyTorch {max(b):8.1f} {statistics.median(b):8.1f}  "
          f"ratio of best {max(a) / max(b):.2f}, of medians {statistics.median(a) / statistics.median(b):.2f}, "
          f"of rounds {min(ratio):.2f} ... {max(ratio):.2f}", flush=True)

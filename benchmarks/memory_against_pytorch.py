# memory_against_pytorch.py - peak memory (resident set) of one process per side that does the same training steps: forward,
# backward and AdamW of ViT-B/16 on 8 images, fp32. Data (5 MB) is a part of both; so are program and libraries, which PyTorch's
# first line shows.
# usage: OMP_NUM_THREADS=2 python3 benchmarks/memory_against_pytorch.py build/release/benchmarks
import json
import os
import resource
import subprocess
import sys

if sys.argv[1] == "--pytorch":
    import torch
    from timm.models.vision_transformer import vit_base_patch16_224

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))
    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024e-6
    libraries = peak()
    net = vit_base_patch16_224().train()
    if sys.argv[2] == "blocks":
        net.set_grad_checkpointing()
    if sys.argv[2] == "probe":
        net.requires_grad_(False)
        net.head.requires_grad_(True)
    optimiser = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=1e-3, fused=True)
    x, y = torch.randn(8, 3, 224, 224), torch.arange(8)
    for _ in range(3):
        optimiser.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(net(x), y).backward()
        optimiser.step()
    print(json.dumps([libraries, peak()]))
    sys.exit()


def run(*command):
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


print("peak resident MB (10^6 bytes), ViT-B/16, batch 8, fp32")
for row, way in [("training/base/keep_all", "keep"), ("training/base/default", "keep"), ("training/base/blocks", "blocks"),
                 ("probe_step", "probe")]:
    ours = run(f"{sys.argv[1]}/benchmark_memory", f"--benchmark_filter=^{row}/8/", "--benchmark_format=json",
               "--benchmark_min_time=0.01")["benchmarks"][0]
    libraries, theirs = run(sys.executable, __file__, "--pytorch", way)
    print(f"{row:24} vitrail {ours['peak RSS MB']:6.0f} (arena {ours['arena MB']:5.0f})   PyTorch {theirs:6.0f} (after import "
          f"{libraries:4.0f}, {'checkpointed blocks' if way == 'blocks' else way})", flush=True)

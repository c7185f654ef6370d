"""gpu_against_pytorch.py: timm's ViTs on a CUDA device, eager and compiled, fp32, TF32 and bf16, inference and training with
AdamW: images per second, as benchmark_backends_gpu has them. Needs torch and timm."""
import sys
import time

import timm
import torch

MODELS = {"ViT-Ti/16": ("vit_tiny_patch16_224", (1, 8, 64)), "ViT-B/16": ("vit_base_patch16_224", (1, 8, 256)),
          "ViT-L/16": ("vit_large_patch16_224", (1, 64))}


def rate(run, batch):
    for _ in range(5):
        run()
    torch.cuda.synchronize()
    best = 0
    for _ in range(3):
        start, rounds = time.perf_counter(), 0
        while time.perf_counter() - start < 1:
            run()
            torch.cuda.synchronize()
            rounds += 1
        best = max(best, rounds * batch / (time.perf_counter() - start))
    return best


def main():
    if not torch.cuda.is_available():
        sys.exit("skipped: no CUDA device")
    print(torch.cuda.get_device_name(), "PyTorch", torch.__version__)
    for label, (name, batches) in MODELS.items():
        for precision in ("fp32", "tf32", "bf16"):
            torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
            cast = torch.autocast("cuda", torch.bfloat16, enabled=precision == "bf16")
            for mode in ("eager", "compiled"):
                for batch in batches:
                    model = timm.create_model(name).cuda()
                    call = torch.compile(model) if mode == "compiled" else model
                    optimiser = torch.optim.AdamW(model.parameters(), fused=True)
                    x = torch.randn(batch, 3, 224, 224, device="cuda")
                    y = torch.arange(batch, device="cuda") % 10

                    def infer():
                        with torch.no_grad(), cast:
                            call(x)

                    def train():
                        optimiser.zero_grad(set_to_none=True)
                        with cast:
                            loss = torch.nn.functional.cross_entropy(call(x), y)
                        loss.backward()
                        optimiser.step()

                    model.eval()
                    inference = rate(infer, batch)
                    model.train()
                    print(f"{label} {precision} {mode} batch {batch}: inference {inference:.1f}, training "
                          f"{rate(train, batch):.1f} images/s", flush=True)


if __name__ == "__main__":
    main()

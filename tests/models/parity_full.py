# parity_full.py CLASSIFY [MODEL ...] - compares the program classify with the libraries themselves: builds each model with random
# parameters, none of which can hide another, saves it, runs CLASSIFY --tensor --logits, and compares the logits within 1e-4 of their largest
# magnitude, and the five best classes. MODEL is timm's name, or torchvision:NAME, or hf:vit-base, hf:swin-tiny, hf:swinv2-tiny. Needs torch,
# timm, torchvision, transformers and safetensors. Not a part of the test suite: it downloads nothing, but builds models of full size.
import pathlib
import subprocess
import sys
import tempfile

import safetensors.torch
import torch

classes = 1000
torchvision_names = {"vit_b_16": "vit_base_patch16_224", "vit_l_16": "vit_large_patch16_224", "swin_t": "swin_tiny_patch4_window7_224",
                     "swin_s": "swin_small_patch4_window7_224", "swin_b": "swin_base_patch4_window7_224",
                     "swin_v2_t": "swinv2_tiny_window8_256"}


def build(name):
    """The model, the key map and timm's name of the model, and the size of its images."""
    library, _, rest = name.rpartition(":")
    if not library:
        import timm

        net = timm.create_model(name, num_classes=classes)
        return net, "timm", name, net.pretrained_cfg["input_size"][-1]
    if library == "torchvision":
        import torchvision

        return torchvision.models.get_model(rest, num_classes=classes), library, torchvision_names[rest], 256 if "v2" in rest else 224
    import transformers as t

    if rest == "vit-base":
        return t.ViTForImageClassification(t.ViTConfig(num_labels=classes)), "hf", "vit_base_patch16_224", 224
    if rest == "swin-tiny":
        return t.SwinForImageClassification(t.SwinConfig(num_labels=classes)), "hf", "swin_tiny_patch4_window7_224", 224
    if rest == "swinv2-tiny":
        config = t.Swinv2Config(image_size=256, window_size=8, num_labels=classes)
        return t.Swinv2ForImageClassification(config), "hf", "swinv2_tiny_window8_256", 256
    sys.exit(f"parity_full.py: no model is called {name}")


def randomise(net):
    """Weights that keep the size of activations, norms around 1, and everything else (biases, tokens, tables) away from its start."""
    for name, p in net.named_parameters():
        if p.ndim > 1 and min(p.shape[0], p[0].numel()) > 4 and "pos" not in name and "token" not in name and "table" not in name:
            p.data.normal_(0, p[0].numel() ** -0.5)
        elif p.ndim == 1 and name.endswith("weight"):
            p.data.normal_(1, 0.2)
        elif "logit_scale" not in name:
            p.data.normal_(0, 0.2)
        else:
            p.data.normal_(2, 0.3)


def compare(program, name, folder):
    torch.manual_seed(3)
    net, keys, model, size = build(name)
    randomise(net)
    net.eval()
    weights, images, found = (str(folder / f) for f in ("model.safetensors", "images.safetensors", "logits.safetensors"))
    if keys == "hf":  # as users get it, under the names in files
        net.save_pretrained(folder)
    else:
        safetensors.torch.save_file({k: v.contiguous() for k, v in net.state_dict().items()}, weights)
    x = torch.randn(4, 3, size, size)
    safetensors.torch.save_file({"images": x}, images)
    command = [program, "--model", model, "--weights", weights, "--keys", keys, "--tensor", images, "--logits", found, "--batch", "4"]
    out = subprocess.run(["/usr/bin/time", "-f", "peak %M KB"] + command, capture_output=True, text=True)
    if out.returncode:
        sys.exit(out.stdout + out.stderr)
    with torch.no_grad():
        expected = net(x)
    expected = getattr(expected, "logits", expected)
    logits = safetensors.torch.load_file(found)["logits"]
    error = ((logits - expected).abs().max() / expected.abs().max()).item()
    same = torch.equal(logits.topk(5).indices, expected.topk(5).indices)
    loaded = out.stdout.splitlines()[0].rpartition("loaded in ")[2]
    megabytes = pathlib.Path(weights).stat().st_size / 1e6
    print(f"{name:36} error {error:.1e}  top-5 {'same' if same else 'DIFFER'}  loaded in {loaded}  file {megabytes:.0f} MB  {out.stderr.strip()}")
    return error < 1e-4 and same


program = sys.argv[1]
names = sys.argv[2:] or ["vit_tiny_patch16_224", "vit_small_patch16_224", "vit_base_patch16_224", "deit_tiny_patch16_224",
                         "deit_small_patch16_224", "torchvision:vit_b_16", "hf:vit-base"]
with tempfile.TemporaryDirectory() as temporary:
    good = [compare(program, name, pathlib.Path(temporary)) for name in names]
sys.exit(not all(good))

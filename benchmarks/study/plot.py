# plot.py - the tables of docs/tuning_study.md, and its figure: plot.py study.csv docs/tuning_study.svg. Needs matplotlib.
import collections
import csv
import statistics
import sys

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "study", "font.size": 8})
import matplotlib.pyplot as plt

names = {"vit_fashion": "ViT, Fashion-MNIST", "swin_fashion": "Swin, Fashion-MNIST", "vit_drawn": "ViT, drawn shapes"}
tests = collections.defaultdict(lambda: collections.defaultdict(dict))  # subject, method, images -> [accuracy]
search = collections.defaultdict(dict)  # subject, method -> {rate: accuracy}
sizes = {}  # subject, method -> trainable share, arena, speed
rates = {}
with open(sys.argv[1]) as file:
    for row in csv.DictReader(file):
        key, accuracy = (row["subject"], row["method"]), 100 * float(row["accuracy"])
        if row["stage"] == "base":
            print(f"{row['subject']}: the base's own classes, {accuracy:.2f} %")
        elif row["stage"] == "search":
            search[key][float(row["rate"])] = accuracy
        else:
            tests[row["subject"]][row["method"]].setdefault(int(row["images"]), []).append(accuracy)
            rates[key] = float(row["rate"])
            share = 100 * int(row["trainable"]) / int(row["parameters"])
            sizes.setdefault(key, (share, int(row["arena_bytes"]), []))[2].append(float(row["images_per_second"]))


def shown(values):
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}{spread}" if values else ""


for subject, methods in tests.items():
    images = sorted({n for found in methods.values() for n in found})
    print(f"\n{subject}\n| method | " + " | ".join(f"{n:,} images" for n in images), end="")
    print(" | rate | trains, % | arena, MB | images/s |\n|---|" + "--:|" * (len(images) + 4))
    for method, found in methods.items():
        share, arena, speed = sizes[subject, method]
        cells = [shown(found.get(n, [])) for n in images]
        print(f"| {method} | " + " | ".join(cells), end="")
        print(f" | {rates[subject, method]:.2g} | {share:.2f} | {arena / 1e6:.1f} | {statistics.median(speed):,.0f} |")

searched = [s for s in tests if (s, "probe") in search]  # with every method
columns = 2
rows = -(-(len(tests) + len(searched)) // columns)
figure, axes = plt.subplots(rows, columns, figsize=(4.6 * columns, 3.7 * rows), layout="constrained", squeeze=False)
axes = list(axes.flat)
colours = {60: "#c26a2b", 600: "#2b6ac2", 6000: "#2b8a57"}
for axis, (subject, methods) in zip(axes, tests.items()):
    order = sorted(methods, key=lambda m: statistics.mean(methods[m].get(600, [0])))
    labelled = set()
    for y, method in enumerate(order):
        for n, values in sorted(methods[method].items()):
            mean = statistics.mean(values)
            error = [[mean - min(values)], [max(values) - mean]]
            label = None if n in labelled else f"{n:,} images"
            labelled.add(n)
            axis.errorbar(mean, y, xerr=error, fmt="o", ms=3.5, lw=1, color=colours[n], label=label)
    axis.set_yticks(range(len(order)), order)
    axis.set_title(f"{names[subject]}: mean and range of the seeds", fontsize=8)
    axis.set_xlabel("test accuracy, %")
    axis.grid(axis="x", alpha=0.3)
    axis.set_ylim(-0.7, len(order) + 0.8)
    axis.legend(loc="upper center", ncols=3, fontsize=7)
for axis, subject in zip(axes[len(tests) :], searched):
    for method in ("full", "probe", "LoRA, r 2", "LoRA, r 8", "LoRA, r 32", "AdaptFormer, 8", "prompts, 8"):
        axis.plot(*zip(*sorted(search[subject, method].items())), "o-", ms=3, lw=1, label=method)
    axis.set_xscale("log")
    axis.set_title(f"{names[subject]}: rates tried at 600 images", fontsize=8)
    axis.set_xlabel("learning rate")
    axis.set_ylabel("validation accuracy, %")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=7)
for axis in axes[len(tests) + len(searched) :]:
    axis.remove()
figure.savefig(sys.argv[2], metadata={"Date": None})

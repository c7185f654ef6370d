"""backends.py RESULTS.json ... [--plot FILE.svg]: one table, and one plot, of what the programs benchmark_backends and
benchmark_backends_gpu* wrote with --benchmark_out=RESULTS.json: images per second by backend, and the factor between the
best of the host and the best of the GPU. The plot needs matplotlib."""
import argparse
import collections
import json


def read(paths):
    rates = collections.OrderedDict()
    for path in paths:
        with open(path) as file:
            for run in json.load(file)["benchmarks"]:
                if run.get("run_type") == "aggregate" and run["aggregate_name"] != "median":
                    continue
                work, backend, batch = run["name"].rsplit("/real_time", 1)[0].rsplit("/", 2)
                rates.setdefault((work, int(batch)), {})[backend] = run["images/s"]
    return rates


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", nargs="+")
    parser.add_argument("--plot")
    options = parser.parse_args()
    rates = read(options.results)
    backends = sorted({backend for row in rates.values() for backend in row}, key=lambda name: (name[:3] == "gpu", name))
    print("| work | batch | " + " | ".join(backends) + " | gpu / host |")
    print("|---|--:|" + "--:|" * (len(backends) + 1))
    factors = {}
    for (work, batch), row in rates.items():
        on_gpu = [rate for backend, rate in row.items() if backend.startswith("gpu")]
        on_host = [rate for backend, rate in row.items() if not backend.startswith("gpu")]
        factor = max(on_gpu) / max(on_host) if on_gpu and on_host else None
        if factor:
            factors[f"{work}, {batch}"] = factor
        cells = [f"{row[backend]:,.4g}" if backend in row else "" for backend in backends]
        print(f"| {work} | {batch} | " + " | ".join(cells) + f" | {f'{factor:.2f}' if factor else ''} |")
    if options.plot:
        import matplotlib

        matplotlib.use("svg")
        import matplotlib.pyplot as plot

        figure, axes = plot.subplots(figsize=(8, 0.3 * len(rates) + 1))
        names = list(factors) or [f"{work}, {batch}" for work, batch in rates]
        values = list(factors.values()) or [max(row.values()) for row in rates.values()]
        axes.barh(names, values)
        axes.set_xscale("log")
        axes.axvline(1, color="black")
        axes.set_xlabel("GPU over host" if factors else "images per second, best backend")
        axes.invert_yaxis()
        figure.tight_layout()
        figure.savefig(options.plot)


if __name__ == "__main__":
    main()

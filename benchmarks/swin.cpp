// swin.cpp - images per second of Swin-T: a training step (forward, backward, AdamW), inference, and where a step's
// time goes.
#include <benchmark/benchmark.h>

#include "steps.hpp"

using Swin = vt::Swin_T<>;

BENCHMARK(training<Swin>)->Name("training/swin_tiny")->Arg(8)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(profile<Swin>)->Name("profile/swin_tiny")->Arg(8)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(inference<Swin>)->Name("inference/swin_tiny")->Arg(1)->Arg(8)->Unit(benchmark::kMillisecond)->UseRealTime();

BENCHMARK_MAIN();

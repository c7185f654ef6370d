// backends_gpu.cu - what backends.cpp measures, on a GPU in float.
#include <benchmark/benchmark.h>

#include <vitrail/nn/policy_gpu.hpp>

#include "backends.hpp"

int main(int count, char** arguments) {
  using namespace backends;
  add_operations<vt::gpu>("gpu");
  add_model<ViT_d64<vt::gpu>>("d64", "gpu", {16, 256});
  add_model<vt::ViT_Ti16<vt::gpu>>("ViT-Ti/16", "gpu", {1, 8, 64});
  add_model<vt::ViT_B16<vt::gpu>>("ViT-B/16", "gpu", {1, 8, 256});
  add_model<vt::ViT_L16<vt::gpu>>("ViT-L/16", "gpu", {1, 64});
  benchmark::Initialize(&count, arguments);
  benchmark::RunSpecifiedBenchmarks();
}

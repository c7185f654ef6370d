// backends_gpu_bf16.cu - what backends.cpp measures, on a GPU with products of bf16.
#include <benchmark/benchmark.h>

#include <vitrail/nn/policy_gpu.hpp>

#include "backends.hpp"

int main(int count, char** arguments) {
  using namespace backends;
  add_model<ViT_d64<vt::gpu_bf16>>("d64", "gpu_bf16", {16, 256});
  add_model<vt::ViT_B16<vt::gpu_bf16>>("ViT-B/16", "gpu_bf16", {1, 8, 256});
  add_model<vt::ViT_L16<vt::gpu_bf16>>("ViT-L/16", "gpu_bf16", {1, 64});
  benchmark::Initialize(&count, arguments);
  benchmark::RunSpecifiedBenchmarks();
}

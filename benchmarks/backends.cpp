// backends.cpp - operations and ViTs on the host's backends: Serial, OpenMP, and Thrust on OpenMP. Large models run on
// OpenMP alone. backends_gpu.cu has the GPU's.
#include <benchmark/benchmark.h>

#include <vitrail/nn/policy_serial.hpp>
#include <vitrail/nn/policy_thrust.hpp>

#include "backends.hpp"

int main(int count, char** arguments) {
  using namespace backends;
  add_operations<vt::serial>("serial");
  add_operations<vt::cpu>("openmp");
  add_operations<vt::thrust_host>("thrust");
  add_model<ViT_d64<vt::serial>>("d64", "serial", {16});
  add_model<ViT_d64<vt::thrust_host>>("d64", "thrust", {16});
  add_model<ViT_d64<vt::cpu>>("d64", "openmp", {16, 256});
  add_model<vt::ViT_Ti16<vt::cpu>>("ViT-Ti/16", "openmp", {1, 8, 64});
  add_model<vt::ViT_B16<vt::cpu>>("ViT-B/16", "openmp", {1, 8});
  add_model<vt::ViT_L16<vt::cpu>>("ViT-L/16", "openmp", {1});
  benchmark::Initialize(&count, arguments);
  benchmark::RunSpecifiedBenchmarks();
}

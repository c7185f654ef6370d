// summary.hpp - what a model consists of and what it costs, module by module, as torchinfo shows it. Needs no values:
// a model that would not fit into memory can be looked at.
#pragma once

#include <cstddef>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "../autodiff/step.hpp"
#include "../nn/memory_cost.hpp"
#include "module_tree.hpp"
#include "text_table.hpp"

namespace vitrail::inline VITRAIL_TU {

// A module and all that is in it. FLOPs and bytes are of the whole batch.
struct ModuleSummary {
  std::string path, name, type;     // "blocks.3.attn", "attn", "Attention"
  std::size_t depth = 0;            // 0: the model
  std::vector<std::size_t> output;  // shape per sample of its first result; empty if it is never called as a whole
  std::size_t parameters = 0, trainable = 0, forward_flops = 0, backward_flops = 0;
  std::size_t saved_bytes = 0;  // that its forward leaves for backward
};

struct Summary {
  std::size_t batch = 0;
  std::vector<ModuleSummary> modules;  // the model first, then in the order of visit
  std::size_t parameter_bytes = 0, training_arena = 0, inference_arena = 0;
  std::size_t shown_depth = 3;

  // A line per module down to shown_depth.
  friend std::ostream& operator<<(std::ostream& out, const Summary& summary) {
    detail::TextTable table(
        {"module", "type", "output", "parameters", "trainable", "forward FLOPs", "backward FLOPs", "saved bytes"}, 2);
    for (const ModuleSummary& m : summary.modules) {
      if (m.depth > summary.shown_depth) continue;
      std::string shape;
      for (const std::size_t extent : m.output) shape += (shape.empty() ? "" : ", ") + std::to_string(extent);
      table.add({detail::indented_name(m, "(model)"), m.type, shape.empty() ? "" : "[" + shape + "]",
                 detail::grouped(m.parameters), detail::grouped(m.trainable),
                 detail::rounded(static_cast<double>(m.forward_flops)),
                 detail::rounded(static_cast<double>(m.backward_flops)),
                 detail::rounded(static_cast<double>(m.saved_bytes))});
    }
    auto bytes = [](std::size_t n) { return detail::rounded(static_cast<double>(n)) + "B"; };
    return out << table << "batch of " << summary.batch << ", parameters " << bytes(summary.parameter_bytes)
               << ", arena for training " << bytes(summary.training_arena) << ", for inference "
               << bytes(summary.inference_arena) << '\n';
  }
};

namespace detail {

// "Attention" of vitrail::Attention<192, 3, vitrail::cpu>.
template <class M>
std::string type_name() {
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("M = ") + 4);
  text = text.substr(0, text.find_first_of("<;]"));
  const std::size_t colons = text.rfind("::");
  return std::string(colons == text.npos ? text : text.substr(colons + 2));
}

// The rows of all modules, without what a trace tells.
template <class M>
std::vector<ModuleSummary> module_summaries(const M& module, std::vector<NamedModule>& modules) {
  std::vector<ModuleSummary> known;
  auto add = [&](const std::string& path, const auto& member) {
    using Member = std::remove_cvref_t<decltype(member)>;
    if constexpr (!is_parameter<Member>) {
      modules.push_back({path, id_of(member)});
      ModuleSummary& row = known.emplace_back();
      row.type = type_name<Member>();
      row.parameters = parameter_count<Member>();
      row.trainable = trainable_count<Member>();
    }
  };
  add("", module);
  each_named_member(module, "", add);
  return module_rows<ModuleSummary>(modules, [&](ModuleSummary& row, std::size_t i) {
    row.type = known[i].type;
    row.parameters = known[i].parameters;
    row.trainable = known[i].trainable;
  });
}

}  // namespace detail

// `std::cout << vt::summary<vt::ViT_B16<>>(8);` for a batch of 8; set shown_depth for more or fewer lines. The arenas
// are those of arena_bytes<M, training> and arena_bytes<M, inference>.
template <class M>
Summary summary(std::size_t batch, const Planning& planning = {}) {
  M module{};
  std::vector<NamedModule> modules;
  Summary summary{.batch = batch, .modules = detail::module_summaries(module, modules)};
  auto& rows = summary.modules;
  const auto schedule = std::make_unique<detail::Schedule>();
  const Trace& trace = schedule->trace;
  const Plan& plan = schedule->plan;
  detail::plan_step_of<training>(module, schedule->trace, schedule->plan, planning, &schedule->scopes);
  summary.training_arena = plan.arena.of(batch);
  summary.parameter_bytes = rows[0].parameters * sizeof(typename M::policy::value);

  const std::vector<std::string> paths = schedule->scopes.paths(modules);
  const int turn = static_cast<int>(trace.operations.size());
  for (std::size_t k = 0; k < trace.operations.size(); ++k) {
    if (schedule->scopes.of_operation[k] < 0) continue;  // the loss
    const OperationRecord& operation = trace.operations[k];
    const std::size_t count = operation.batched ? batch : 1;
    std::size_t saved = 0;
    for (const Place* place :
         {&plan.value[static_cast<std::size_t>(operation.output)], &plan.state[k].per_sample, &plan.state[k].fixed}) {
      if (place->first < turn && place->last >= turn) saved += place->bytes * (place->batched ? batch : 1);
    }
    detail::each_row_around(rows, paths[k], [&](ModuleSummary& row) {
      row.forward_flops += count * operation.facts.flops;
      if (operation.tracked) row.backward_flops += count * operation.facts.backward_flops;
      row.saved_bytes += saved;
    });
  }
  for (const Scope& call : schedule->scopes.calls) {
    for (const NamedModule& m : modules) {
      if (m.id != call.module) continue;
      for (ModuleSummary& row : rows) {
        if (row.path == m.path && row.output.empty()) row.output = call.output;
      }
    }
  }
  rows[0].output = schedule->scopes.calls[0].output;  // the call of M itself, under the type of its base
  const auto forward_only = std::make_unique<detail::Schedule>();
  detail::plan_step_of<inference>(module, forward_only->trace, forward_only->plan, planning);
  summary.inference_arena = forward_only->plan.arena.of(batch);
  return summary;
}

}  // namespace vitrail::inline VITRAIL_TU

// memory_plan.cpp - nobody's memory is given away too early: plans of random steps are played on memory that remembers
// who wrote it last.
#include "catch.hpp"

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <vitrail/autodiff/plan_step.hpp>
#include <vitrail/models/vit.hpp>
#include <vitrail/nn/cost.hpp>

namespace vt = vitrail;

namespace {

// Both regions of an arena in units of 64 bytes; each holds the name of its last writer.
class Memory {
 public:
  explicit Memory(const vt::Plan& plan) : cells_{Cells(plan.arena.fixed / 64), Cells(plan.arena.batched / 64)} {}

  void write(const vt::Place& place, const std::string& who) {
    each(place, [&](std::string& cell) { cell = who; });
  }
  void read(const vt::Place& place, const std::string& who, const std::string& reader) {
    each(place, [&](std::string& cell) {
      if (cell != who) problems += reader + " reads " + who + ", finds " + cell + "\n";
    });
  }
  std::string problems;

 private:
  using Cells = std::vector<std::string>;
  template <class F>
  void each(const vt::Place& place, F f) {
    auto& cells = cells_[place.batched];
    const std::size_t end = (place.offset + place.bytes) / 64;
    if (place.offset % 64 || place.bytes % 64 || end > cells.size()) {
      problems += "a place is outside the arena\n";
      return;
    }
    for (std::size_t i = place.offset / 64; i < end; ++i) f(cells[i]);
  }
  Cells cells_[2];
};

// Plays the events of a plan; returns what went wrong.
class Player {
 public:
  Player(const vt::Trace& trace, const vt::Plan& plan, int loss) : t_(trace), p_(plan), loss_(loss), memory_(plan) {}

  std::string play() {
    const auto forward_events = t_.operations.size();
    for (std::size_t e = 0; e < p_.events.size(); ++e) {
      if (e == forward_events) memory_.write(gradient(loss_), name("gradient", p_.gradient_of[at(loss_)]));
      const vt::Event event = p_.events[e];
      const auto k = static_cast<std::size_t>(event.operation);
      if (event.kind == vt::Event::forward) forward(k);
      if (event.kind == vt::Event::again) again(k);
      if (event.kind == vt::Event::backward) backward(k);
    }
    for (std::size_t v = 0; v < t_.values.size(); ++v) {
      if (t_.values[v].kept && t_.values[v].producer >= 0) {
        memory_.read(p_.value[at(p_.value_of[v])], name("value", static_cast<int>(v)), "the caller");
      }
    }
    return memory_.problems;
  }

 private:
  static std::size_t at(int v) { return static_cast<std::size_t>(v); }
  static std::string name(const char* what, int number) { return what + (" " + std::to_string(number)); }
  const vt::Place& gradient(int v) const { return p_.gradient[at(p_.gradient_of[at(v)])]; }
  bool in_arena(int v) const { return v >= 0 && t_.values[at(v)].producer >= 0; }

  void both(const vt::PlacePair& pair, const std::string& who, const std::string& reader) {
    for (const vt::Place* place : {&pair.per_sample, &pair.fixed}) {
      reader.empty() ? memory_.write(*place, who) : memory_.read(*place, who, reader);
    }
  }
  void forward(std::size_t k) {
    const vt::OperationRecord& o = t_.operations[k];
    const std::string me = name("forward", static_cast<int>(k));
    both(p_.forward_work[k], "work of " + me, "");
    both(p_.state[k], "state " + std::to_string(k), "");
    for (std::size_t i = 0; i < o.input_count; ++i) {
      if (in_arena(o.inputs[i])) {
        memory_.read(p_.value[at(p_.value_of[at(o.inputs[i])])], name("value", o.inputs[i]), me);
      }
    }
    memory_.write(p_.value[at(p_.value_of[at(o.output)])], name("value", o.output));
    both(p_.forward_work[k], "work of " + me, me);
  }
  void again(std::size_t k) {
    const vt::OperationRecord& o = t_.operations[k];
    const std::string me = name("again", static_cast<int>(k));
    both(p_.again_work[k], "work of " + me, "");
    both(p_.state_again[k], "state " + std::to_string(k), "");
    for (std::size_t i = 0; i < o.input_count; ++i) read_in_backward(o.inputs[i], me);
    memory_.write(p_.at_backward(at(o.output)), name("value", o.output));
    both(p_.again_work[k], "work of " + me, me);
  }
  void backward(std::size_t k) {
    const vt::OperationRecord& o = t_.operations[k];
    const std::string me = name("backward", static_cast<int>(k));
    both(p_.backward_work[k], "work of " + me, "");
    for (std::size_t i = 0; i < o.input_count; ++i) {
      if ((o.facts.saves >> i) & 1) read_in_backward(o.inputs[i], me);
    }
    if (o.facts.saves & vt::output_bit) read_in_backward(o.output, me);
    both(p_.rerun[k] ? p_.state_again[k] : p_.state[k], "state " + std::to_string(k), me);
    memory_.read(gradient(o.output), name("gradient", p_.gradient_of[at(o.output)]), me);
    for (std::size_t i = 0; i < o.input_count; ++i) {
      const vt::Mode mode = p_.mode[k][i];
      if (mode == vt::Mode::none || at(o.inputs[i]) < t_.parameters) continue;
      const std::string who = name("gradient", p_.gradient_of[at(o.inputs[i])]);
      if (mode == vt::Mode::add || mode == vt::Mode::alias) memory_.read(gradient(o.inputs[i]), who, me);
      memory_.write(gradient(o.inputs[i]), who);
    }
    both(p_.backward_work[k], "work of " + me, me);
  }
  void read_in_backward(int v, const std::string& who) {
    if (in_arena(v)) memory_.read(p_.at_backward(at(v)), name("value", v), who);
  }

  const vt::Trace& t_;
  const vt::Plan& p_;
  int loss_;
  Memory memory_;
};

// A step whose operations save, share, overwrite and recompute at random.
struct RandomStep {
  std::unique_ptr<vt::Trace> trace = std::make_unique<vt::Trace>();
  int loss = -1;

  explicit RandomStep(unsigned seed) {
    std::mt19937 draw(seed);
    auto below = [&](unsigned n) { return static_cast<unsigned>(draw()) % n; };
    trace->parameters = 2;
    for (int i = 0; i < 2; ++i) trace->values.push_back({16, -1, false, true});
    trace->values.push_back({48, -1, true, false});
    const unsigned operations = 3 + below(24);
    int segment = -1;
    for (unsigned k = 0; k < operations; ++k) {
      const bool last = k + 1 == operations;
      if (below(4) == 0) segment = segment >= 0 || below(2) ? -1 : trace->segments++;
      vt::OperationRecord o;
      o.name = "op";
      o.segment = last ? -1 : segment;
      o.batched = true;
      const auto values = static_cast<unsigned>(trace->values.size());
      o.inputs[o.input_count++] = static_cast<int>(values - 1 - below(std::min(values, 4u)));
      while (o.input_count < 3 && below(2)) o.inputs[o.input_count++] = static_cast<int>(below(values + 1)) - 1;
      for (std::size_t i = 0; i < o.input_count; ++i) {
        const bool tracked = o.inputs[i] >= 0 && trace->values[static_cast<std::size_t>(o.inputs[i])].tracked;
        if (tracked && below(32)) o.tracked_inputs |= 1u << i;  // or it is detached
      }
      o.tracked = o.tracked_inputs || last;
      vt::Facts& f = o.facts;
      f.flops = 1000;
      f.saves = below(8) | (below(4) ? 0 : vt::output_bit);
      f.alias = below(3) ? 0 : below(8);
      f.in_place = below(8);
      f.partial = below(8);
      if (below(2)) f.state = {below(40), below(40)};
      if (below(2)) f.forward_work = {below(40), below(40)};
      if (below(2)) f.backward_work = {below(40), below(40)};
      f.recompute_cost = below(2);
      o.output = static_cast<int>(values);
      trace->operations.push_back(o);
      const bool fixed = last || below(8) == 0;
      trace->values.push_back({last ? 1 : 16 * (1 + below(3)), static_cast<int>(k), !fixed, o.tracked});
      trace->values[values].kept = last || below(8) == 0;
      loss = o.output;
    }
  }
};

}  // namespace

TEST_CASE("plans of random steps: everything is there when it is read") {
  std::map<std::string, int> seen;
  for (unsigned seed = 1; seed <= 4000; ++seed) {
    const RandomStep step(seed);
    auto plan = std::make_unique<vt::Plan>();
    vt::plan_step(*step.trace, step.loss, {4, 4}, *plan, {seed % 3 ? 1e9 : 0.0});
    INFO("seed " << seed);
    REQUIRE(Player(*step.trace, *plan, step.loss).play() == "");
    CHECK(plan->arena.batched >= plan->lower_bound.batched);
    CHECK(plan->arena.fixed >= plan->lower_bound.fixed);
    for (std::size_t k = 0; k < step.trace->operations.size(); ++k) {
      seen[step.trace->operations[k].segment >= 0 ? "segment" : "cheap"] += plan->rerun[k];
    }
    for (std::size_t v = 0; v < step.trace->values.size(); ++v) {
      seen["in place"] += plan->value_of[v] != static_cast<int>(v);
      seen["alias"] += plan->gradient_of[v] != static_cast<int>(v);
    }
  }
  for (const char* what : {"segment", "cheap", "in place", "alias"}) {
    INFO(what);
    CHECK(seen[what] > 500);
  }
}

TEST_CASE("the player finds what is given away too early") {
  int found = 0, tried = 0;
  for (unsigned seed = 1; seed <= 50; ++seed) {
    const RandomStep step(seed);
    auto plan = std::make_unique<vt::Plan>();
    vt::plan_step(*step.trace, step.loss, {4, 4}, *plan);
    // Two values that are alive together share their place.
    for (std::size_t v = 3; v + 1 < step.trace->values.size(); ++v) {
      vt::Place &a = plan->value[v], &b = plan->value[v + 1];
      if (!a.bytes || a.bytes != b.bytes || a.batched != b.batched || a.last <= b.first) continue;
      b.offset = a.offset;
      found += !Player(*step.trace, *plan, step.loss).play().empty();
      ++tried;
      break;
    }
  }
  CHECK(tried > 5);
  CHECK(found == tried);
}

// static_base.hpp - a base and methods whose types are known here, as the program uses them.
#pragma once

#include <vitrail/data/batches.hpp>
#include <vitrail/nn/cost.hpp>
#include <vitrail/train/fit.hpp>
#include <vitrail/train/recipe_of.hpp>

#include "../tuning_bases.hpp"
#include "finetune.hpp"

// The methods are those of the base (tuning_bases.hpp).
template <class B>
class StaticBase final : public Base {
 public:
  using Net = typename B::net;
  using Batches = vt::Batches<typename Net::input, vt::cpu>;

  explicit StaticBase(const Options& o)
      : model_(vt::load<Net>(o.base, {.head = vt::head_policy::keep}, vt::seed{o.seed}, {.threads = o.threads})) {
    name = B::name, channels = Net::input::dims[0], classes = Net::classes, preprocess = B::preprocess(o.base);
    B::methods::each([this]<auto Method>(Named<Method> method) {
      names_.push_back(method.name);
      run_[method.name] = &StaticBase::run<Method>;
    });
  }
  std::vector<std::string> methods() const override { return names_; }
  Row finetune(const std::string& method, const vt::TrainAndTest& data, const Options& o) const override {
    return run_.at(method)(*this, method, data, o);
  }

 private:
  template <auto Method>
  static Row run(const StaticBase& self, const std::string& name, const vt::TrainAndTest& data, const Options& o) {
    auto tuned = vt::tune<Method, vt::head<Net::classes>>(self.model_, vt::seed{o.seed});
    const auto numbers = [&](const std::array<double, 3>& of) {
      return std::vector<double>(of.begin(), of.begin() + static_cast<std::ptrdiff_t>(self.channels));
    };
    const vt::Normalisation normalisation{numbers(self.preprocess.mean), numbers(self.preprocess.deviation)};
    Batches batches(data.train, normalisation, o.batch, {.mirror = o.mirror});
    const Batches test(data.test, normalisation, o.batch);
    vt::Recipe recipe = vt::recipe_of(tuned);
    if (o.rate > 0) recipe.rate = o.rate;
    recipe.epochs = o.epochs, recipe.seed = o.seed;
    recipe.warm_up_epochs = 0.1 * static_cast<double>(o.epochs);
    vt::Progress last;
    recipe.on_epoch = [&](const vt::Progress& p) { last = p; };
    vt::fit(tuned, batches, recipe);
    auto predict = vt::predictor(tuned);
    if (!o.out.empty()) save_tuning<Method>(tuned, std::filesystem::path(o.out) / name, o.base);
    using Module = typename decltype(tuned)::module;
    constexpr std::size_t trainable = vt::trainable_count<Module>();
    return {vt::evaluate(predict, test).top1_share(),
            trainable,
            vt::parameter_count<Module>(),
            trainable * sizeof(float),
            last.arena_bytes,
            last.images_per_second};
  }

  vt::Model<Net> model_;
  std::vector<std::string> names_;
  std::map<std::string, Row (*)(const StaticBase&, const std::string&, const vt::TrainAndTest&, const Options&)> run_;
};

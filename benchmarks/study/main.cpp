// main.cpp - which method of fine-tuning, of which rank, at which rate? Small models learn some classes and are adapted
// to others by every method, in equally many steps, with 60, 600 and 6,000 images. Rates are chosen on validation
// images, with one seed, at 600 images; plot.py makes the figure and the tables of what this writes. It takes an hour
// on one thread.
#include <CLI/CLI.hpp>
#include <array>
#include <cmath>
#include <cstdio>
#include <exception>
#include <map>

#include "results.hpp"
#include "subjects.hpp"

namespace {

struct Options {
  std::string data = "/usr/share/datasets/fashion-mnist", out = "study.csv", bases = ".";
  std::vector<std::string> subjects;
  std::vector<std::size_t> images = {600, 60, 6000};
  std::string rates_of;
  std::size_t steps = 300, seeds = 3;
};

// Half decades: 1e-5, 3.2e-5, 1e-4 ...
double rate_at(int i) { return std::pow(10.0, -5 + 0.5 * i); }
// From the method's own rate uphill, until both neighbours are worse. A tie goes to the smaller rate.
double search_rate(Results& results, const Subject& subject, const Method& method, Setting how) {
  how.validate = true;
  const auto at = [&](int i) {
    how.rate = rate_at(i);
    return results.accuracy(subject, method, how);
  };
  int best = static_cast<int>(std::lround(2 * (std::log10(method.rate) + 5)));
  while (best < 10 && at(best + 1) > at(best)) ++best;
  while (best > 0 && at(best - 1) >= at(best)) --best;
  return rate_at(best);
}

// In the order of what must be there when the time is up.
void study(const Subject& subject, const Options& o, Results& results) {
  std::map<std::string, double> rates;
  Setting how{.steps = o.steps};
  for (const Method& method : subject.methods) {
    rates[method.name] =
        o.rates_of.empty() ? search_rate(results, subject, method, how) : results.best_rate(o.rates_of, method.name);
  }
  for (const std::size_t images : o.images) {
    for (how.seed = 1; how.seed <= o.seeds; ++how.seed) {
      for (const Method& method : subject.methods) {
        how.images = images, how.rate = rates.at(method.name);
        results.accuracy(subject, method, how);
      }
    }
  }
}

template <class S>
Subject start(const Options& o, Results& results) {
  Subject subject{S::name, S::task(o.data)};
  prepare_base<S>(subject, o.bases + "/" + subject.name + ".safetensors");
  results.note_base(subject);
  add_parameters<S>(subject);
  add_low_rank<S>(subject);
  add_low_rank_variants<S>(subject);
  add_adapters<S>(subject);
  add_adapter_variants<S>(subject);
  return subject;
}

void run(const Options& o) {
  const auto wanted = [&](const char* name) {
    return o.subjects.empty() || std::find(o.subjects.begin(), o.subjects.end(), name) != o.subjects.end();
  };
  Results results(o.out);
  if (wanted(FashionViT::name)) {
    Subject vit = start<FashionViT>(o, results);
    add_prompts<FashionViT>(vit);
    study(vit, o, results);
  }
  if (wanted(FashionSwin::name)) study(start<FashionSwin>(o, results), o, results);
  if (wanted(DrawnViT::name)) {
    Subject vit = start<DrawnViT>(o, results);
    add_prompts<DrawnViT>(vit);
    study(vit, o, results);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options o;
  CLI::App app("Compares methods of fine-tuning.");
  app.add_option("--data", o.data, "folder with the files of Fashion-MNIST")->capture_default_str();
  app.add_option("--out", o.out, "table (CSV); what it has is not run again")->capture_default_str();
  app.add_option("--bases", o.bases, "folder of the bases' checkpoints")->capture_default_str();
  app.add_option("--subjects", o.subjects, "some of vit_fashion, swin_fashion, vit_drawn");
  app.add_option("--images", o.images, "training images")->capture_default_str();
  app.add_option("--rates-of", o.rates_of, "take the rates that the table has for this subject, without a search");
  app.add_option("--steps", o.steps, "of 20 images; a multiple of 300")->capture_default_str();
  app.add_option("--seeds", o.seeds)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    run(o);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "study: %s\n", e.what());
    return 1;
  }
}

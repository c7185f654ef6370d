// results.hpp - the study's table: a line for each training, written when it is done. A study that was cut goes on
// from it.
#pragma once

#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>

#include "study.hpp"

class Results {
 public:
  explicit Results(const std::string& path) : path_(path) {
    std::ifstream file(path);
    std::string line;
    if (!std::getline(file, line)) {
      write("subject,stage,method,images,seed,rate,accuracy,trainable,parameters,arena_bytes,images_per_second");
      return;
    }
    while (std::getline(file, line)) {
      std::size_t end = std::string::npos;
      for (int comma = 0; comma < 4; ++comma) end = line.rfind(',', end) - 1;
      const std::size_t begin = line.rfind(',', end) + 1;  // of the accuracy
      known_[line.substr(0, begin)] = std::stod(line.substr(begin));
    }
  }
  // The accuracy of a training: from the table, or by running it.
  double accuracy(const Subject& subject, const Method& method, const Setting& how) {
    char key[256];
    std::snprintf(key, sizeof key, "%s,%s,\"%s\",%zu,%zu,%.3g,", subject.name.c_str(), how.validate ? "search" : "test",
                  method.name.c_str(), how.images, std::size_t(how.seed), how.rate);
    if (const auto found = known_.find(key); found != known_.end()) return found->second;
    const Outcome outcome = method.run(subject.task, how);
    char values[256];
    std::snprintf(values, sizeof values, "%.5f,%zu,%zu,%zu,%.0f", outcome.accuracy, method.trainable, method.parameters,
                  outcome.arena_bytes, outcome.images_per_second);
    write(std::string(key) + values);
    return known_[key] = outcome.accuracy;
  }
  // Of those tried for another subject.
  double best_rate(const std::string& subject, const std::string& method) const {
    const std::string begin = subject + ",search,\"" + method + "\",";
    double best = -1, rate = 0;
    for (auto at = known_.lower_bound(begin); at != known_.end() && at->first.starts_with(begin); ++at) {
      if (at->second <= best) continue;
      best = at->second;
      const std::size_t comma = at->first.rfind(',', at->first.size() - 2);
      rate = std::stod(at->first.substr(comma + 1));
    }
    if (best < 0) throw std::runtime_error(path_ + ": expected rates of " + begin + " found none");
    return rate;
  }
  void note_base(const Subject& subject) {
    char line[256];
    std::snprintf(line, sizeof line, "%s,base,\"\",%zu,1,0.003,", subject.name.c_str(), subject.task.base_train.size());
    if (known_.contains(line)) return;
    write(line + std::to_string(subject.base_accuracy) + ",0,0,0,0");
  }

 private:
  void write(const std::string& line) {
    std::ofstream file(path_, std::ios::app);
    file << line << '\n';
    if (!file.flush()) throw std::runtime_error(path_ + ": cannot be written");
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
  }
  std::string path_;
  std::map<std::string, double> known_;  // by all that comes before the accuracy
};

// obstacle.hpp - why the stream waits at a gate.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace walgate::service {

struct Obstacle {
  std::string relation;                  ///< empty: a migration is waited for
  std::vector<std::string> differences;  ///< for people
  std::optional<std::string> migration;
  std::string remedy;
  bool under_way = false;  ///< the service sees to it; nobody has to act
  friend bool operator==(const Obstacle&, const Obstacle&) = default;
};

}  // namespace walgate::service

#include "apply/history.hpp"

#include <gtest/gtest.h>

namespace walgate::apply {
namespace {

TEST(History, AcceptsAnyPositionAtTheStartOfTheService) {
  EXPECT_TRUE(History{}.may_be_at(Lsn{5}));
}

TEST(History, AcceptsTheDurablePositionAndThoseBeingCommitted) {
  History history;
  history.set_durable(Lsn{10});
  history.boundaries = {Lsn{20}, Lsn{30}};
  for (const auto lsn : {10u, 20u, 30u}) EXPECT_TRUE(history.may_be_at(Lsn{lsn})) << lsn;
  for (const auto lsn : {0u, 9u, 15u, 25u, 31u}) EXPECT_FALSE(history.may_be_at(Lsn{lsn})) << lsn;
}

TEST(History, ForgetsWhatLiesBelowTheDurablePosition) {
  History history;
  history.set_durable(Lsn{10});
  history.boundaries = {Lsn{20}, Lsn{30}, Lsn{40}};
  history.set_durable(Lsn{30});
  EXPECT_FALSE(history.may_be_at(Lsn{10}));
  EXPECT_FALSE(history.may_be_at(Lsn{20}));
  EXPECT_TRUE(history.may_be_at(Lsn{40}));
}

}  // namespace
}  // namespace walgate::apply

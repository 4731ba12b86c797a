#include "postgres/server_error.hpp"

#include <gtest/gtest.h>

namespace walgate::postgres {
namespace {

TEST(ParameterOfContext, ReadsTheNumberInEveryFormOfTheServersLine) {
  EXPECT_EQ(parameter_of_context("unnamed portal parameter $1"), 1u);
  EXPECT_EQ(parameter_of_context("portal \"p\" parameter $12"), 12u);
  EXPECT_EQ(parameter_of_context("unnamed portal parameter $3 = 'a parameter $4'"), 3u);
  EXPECT_EQ(parameter_of_context("PL/pgSQL function f(integer) line 1 at RAISE\nunnamed portal parameter $2"), 2u);
}

TEST(ParameterOfContext, IsNothingForOtherContexts) {
  EXPECT_EQ(parameter_of_context(""), std::nullopt);
  EXPECT_EQ(parameter_of_context("COPY item, line 3, column v"), std::nullopt);
  EXPECT_EQ(parameter_of_context("unnamed portal parameter $"), std::nullopt);
  EXPECT_EQ(parameter_of_context("unnamed portal parameter $0"), std::nullopt);
  EXPECT_EQ(parameter_of_context("unnamed portal parameter $99999999999999999999999"), std::nullopt);
}

}  // namespace
}  // namespace walgate::postgres

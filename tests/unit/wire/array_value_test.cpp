#include "wire/array_value.hpp"

#include <gtest/gtest.h>

#include "wire/frame_builder.hpp"

namespace walgate::wire {
namespace {

TEST(ArrayValue, HoldsOneDimensionWithItsElements) {
  ArrayValue array;
  array.start(17);
  array.add({"gone", 4});
  array.start(25);
  array.add({"ab", 2});
  array.add({nullptr, length_null});
  array.add({"", 0});
  EXPECT_EQ(array.bytes(),
            test::Bytes{}.u32(1).u32(1).u32(25).u32(3).u32(1).u32(2).raw("ab").u32(0xFFFFFFFF).u32(0).data());
}

}  // namespace
}  // namespace walgate::wire

#include "batch/piece_queue.hpp"

#include <gtest/gtest.h>

#include "batch/piece_builder.hpp"

namespace walgate {
namespace {

using test::FrameBuilder;

class PieceQueueTest : public testing::Test {
 protected:
  PieceQueueTest() { [[maybe_unused]] const auto hello = decoder_.decode(FrameBuilder{}.hello().data()); }
  /// A whole transaction of `rows` inserts.
  Piece whole(int rows) {
    auto frame = start(rows);
    frame.commit(lsn_, lsn_ + 0x10);
    return test::piece_of(decoder_, frame.data());
  }
  Piece first(int rows) { return test::piece_of(decoder_, start(rows).data()); }
  Piece middle() { return test::piece_of(decoder_, FrameBuilder{}.insert(1, {"1"}).data()); }
  Piece last(std::uint64_t changes) {
    return test::piece_of(decoder_, FrameBuilder{}.commit(lsn_, lsn_ + 0x10, changes).data());
  }
  void put(PieceQueue& queue, Piece piece) { EXPECT_TRUE(queue.try_put(piece)); }

 private:
  FrameBuilder start(int rows) {
    lsn_ += 0x100;
    FrameBuilder frame;
    frame.begin(7, lsn_, lsn_ + 0x10).relation(1, "item", {"id"}, {"id"});
    for (int i = 0; i < rows; ++i) frame.insert(1, {"1"});
    return frame;
  }
  std::uint64_t lsn_ = 0;

 protected:
  wire::Decoder decoder_;
};

constexpr std::uint64_t plenty = 1 << 30;

TEST_F(PieceQueueTest, GivesWholeTransactionsUpToTheLimit) {
  PieceQueue queue{plenty};
  for (int i = 0; i < 5; ++i) put(queue, whole(10));
  EXPECT_EQ(queue.take({25, plenty}).size(), 2u);
  EXPECT_EQ(queue.take({plenty, plenty}).size(), 3u);
  EXPECT_TRUE(queue.take({plenty, plenty}).empty());
}

TEST_F(PieceQueueTest, GivesATransactionThatIsLargerThanTheLimitAlone) {
  PieceQueue queue{plenty};
  put(queue, whole(100));
  put(queue, whole(1));
  EXPECT_EQ(queue.take({10, plenty}).size(), 1u);
}

TEST_F(PieceQueueTest, CountsTransactionsWhenAsked) {
  PieceQueue queue{plenty};
  for (int i = 0; i < 3; ++i) put(queue, whole(1));
  EXPECT_EQ(queue.take({plenty, plenty, 1}).size(), 1u);
}

TEST_F(PieceQueueTest, NeverAddsATransactionWhoseEndIsMissing) {
  PieceQueue queue{plenty};
  put(queue, whole(1));
  put(queue, first(1));
  put(queue, middle());
  const auto taken = queue.take({plenty, plenty});
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_TRUE(taken[0].is_last());
}

TEST_F(PieceQueueTest, BeginsATransactionWhoseEndIsMissingAndGoesOnPieceByPiece) {
  PieceQueue queue{plenty};
  put(queue, first(1));
  auto taken = queue.take({plenty, plenty});
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_TRUE(taken[0].is_first());
  EXPECT_FALSE(taken[0].is_last());
  EXPECT_FALSE(queue.take_next());
  put(queue, middle());
  put(queue, last(2));
  EXPECT_FALSE(queue.take_next()->is_last());
  EXPECT_TRUE(queue.take_next()->is_last());
}

TEST_F(PieceQueueTest, RefusesWhatDoesNotFitAndSaysWhenThereIsRoom) {
  auto one = whole(10);
  PieceQueue queue{one.cost()};
  EXPECT_TRUE(queue.try_put(one));
  auto two = whole(10);
  EXPECT_FALSE(queue.try_put(two));
  EXPECT_EQ(two.frame.changes.size(), 10u) << "a refused piece is left as it was";
  EXPECT_FALSE(queue.room().is_set());
  EXPECT_EQ(queue.take({plenty, plenty}).size(), 1u);
  EXPECT_TRUE(queue.room().is_set());
  EXPECT_TRUE(queue.try_put(two));
}

TEST_F(PieceQueueTest, TakesAPieceThatIsLargerThanItself) {
  PieceQueue queue{1};
  put(queue, whole(10));
}

TEST_F(PieceQueueTest, GivesTheIdlePositionOnlyBehindAllPieces) {
  PieceQueue queue{plenty};
  put(queue, whole(1));
  queue.put_idle(Lsn{0x500});
  EXPECT_FALSE(queue.take_idle());
  EXPECT_EQ(queue.take({plenty, plenty}).size(), 1u);
  EXPECT_EQ(queue.take_idle(), Lsn{0x500});
  EXPECT_FALSE(queue.take_idle());
}

TEST_F(PieceQueueTest, ForgetsAnIdlePositionThatAPieceFollows) {
  PieceQueue queue{plenty};
  queue.put_idle(Lsn{0x50});
  put(queue, first(1));
  EXPECT_EQ(queue.take({plenty, plenty}).size(), 1u);
  EXPECT_FALSE(queue.take_idle()) << "the transaction is open: its position is not reached";
}

TEST_F(PieceQueueTest, IsExhaustedWhenClosedAndEmpty) {
  PieceQueue queue{plenty};
  put(queue, whole(1));
  EXPECT_FALSE(queue.is_closed());
  queue.close();
  EXPECT_TRUE(queue.is_closed());
  EXPECT_FALSE(queue.is_exhausted());
  EXPECT_EQ(queue.take({plenty, plenty}).size(), 1u);
  EXPECT_TRUE(queue.is_exhausted());
}

}  // namespace
}  // namespace walgate

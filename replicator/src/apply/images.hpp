// images.hpp - the values that the WAL leaves out of updates, for a sink that has nobody else to ask.
//
// A value that is TOASTed and did not change is not in the WAL.  The target has it: in the row as it was before the
// batch, or as an earlier change of the batch has left it.  So before a batch is written its rows are followed by their
// keys, and those of which a value is nowhere in the batch are read.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apply/target_pipeline.hpp"
#include "batch/piece.hpp"

namespace walgate::apply {

class Images {
 public:
  /// Will the target have what this transaction did to the relation?
  using IsApplied = std::function<bool(const wire::Relation&, const wire::Begin&)>;
  /// How the target holds a relation; null where it does not.
  using FindTable = std::function<PreparedTable*(const wire::Relation&, const wire::Begin&)>;

  explicit Images(TargetPipeline& target) : target_{target} {}

  /// Does any of the updates lack a value?
  [[nodiscard]] static bool are_lacking(std::span<const Piece> pieces);
  /// Follows the rows through the pieces and sends what has to be read.  The target stands before them, and so does
  /// what was sent to it.  A relation that changes its shape among the pieces is left alone.
  void ask(std::span<const Piece> pieces, const IsApplied& is_applied, const FindTable& table_of);
  /// The answer to one question.
  void on_result(const Ticket& ticket, const PGresult* result);
  /// Is there something that complete() has not hung on its piece?
  [[nodiscard]] bool is_pending() const noexcept { return !lacking_.empty(); }
  /// Hangs what is known on the pieces; every answer has come.
  void complete(std::span<Piece> pieces);

 private:
  /// Where one value is to be had.
  struct Place {
    enum class Kind : std::uint8_t { nowhere, here, read } kind = Kind::nowhere;
    wire::Value here{};     ///< points into a piece
    std::size_t row = 0;    ///< number of the question
    std::size_t field = 0;  ///< of its answer
  };
  /// A row on its way through the batch.
  struct Row {
    std::vector<wire::Value> first_key;  ///< under which the target knows it; empty: it was inserted in the batch
    std::vector<Place> values;           ///< by the relation's columns; empty: nothing is known
  };
  struct Lacking {
    const void* frame;  ///< of the piece: its bytes, which stay where they are
    std::size_t change;
    std::vector<Place> values;
    std::size_t first_answer;  ///< of those that were asked for together
  };
  struct Answer {
    bool found = false;
    std::vector<std::optional<std::string>> fields;
  };

  void follow(const Piece& piece, std::size_t index, const FindTable& table_of);
  void read(Row& row, const std::vector<std::uint16_t>& columns, const wire::Relation& relation,
            const wire::Begin& transaction, const FindTable& table_of);
  [[nodiscard]] std::string tuple_of(const std::vector<Place>& values) const;

  TargetPipeline& target_;
  std::map<std::uint32_t, std::map<std::string, Row>> rows_;  ///< by the relation's OID, by key
  std::deque<Lacking> lacking_;                               ///< in the order of the pieces
  std::deque<Answer> answers_;
  std::size_t first_answer_ = 0;  ///< number of answers_.front()
  std::size_t asked_from_ = 0;    ///< number of the first answer of the last ask()
  std::size_t bytes_ = 0;         ///< of answers_

  // Scratch
  std::vector<wire::Value> new_values_;
  std::vector<wire::Value> old_values_;
  postgres::Parameters parameters_;
};

}  // namespace walgate::apply

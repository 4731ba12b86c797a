// target_pipeline.hpp - the applier's session: pipelined statements, and COPY in between.
//
// libpq knows no COPY in pipeline mode, so the pipeline is emptied and left for it.  The data of a COPY is sent without
// waiting for its end; whatever comes next waits for it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "apply/prepared_table.hpp"
#include "apply/ticket.hpp"
#include "postgres/connection.hpp"
#include "postgres/pipeline.hpp"
#include "wire/encoding.hpp"

namespace walgate::apply {

class TargetPipeline {
 public:
  using Handler = std::function<void(const Ticket&, const PGresult*)>;

  /// `handler` gets every result with its ticket; what it throws comes out of the call that read the result.  Texts of
  /// statements are given in UTF-8 and sent in `encoding`.  `step`: the target has taken a part of a COPY.
  TargetPipeline(postgres::Connection target, wire::Encoding encoding, Handler handler, std::function<void()> step);

  /// Prepares a statement under a new name.
  [[nodiscard]] Prepared prepare(Ticket ticket, Statement statement);
  void execute(const Ticket& ticket, const Prepared& prepared, const postgres::Parameters& parameters,
               bool binary_result = false);
  /// A statement that is not worth preparing; parameters in UTF-8.
  void query(const Ticket& ticket, const std::string& sql,
             const std::vector<std::optional<std::string>>& parameters = {});
  /// A statement that comes again and again with the same text: prepared at its first time.
  void repeat(const Ticket& ticket, std::string_view sql, const std::vector<std::string>& parameters = {});
  void sync();
  /// Runs a COPY … FROM STDIN.  `data`: everything between its header and its trailer.
  void copy(const Ticket& ticket, const std::string& sql, std::string_view data);
  /// The same in parts: `put_copy` any number of times, header and trailer included, and `end_copy`.
  void begin_copy(const Ticket& ticket, const std::string& sql);
  /// Returns when the data is on its way.
  void put_copy(std::string_view data);
  void end_copy(const Ticket& ticket);

  /// Sends and reads, and waits until at most `most` statements are unanswered.
  void read(std::size_t most);
  /// Sends and reads what can be without waiting.  True when something is left to send.
  bool pump();
  /// Sends what can be without waiting, and hears no result.
  void send() { flush(); }
  /// After each statement: keeps what is in flight within bounds.
  void keep_pace();
  /// After a failed statement: takes the open transaction back, and what was sent behind it.  The session then has no
  /// prepared statement any more, because those that were sent behind the failed one never came to be.
  void roll_back();

  /// A COPY was sent, and its end has not been seen.
  [[nodiscard]] bool is_copying() const noexcept { return copying_.has_value(); }
  /// In which values are sent and messages of the server come.
  [[nodiscard]] const wire::Encoding& encoding() const noexcept { return encoding_; }
  [[nodiscard]] postgres::Connection& connection() noexcept { return connection_; }

 private:
  /// Statements in flight before we wait for results; enough to hide a round trip.
  static constexpr std::size_t most_in_flight = 4096;
  /// Bytes of their values: what libpq may have to hold while the target is slower than we are.
  static constexpr std::size_t most_bytes_in_flight = 8 * 1024 * 1024;

  void put(std::string_view data);
  void finish_copy();
  [[nodiscard]] PGconn* handle() const noexcept { return connection_.handle(); }
  bool flush();
  /// Outside of pipeline mode: the next result, null at the end.
  postgres::Result next_result();

  postgres::Connection connection_;
  const wire::Encoding encoding_;
  const Handler handler_;
  const std::function<void()> step_;
  postgres::Pipeline<Ticket> pipeline_;  ///< after connection_: it leaves pipeline mode first
  std::optional<Ticket> copying_;        ///< a COPY whose end has not been seen
  std::map<std::string, Prepared, std::less<>> repeated_;
  std::uint64_t statements_ = 0;     ///< prepared so far, for their names
  postgres::Parameters parameters_;  ///< scratch
  std::size_t unread_ = 0;           ///< statements since results were read
};

}  // namespace walgate::apply

#include "mirror/transactional_producer.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace walgate::mirror {

namespace {

using namespace std::chrono_literals;

/// Patience with what is queued: as long as records get through, however slowly, it does not end.
class PatienceWithQueue {
 public:
  PatienceWithQueue(KafkaClient& client, const Patience& patience)
      : client_{client}, patience_{patience}, queued_{queued()} {}

  [[nodiscard]] int next() const { return patience_.next(); }
  [[nodiscard]] bool is_over() {
    if (const auto before = std::exchange(queued_, queued()); queued_ < before) patience_.renew();
    return patience_.is_over();
  }

 private:
  /// Without the events, which count as well; a record whose failure nobody has looked at is still queued.
  int queued() {
    client_.serve(0ms);
    return rd_kafka_outq_len(client_.handle());
  }

  KafkaClient& client_;
  Patience patience_;
  int queued_;
};

/// Makes a call of the transactions in short waits: one that timed out, or whose last try within its time failed, goes
/// on in the background, and the same call resumes it.
template <typename Call>
KafkaFailure call_patiently(KafkaClient& client, const Patience& given, const Call& call) {
  PatienceWithQueue patience{client, given};
  for (;;) {
    KafkaFailure failure{call(client.handle(), patience.next())};
    if (!failure || rd_kafka_error_is_retriable(failure.get()) == 0 || patience.is_over()) return failure;
    client.serve(10ms);
  }
}

/// Of a record that was not queued.  One that is too large leaves the transaction as it was.
KafkaError::Kind kind_of_refusal(const KafkaFailure& failure) {
  if (rd_kafka_error_is_fatal(failure.get()) != 0) return KafkaError::Kind::fatal;
  const bool is_too_large = rd_kafka_error_code(failure.get()) == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
  return is_too_large ? KafkaError::Kind::retriable : KafkaError::Kind::abortable;
}

KafkaHeaders headers_of(std::span<const RecordHeader> headers) {
  KafkaHeaders made{rd_kafka_headers_new(headers.size())};
  for (const auto& header : headers) {
    rd_kafka_header_add(made.get(), header.name.data(), static_cast<ssize_t>(header.name.size()), header.value.data(),
                        static_cast<ssize_t>(header.value.size()));
  }
  return made;
}

KafkaProperties with_reports_of_errors(KafkaProperties own) {
  own.insert_or_assign("delivery.report.only.error", "true");
  return own;
}

/// librdkafka takes a null pointer for "none" and any other for "empty".
const char* data_or_empty(std::string_view text) {
  return text.data() == nullptr ? "" : text.data();
}

}  // namespace

TransactionalProducer::TransactionalProducer(const KafkaProperties& properties, const KafkaProperties& own,
                                             bool with_transactions)
    : client_{RD_KAFKA_PRODUCER, properties, with_reports_of_errors(own)}, with_transactions_{with_transactions} {}

/// What is still queued belongs to no committed transaction: it goes, so that nobody waits for it.
TransactionalProducer::~TransactionalProducer() {
  rd_kafka_purge(client_.handle(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  poll();
}

void TransactionalProducer::initialise(const Patience& patience) {
  if (!with_transactions_) return;
  const auto failure = call_patiently(client_, patience, rd_kafka_init_transactions);
  if (!failure) return;
  const auto error = transaction_error(failure);
  if (error.code() != RD_KAFKA_RESP_ERR__TIMED_OUT) throw error;
  throw client_.error(error.code(), "reach the coordinator of the transactions");  // it may be called again
}

void TransactionalProducer::begin() {
  static_cast<void>(client_.take_delivery_failure());
  if (!with_transactions_) return;
  if (const KafkaFailure failure{rd_kafka_begin_transaction(client_.handle())}) throw transaction_error(failure);
}

void TransactionalProducer::produce(const std::string& topic_name, std::int32_t partition, const OutgoingRecord& record,
                                    const Patience& patience) {
  auto* const to = topic(topic_name);
  auto headers = record.headers.empty() ? KafkaHeaders{} : headers_of(record.headers);
  const auto* const key = record.has_key ? data_or_empty(record.key) : nullptr;
  const auto* const value = record.has_value ? data_or_empty(record.value) : nullptr;
  for (;;) {
    // The macros of the varargs call cast in the old style; the array has the same content.
    std::array<rd_kafka_vu_t, 6> fields{};
    fields[0].vtype = RD_KAFKA_VTYPE_RKT;
    fields[0].u.rkt = to;
    fields[1].vtype = RD_KAFKA_VTYPE_PARTITION;
    fields[1].u.i32 = partition;
    fields[2].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    fields[2].u.i = RD_KAFKA_MSG_F_COPY;
    fields[3].vtype = RD_KAFKA_VTYPE_KEY;
    fields[3].u.mem = {const_cast<char*>(key), record.has_key ? record.key.size() : 0};
    fields[4].vtype = RD_KAFKA_VTYPE_VALUE;
    fields[4].u.mem = {const_cast<char*>(value), record.has_value ? record.value.size() : 0};
    // A list of ours stays ours when the call fails; of lists that it makes itself, librdkafka before 2.12 frees some
    // twice.
    fields[5].vtype = RD_KAFKA_VTYPE_HEADERS;
    fields[5].u.headers = headers.get();
    const KafkaFailure failure{rd_kafka_produceva(client_.handle(), fields.data(), headers ? 6 : 5)};
    if (!failure) {
      static_cast<void>(headers.release());  // the record has them now
      return;
    }
    const auto code = rd_kafka_error_code(failure.get());
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      const auto kind = kind_of_refusal(failure);
      // A transaction that has failed in the background says so here; why, the failure of an earlier record tells,
      // which may come a moment later.
      if (code == RD_KAFKA_RESP_ERR__STATE) {
        client_.serve(100ms);
        if (const auto cause = client_.take_delivery_failure()) throw KafkaError{kind, cause->code, cause->text};
      }
      throw KafkaError{kind, code,
                       fmt::format("could not queue a record for topic \"{}\": {}", topic_name,
                                   rd_kafka_error_string(failure.get()))};
    }
    if (patience.is_over()) throw client_.error(code, "queue a record, because the queue stays full");
    client_.serve(10ms);
  }
}

void TransactionalProducer::commit(const Patience& patience) {
  if (!with_transactions_) return flush(patience);
  const auto failure = call_patiently(client_, patience, rd_kafka_commit_transaction);
  if (!failure) return;
  const auto error = coordinator_error(failure);
  poll();
  // "Messages failed delivery": why the first one did tells more.
  if (const auto cause = client_.take_delivery_failure()) throw KafkaError{error.kind(), cause->code, cause->text};
  throw error;
}

void TransactionalProducer::flush(const Patience& given) {
  PatienceWithQueue patience{client_, given};
  auto code = RD_KAFKA_RESP_ERR_NO_ERROR;
  do {
    code = rd_kafka_flush(client_.handle(), patience.next());
  } while (code == RD_KAFKA_RESP_ERR__TIMED_OUT && !patience.is_over());
  if (const auto cause = client_.take_delivery_failure())
    throw KafkaError{KafkaError::Kind::fatal, cause->code, cause->text};
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) throw client_.error(code, "have records stored");
}

void TransactionalProducer::abort(const Patience& patience) {
  if (!with_transactions_) return;
  const auto failure = call_patiently(client_, patience, rd_kafka_abort_transaction);
  if (failure) throw coordinator_error(failure);
}

rd_kafka_topic_t* TransactionalProducer::topic(const std::string& name) {
  auto found = topics_.find(name);
  if (found == topics_.end()) {
    KafkaTopic made{rd_kafka_topic_new(client_.handle(), name.c_str(), nullptr)};
    if (!made) throw client_.error(rd_kafka_last_error(), fmt::format("use topic \"{}\"", name));
    found = topics_.emplace(name, std::move(made)).first;
  }
  return found->second.get();
}

}  // namespace walgate::mirror

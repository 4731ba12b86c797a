// progress.hpp - what the target remembers of a pipeline: its registration, its position, its standing error.
//
// The position is moved by walgate.advance() inside the transactions that it stands for (applier.cpp); here is
// everything around it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "errors/error.hpp"
#include "postgres/connection.hpp"

namespace walgate::apply {

/// A row of walgate.pipelines.
struct Registration {
  std::string source_system;
  std::int64_t source_timeline = 0;
  std::uint32_t source_database = 0;
  std::string slot;
  std::vector<std::string> publications;
  std::string target_system;
  std::uint32_t target_database = 0;
  bool replica_role = false;
  Lsn start_lsn;
};

/// Who the target is.
struct TargetIdentity {
  std::string system;
  std::uint32_t database = 0;
};
[[nodiscard]] TargetIdentity identify_target(postgres::Connection& target);

[[nodiscard]] std::optional<Registration> find_registration(postgres::Connection& target, const std::string& pipeline);
/// Name of a pipeline that is registered with this system, database and slot, other than `pipeline`.
[[nodiscard]] std::optional<std::string> other_user_of_slot(postgres::Connection& target, const std::string& pipeline,
                                                            const Registration& registration);
/// Inserts the pipeline with its first position.
void register_pipeline(postgres::Connection& target, const std::string& pipeline, const Registration& registration);
/// Forgets everything about the pipeline.
void forget_pipeline(postgres::Connection& target, const std::string& pipeline);

/// What is known without taking the pipeline over.
struct Progress {
  Lsn position;
  std::int64_t epoch = 0;
  std::int64_t slot_transactions = 0;
  std::string host;  ///< of the service that runs or ran it
  int pid = 0;
  std::string process_space;
};
[[nodiscard]] std::optional<Progress> read_progress(postgres::Connection& target, const std::string& pipeline);

/// Takes the lock that one service holds for its life.  False when another session has it.
[[nodiscard]] bool try_lock_pipeline(postgres::Connection& target, const std::string& pipeline);
/// Is the service of the last claim surely gone: a process of this machine that is no more, or ourselves in an earlier
/// session?
[[nodiscard]] bool is_gone(const Progress& progress);
/// Ends the session that holds the lock, which its service has left behind.
void end_left_session(postgres::Connection& target, const std::string& pipeline);

/// Writes down who has the pipeline, right after the lock.
void announce_service(postgres::Connection& target, const std::string& pipeline);

/// A new epoch, under which no earlier session can commit, and the position that is durable with it.
struct Claim {
  Lsn position;
  std::int64_t epoch = 0;
};
/// `same_cluster`: waiting for standbys could mean waiting for ourselves.
[[nodiscard]] Claim claim_pipeline(postgres::Connection& target, const std::string& pipeline,
                                   std::int64_t slot_transactions, bool same_cluster);

void record_slot_transactions(postgres::Connection& target, const std::string& pipeline,
                              std::int64_t slot_transactions);

/// The standing error.  Since when it stands: the same one at the same transaction keeps its time.  `gate`: the JSON
/// object of a gate that waits because of it.
std::chrono::system_clock::time_point record_error(postgres::Connection& target, const std::string& pipeline,
                                                   const Failure& failure,
                                                   const std::optional<std::string>& gate = std::nullopt);
[[nodiscard]] std::optional<Failure> standing_error(postgres::Connection& target, const std::string& pipeline);
/// What was given as `gate`, a JSON object, with the time since when it stands.
[[nodiscard]] std::optional<std::string> standing_gate(postgres::Connection& target, const std::string& pipeline);
void clear_error(postgres::Connection& target, const std::string& pipeline);

/// Transactions that a person chose to leave out and that have not come yet.
[[nodiscard]] std::set<Lsn> requested_skips(postgres::Connection& target, const std::string& pipeline);
/// Those, and the ones that were left out since.
[[nodiscard]] std::set<Lsn> all_skips(postgres::Connection& target, const std::string& pipeline);
void request_skip(postgres::Connection& target, const std::string& pipeline, Lsn lsn);

}  // namespace walgate::apply

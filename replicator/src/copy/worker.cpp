#include "copy/worker.hpp"

#include <fmt/format.h>

#include "observe/log.hpp"

namespace walgate::copy {

namespace {

/// How many rows are taken from the throttle at once.
constexpr std::uint64_t throttle_step = 100;

constexpr auto whole_table_copied =
    "UPDATE walgate.copies SET state = 'copied', fingerprint = NULL, snapshot = $4::pg_snapshot, "
    "horizon = $5::pg_lsn, rows = $6, bytes = $7, rows_estimated = $6, since = pg_catalog.now() "
    "WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3 AND NOT again";

}  // namespace

Worker::Worker(const WorkerStart& start, postgres::Connection source, postgres::Connection target)
    : start_{start},
      source_{std::move(source), start.encoding},
      loader_{std::move(target), start.encoding, start.replica_role} {}

void Worker::leave() {
  source_.leave();
  tables_.clear();
}

apply::PreparedTable& Worker::prepared(const TableJob& job) {
  auto& table = tables_[&job];
  if (!table) table = std::make_unique<apply::PreparedTable>(job.plan, job.order, state_);
  return *table;
}

template <typename Work>
void Worker::with_place(const TableJob& job, Work work) {
  try {
    work();
  } catch (Error& error) {
    auto& failure = error.failure();
    if (failure.relation.empty()) failure.relation = job.plan.source.display();
    throw;
  }
}

Worker::Counted Worker::pipe(const std::string& read, Progress* progress) {
  Counted counted;
  std::uint64_t messages = 0;
  std::uint64_t told_rows = 0;
  std::uint64_t told_bytes = 0;
  const auto tell = [&] {
    // The last message is COPY's trailer.
    const auto rows = messages == 0 ? 0 : messages - 1;
    start_.throttle.take(rows - told_rows, start_.stop);
    if (progress != nullptr) {
      progress->rows += rows - told_rows;
      progress->bytes += counted.bytes - told_bytes;
    }
    told_rows = rows;
    told_bytes = counted.bytes;
  };
  source_.read(read, [&](postgres::Memory message, std::size_t size) {
    ++messages;
    counted.bytes += size;
    loader_.put(std::move(message), size);
    if (messages % throttle_step == 0) tell();
  });
  tell();
  counted.rows = told_rows;
  return counted;
}

void Worker::copy_range(TableJob& job, const Range& range) {
  with_place(job, [&] {
    loader_.begin(start_.config.pipeline, start_.epoch);
    loader_.open(prepared(job), job.passed_on);
    const auto counted = pipe(job.read_range(range), job.progress);
    loader_.close();
    loader_.execute(
        "INSERT INTO walgate.copy_ranges (pipeline, source_schema, source_table, part, first_block, end_block, rows, "
        "bytes) SELECT $1, $2, $3, $4::oid, $5::bigint, $6::bigint, $7::bigint, $8::bigint FROM walgate.copies "
        // Not any more when a person has asked for the copy again meanwhile.
        "WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3 AND state = 'copying'",
        {start_.config.pipeline, job.plan.source.schema, job.plan.source.name, std::to_string(range.part->oid),
         std::to_string(range.first_block), std::to_string(range.end_block), std::to_string(counted.rows),
         std::to_string(counted.bytes)});
    loader_.commit();
  });
}

void Worker::copy_tables(const std::vector<TableJob*>& jobs, const TakenSnapshot& snapshot) {
  loader_.begin(start_.config.pipeline, start_.epoch);
  for (auto* job : jobs) {
    with_place(*job, [&] {
      job->progress->state = State::copying;
      loader_.open(prepared(*job), job->passed_on);
      const auto counted = pipe(job->read_all(), job->progress);
      loader_.close();
      loader_.execute(whole_table_copied,
                      {start_.config.pipeline, job->plan.source.schema, job->plan.source.name, snapshot.text,
                       snapshot.horizon.text(), std::to_string(counted.rows), std::to_string(counted.bytes)});
    });
  }
  loader_.commit();
}

void Worker::bring_up(TableJob& job, const TakenSnapshot& snapshot) {
  with_place(job, [&] {
    const auto then = *Snapshot::parse(job.entry.snapshot);
    auto& table = prepared(job);
    loader_.begin(start_.config.pipeline, start_.epoch);
    loader_.execute(job.create_kept());
    Counted kept;
    Counted newer;
    const auto add = [](Counted& sum, const Counted& more) {
      sum.rows += more.rows;
      sum.bytes += more.bytes;
    };
    for (const auto& part : job.parts) {
      loader_.open(table, job.write_kept());
      add(kept, pipe(job.read_kept_keys(part, then), nullptr));
      loader_.close();
    }
    const auto gone = loader_.execute(job.delete_others());
    if (loader_.execute(job.find_kept()) != 1) {
      // Somebody else has written to the table: nothing of it can be relied on.
      log::warning("copy_restarted", "a copy that was broken off begins anew",
                   {{"relation", job.plan.source.display()}, {"reason", "rows of it have gone from the target"}});
      loader_.execute(fmt::format("DELETE FROM {}", job.plan.only()));
      loader_.execute(
          "DELETE FROM walgate.copy_ranges WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3",
          {start_.config.pipeline, job.plan.source.schema, job.plan.source.name});
      job.entry.done.clear();
      job.entry.bytes = 0;
      kept = {};
    }
    for (const auto& part : job.parts) {
      loader_.open(table, true);
      add(newer, pipe(job.read_newer_rows(part, then), nullptr));
      loader_.close();
    }
    loader_.execute(
        "UPDATE walgate.copy_ranges SET rows = 0, bytes = 0 "
        "WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3",
        {start_.config.pipeline, job.plan.source.schema, job.plan.source.name});
    loader_.execute(
        "UPDATE walgate.copies SET snapshot = $4::pg_snapshot, horizon = $5::pg_lsn, rows = $6, bytes = $7 "
        "WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3",
        {start_.config.pipeline, job.plan.source.schema, job.plan.source.name, snapshot.text, snapshot.horizon.text(),
         std::to_string(kept.rows + newer.rows), std::to_string(job.entry.bytes + newer.bytes)});
    loader_.commit();
    job.progress->rows = kept.rows + newer.rows;
    job.progress->bytes = job.entry.bytes + newer.bytes;
    log::info("copy_resumed", "a copy that was broken off goes on; its rows were brought up to a new snapshot",
              {{"relation", job.plan.source.display()},
               {"rows_kept", kept.rows},
               {"rows_deleted", gone},
               {"rows_read_again", newer.rows}});
  });
}

}  // namespace walgate::copy

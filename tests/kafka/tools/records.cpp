// records.cpp - frames in, records out: what the mirror would send, for tests that compare it with something else.
//
//   mirror_records [name=value …] <FRAMES
//
// Standard input is a sequence of frames, each with its length in front as four bytes in network order.  `types` names
// a file with what source_types_query gives, fields separated by tabs and labels by the byte 0x1F.  `keys` names one
// with "schema.table<tab>column,column", for tables whose key is not their identity.  `rounds=N` makes every record N
// times and prints how long one took instead of the records.  Output: one JSON object per record, {"topic", "key",
// "value"}.

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <sstream>
#include <string>

#include "errors/error.hpp"
#include "mirror/marker_records.hpp"
#include "mirror/record_schema.hpp"
#include "mirror/table_records.hpp"
#include "wire/big_endian.hpp"

namespace walgate::mirror {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream{text};
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

SourceTypes read_types(const std::string& path) {
  SourceTypes types;
  std::ifstream file{path};
  for (std::string line; std::getline(file, line);) {
    auto fields = split(line, '\t');
    fields.resize(7);
    types[static_cast<std::uint32_t>(std::stoul(fields[0]))] = {
        .kind = fields[1][0],
        .base_oid = static_cast<std::uint32_t>(std::stoul(fields[2])),
        .base_typmod = std::stoi(fields[3]),
        .element_oid = static_cast<std::uint32_t>(std::stoul(fields[4])),
        .name = fields[5],
        .labels = split(fields[6], '\x1F')};
  }
  return types;
}

class Records {
 public:
  explicit Records(const std::map<std::string, std::string>& words) {
    const auto word = [&](const std::string& name, const std::string& otherwise) {
      const auto found = words.find(name);
      return found == words.end() ? otherwise : found->second;
    };
    options_.format = word("format", "debezium") == "flat" ? RecordFormat::flat : RecordFormat::debezium;
    options_.codec.with_schema = word("schema", "true") == "true";
    options_.with_transaction_block = word("transactions", "false") == "true";
    options_.pipeline = word("pipeline", "pipeline");
    options_.database = word("database", "shop");
    options_.version = word("version", "1.0.0");
    auto& modes = options_.codec.modes;
    modes.decimal = decimal_mode_of(word("decimal.handling.mode", "precise")).value();
    modes.time = time_mode_of(word("time.precision.mode", "adaptive")).value();
    modes.binary = binary_mode_of(word("binary.handling.mode", "bytes")).value();
    modes.interval = interval_mode_of(word("interval.handling.mode", "numeric")).value();
    if (words.contains("types")) types_ = read_types(words.at("types"));
    if (words.contains("keys")) {
      std::ifstream file{words.at("keys")};
      for (std::string line; std::getline(file, line);) {
        const auto tab = line.find('\t');
        keys_[line.substr(0, tab)] = split(line.substr(tab + 1), ',');
      }
    }
    rounds_ = std::stoi(word("rounds", "0"));
  }

  void frame(std::string_view bytes) {
    const auto frame = decoder_.decode(bytes);
    if (!text_) {
      text_ = std::make_unique<SourceText>(decoder_.hello()->encoding);
      markers_ = std::make_unique<MarkerRecords>(options_, *text_);
    }
    if (frame.begin) {
      context_.previous_commit = context_.transaction.final_lsn;
      context_.transaction = *frame.begin;
      context_.order = 1;
      counts_.clear();
      if (options_.with_transaction_block) print("transaction", markers_->begin(*frame.begin));
    }
    for (const auto& message : frame.messages) {
      if (message.transactional) print("message", markers_->message(message, context_));
    }
    for (const auto& change : frame.changes) {
      if (change.kind == wire::RecordKind::truncate) {
        for (const auto* relation : frame.truncates[change.truncate_index]) {
          place(*relation);
          emit(*relation, records_of(*relation).of_truncate(context_));
        }
        continue;
      }
      place(*change.relation);
      auto& table = records_of(*change.relation);
      try {
        if (rounds_ > 0) measure(table, change);
        emit(*change.relation, table.of_change(change, context_));
      } catch (const Error& error) {
        JsonBuffer text;
        text.string(error.what());
        fmt::print("{{\"topic\":\"{}\",\"error\":{}}}\n", topic(*change.relation), text.view());
      }
    }
    if (frame.commit && options_.with_transaction_block)
      print("transaction", markers_->end(context_.transaction, counts_));
  }

 private:
  /// Tells the context where the next record of a table stands.
  void place(const wire::Relation& relation) {
    count_ = nullptr;
    const auto name = relation.schema + "." + relation.name;
    for (auto& count : counts_) {
      if (count.table == name) count_ = &count;
    }
    if (count_ == nullptr) count_ = &counts_.emplace_back(TableCount{name, 0});
    context_.order_in_table = count_->records + 1;
  }

  void emit(const wire::Relation& relation, std::span<const Record> records) {
    for (const auto& record : records) {
      print(topic(relation), record);
      if (record.is_tombstone) continue;
      ++context_.order;
      ++count_->records;
    }
  }

  std::string topic(const wire::Relation& relation) const {
    return schema_prefix(options_, relation).substr(options_.pipeline.size() + 1);
  }

  TableRecords& records_of(const wire::Relation& relation) {
    auto& made = tables_[&relation];
    if (!made) {
      auto key = identity_columns(relation);
      if (const auto found = keys_.find(relation.schema + "." + relation.name); found != keys_.end()) {
        key.clear();
        for (const auto& name : found->second) {
          for (std::size_t i = 0; i < relation.columns.size(); ++i) {
            if (relation.columns[i].name == name) key.push_back(static_cast<std::uint16_t>(i));
          }
        }
      }
      made = std::make_unique<TableRecords>(relation, key, options_, types_, *text_);
    }
    return *made;
  }

  void measure(TableRecords& table, const wire::Change& change) {
    const auto start = std::chrono::steady_clock::now();
    std::size_t bytes = 0;
    for (int i = 0; i < rounds_; ++i) {
      for (const auto& record : table.of_change(change, context_)) bytes += record.value.size();
    }
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    fmt::print(stderr, "{}: {:.0f} ns, {} bytes\n", topic(*change.relation), took.count() / rounds_,
               bytes / static_cast<std::size_t>(rounds_));
  }

  void print(const std::string& topic, const Record& record) {
    fmt::print(R"({{"topic":"{}","key":{},"value":{}}})"
               "\n",
               topic, record.has_key ? record.key : "null", record.is_tombstone ? "null" : record.value);
  }

  RecordOptions options_;
  SourceTypes types_;
  std::map<std::string, std::vector<std::string>> keys_;
  int rounds_ = 0;
  wire::Decoder decoder_;
  std::unique_ptr<SourceText> text_;
  std::unique_ptr<MarkerRecords> markers_;
  std::map<const wire::Relation*, std::unique_ptr<TableRecords>> tables_;
  ChangeContext context_{.now = 1'000'000};
  std::vector<TableCount> counts_;
  TableCount* count_ = nullptr;
};

}  // namespace
}  // namespace walgate::mirror

int main(int argc, char** argv) {
  std::map<std::string, std::string> words;
  for (int i = 1; i < argc; ++i) {
    const std::string word{argv[i]};
    const auto at = word.find('=');
    words[word.substr(0, at)] = word.substr(at + 1);
  }
  const std::string input{std::istreambuf_iterator<char>{std::cin}, {}};
  try {
    walgate::mirror::Records records{words};
    for (std::string_view rest{input}; !rest.empty();) {
      const auto size = walgate::wire::load_big_endian<std::uint32_t>(rest.data());
      records.frame(rest.substr(4, size));
      rest.remove_prefix(4 + size);
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}

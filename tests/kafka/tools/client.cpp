// client.cpp - the mirror's Kafka client as a program that obeys one command per line, so that a test can do things to
// the broker in between.
//
//   mirror_client [property=value …]
//
//   producer ID [property=value …]      makes a transactional producer (a former one goes)
//   init MS | begin | commit MS | abort MS
//   produce TOPIC PARTITION KEY VALUE   KEY and VALUE may be "null"; headers follow as name=value
//   cluster MS | describe TOPIC MS | create TOPIC PARTITIONS FACTOR MS [setting=value …]
//   read TOPIC MS
//
// Each command is answered by one line: "ok" with what was asked for, or "error KIND CODE message".

#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <sstream>
#include <vector>

#include "errors/error.hpp"
#include "mirror/kafka_admin.hpp"
#include "mirror/topic_reader.hpp"
#include "mirror/transactional_producer.hpp"
#include "observe/log.hpp"

namespace walgate::mirror {
namespace {

using Milliseconds = std::chrono::milliseconds;

std::pair<std::string, std::string> pair_of(const std::string& word) {
  const auto at = word.find('=');
  return {word.substr(0, at), word.substr(at + 1)};
}

class Client {
 public:
  explicit Client(KafkaProperties properties) : properties_{std::move(properties)} {}

  std::string obey(const std::vector<std::string>& words) {
    const auto& command = words.at(0);
    const auto time = [&](std::size_t i) { return Milliseconds{std::stoi(words.at(i))}; };
    const auto pairs = [&](std::size_t from) {
      std::map<std::string, std::string> found;
      for (; from < words.size(); ++from) found.insert(pair_of(words[from]));
      return found;
    };
    if (command == "producer") {
      KafkaProperties own{{"transactional.id", words.at(1)}, {"enable.idempotence", "true"}};
      for (const auto& pair : pairs(2)) own.insert(pair);
      producer_.reset();
      producer_ = std::make_unique<TransactionalProducer>(properties_, own);
    } else if (command == "init") {
      producer_->initialise(time(1));
    } else if (command == "begin") {
      producer_->begin();
    } else if (command == "commit") {
      producer_->commit(time(1));
    } else if (command == "abort") {
      producer_->abort(time(1));
    } else if (command == "produce") {
      std::vector<RecordHeader> headers;
      const auto given = pairs(5);
      for (const auto& [name, value] : given) headers.push_back({name, value});
      const auto& key = words.at(3);
      const auto& value = words.at(4);
      producer_->produce(
          words.at(1), std::stoi(words.at(2)),
          {.key = key, .value = value, .has_key = key != "null", .has_value = value != "null", .headers = headers},
          Milliseconds{5000});
    } else if (command == "cluster") {
      const auto cluster = KafkaAdmin{properties_}.cluster(time(1));
      return fmt::format("{} {}", cluster.id, cluster.brokers);
    } else if (command == "describe") {
      const std::vector<std::string> names{words.at(1)};
      const auto topic = KafkaAdmin{properties_}.describe(names, time(2)).at(0);
      if (!topic) return "none";
      return fmt::format("{} {} {} {} {}", topic->partitions, topic->replication_factor,
                         topic->settings.at("cleanup.policy"), topic->settings.at("min.insync.replicas"),
                         topic->settings.at("retention.ms"));
    } else if (command == "create") {
      KafkaAdmin{properties_}.create({.name = words.at(1),
                                      .partitions = std::stoi(words.at(2)),
                                      .replication_factor = static_cast<std::int16_t>(std::stoi(words.at(3))),
                                      .settings = pairs(5)},
                                     time(4));
    } else if (command == "read") {
      std::string found;
      read_to_end(properties_, words.at(1), time(2), [&](const ReadRecord& record) {
        found += fmt::format("{}{}:{}={}", found.empty() ? "" : " ", record.partition, record.key,
                             record.has_value ? record.value : "null");
      });
      return found;
    } else {
      return "unknown command";
    }
    return {};
  }

 private:
  KafkaProperties properties_;
  std::unique_ptr<TransactionalProducer> producer_;
};

std::string answer(Client& client, const std::string& line) {
  std::istringstream stream{line};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  try {
    const auto result = client.obey(words);
    return result.empty() ? "ok" : "ok " + result;
  } catch (const KafkaError& error) {
    const auto* const kind = error.kind() == KafkaError::Kind::retriable   ? "retriable"
                             : error.kind() == KafkaError::Kind::abortable ? "abortable"
                                                                           : "fatal";
    return fmt::format("error {} {} {}", kind, error.code_name(), error.what());
  } catch (const Error& error) {
    return fmt::format("error stop {} {}", text_of(error.failure().name), error.what());
  }
}

}  // namespace
}  // namespace walgate::mirror

int main(int argc, char** argv) {
  walgate::log::set_up(walgate::log::Level::warning, walgate::log::Format::text);
  walgate::mirror::KafkaProperties properties;
  for (int i = 1; i < argc; ++i) properties.insert(walgate::mirror::pair_of(argv[i]));
  walgate::mirror::Client client{properties};
  for (std::string line; std::getline(std::cin, line);) std::cout << walgate::mirror::answer(client, line) << std::endl;
  return 0;
}

#include "mirror/topic_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace walgate::mirror {

namespace {

bool has_policy(const std::string& value, std::string_view policy) {
  return ("," + value + ",").find(fmt::format(",{},", policy)) != std::string::npos;
}

std::string setting_of(const std::map<std::string, std::string>& settings, const std::string& name) {
  const auto found = settings.find(name);
  return found == settings.end() ? std::string{} : found->second;
}

std::optional<std::int64_t> number(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_ours(TopicPurpose purpose) {
  return purpose == TopicPurpose::progress || purpose == TopicPurpose::transactions || purpose == TopicPurpose::schemas;
}

/// Must each key's last record stay for ever?
bool must_be_compacted(TopicPurpose purpose) {
  return purpose == TopicPurpose::progress || purpose == TopicPurpose::schemas;
}

class Comparison {
 public:
  explicit Comparison(std::int32_t brokers) : brokers_{brokers} {}

  void topic(const WantedTopic& wanted, const ExistingTopic* existing) {
    wanted_ = &wanted;
    check_wish();
    if (existing == nullptr) {
      add(Severity::info, ErrorName::topic_missing,
          fmt::format("it does not exist yet: it will have {} partitions and {} replicas", wanted.partitions,
                      wanted.replication_factor));
      return;
    }
    check_partitions(*existing);
    check_replicas(*existing);
    check_cleanup(*existing);
    check_settings(*existing);
  }

  std::vector<Finding> take() { return findings_.take(); }

 private:
  void add(Severity severity, ErrorName name, std::string text) {
    findings_.add(severity, name, fmt::format("topic \"{}\"", wanted_->name), std::move(text));
  }

  /// What is wrong with the wish itself.
  void check_wish() {
    const auto factor = wanted_->replication_factor;
    if (factor > brokers_) {
      add(Severity::error, ErrorName::replication_factor_above_brokers,
          fmt::format("{} replicas are wanted, and the cluster has {} brokers", factor, brokers_));
    }
    const auto in_sync = number(setting_of(wanted_->settings, "min.insync.replicas"));
    if (in_sync && *in_sync > factor) {
      add(Severity::error, ErrorName::min_insync_above_replication_factor,
          fmt::format("min.insync.replicas is {}, and there are {} replicas: nothing could be written", *in_sync,
                      factor));
    } else if (in_sync && factor > 1 && *in_sync == factor) {
      add(Severity::warning, ErrorName::no_broker_may_fail,
          fmt::format("min.insync.replicas is {} of {} replicas: the mirror stands still while a broker is away",
                      *in_sync, factor));
    }
    if (wanted_->purpose == TopicPurpose::progress && wanted_->partitions != 1) {
      add(Severity::error, ErrorName::progress_topic_partitions, "the progress topic must have one partition");
    }
  }

  void check_partitions(const ExistingTopic& existing) {
    if (existing.partitions == wanted_->partitions) return;
    if (wanted_->purpose == TopicPurpose::progress) {
      add(Severity::error, ErrorName::progress_topic_partitions,
          fmt::format("it has {} partitions, and the progress topic must have one", existing.partitions));
      return;
    }
    add(Severity::error, ErrorName::partition_count_differs,
        fmt::format("it has {} partitions, and {} are wanted: a key would change its partition, and with it its order",
                    existing.partitions, wanted_->partitions));
  }

  void check_replicas(const ExistingTopic& existing) {
    if (existing.replication_factor == wanted_->replication_factor) return;
    const auto fewer = existing.replication_factor < wanted_->replication_factor;
    add(fewer ? Severity::warning : Severity::info, ErrorName::replication_factor_differs,
        fmt::format("it has {} replicas, and {} are wanted", existing.replication_factor, wanted_->replication_factor));
    const auto in_sync = number(setting_of(existing.settings, "min.insync.replicas"));
    if (in_sync && *in_sync > existing.replication_factor) {
      add(Severity::error, ErrorName::min_insync_above_replicas,
          fmt::format("its min.insync.replicas is {}, and it has {} replicas: nothing can be written", *in_sync,
                      existing.replication_factor));
    }
  }

  void check_cleanup(const ExistingTopic& existing) {
    const auto policy = setting_of(existing.settings, "cleanup.policy");
    const auto compacts = has_policy(policy, "compact");
    const auto deletes = has_policy(policy, "delete");
    if (wanted_->purpose == TopicPurpose::keyless && compacts) {
      add(Severity::error, ErrorName::keyless_topic_compacted,
          "it is compacted, and Kafka refuses records without a key there");
      return;
    }
    if (must_be_compacted(wanted_->purpose) && (!compacts || deletes)) {
      add(Severity::error, ErrorName::own_topic_not_compacted,
          fmt::format("its cleanup.policy is {}: what the mirror needs would be deleted in time", policy));
      return;
    }
    const auto wanted = setting_of(wanted_->settings, "cleanup.policy");
    if (!wanted.empty() && (has_policy(wanted, "compact") != compacts || has_policy(wanted, "delete") != deletes)) {
      add(Severity::warning, ErrorName::cleanup_policy_differs,
          fmt::format("its cleanup.policy is {}, and {} is wanted", policy, wanted));
    }
  }

  void check_settings(const ExistingTopic& existing) {
    for (const auto& [name, value] : wanted_->settings) {
      if (name == "cleanup.policy") continue;
      const auto found = existing.settings.find(name);
      if (found == existing.settings.end()) {
        add(Severity::error, ErrorName::topic_setting_unknown, fmt::format("Kafka does not know the setting {}", name));
      } else if (found->second != value) {
        add(is_ours(wanted_->purpose) ? Severity::warning : Severity::info, ErrorName::topic_setting_differs,
            fmt::format("its {} is {}, and {} is wanted", name, found->second, value));
      }
    }
  }

  std::int32_t brokers_;
  const WantedTopic* wanted_ = nullptr;
  Findings findings_;
};

}  // namespace

WantedTopic with_defaults(std::string name, TopicPurpose purpose, std::optional<std::int32_t> partitions,
                          std::optional<std::int16_t> replication_factor, std::map<std::string, std::string> settings,
                          std::int32_t brokers) {
  const auto factor = replication_factor.value_or(static_cast<std::int16_t>(std::clamp(brokers, 1, 3)));
  settings.try_emplace("min.insync.replicas", std::to_string(std::max(1, factor - 1)));
  const auto keeps_every_key = purpose == TopicPurpose::table || must_be_compacted(purpose);
  settings.try_emplace("cleanup.policy", keeps_every_key ? "compact" : "delete");
  return {std::move(name), purpose, partitions.value_or(1), factor, std::move(settings)};
}

std::vector<Finding> compare_topics(std::span<const WantedTopic> wanted,
                                    std::span<const std::optional<ExistingTopic>> existing, std::int32_t brokers) {
  Comparison comparison{brokers};
  for (std::size_t i = 0; i < wanted.size(); ++i) comparison.topic(wanted[i], existing[i] ? &*existing[i] : nullptr);
  return comparison.take();
}

}  // namespace walgate::mirror

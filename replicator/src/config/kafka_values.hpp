// kafka_values.hpp - the kinds of values that only the keys of the Kafka mirror have.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "config/value_types.hpp"

namespace walgate::config {

using Properties = decltype(Config::Kafka::properties);
using Settings = decltype(Config::Kafka::topic_settings);

/// Properties of librdkafka: each a string, a number, true or false, or where the value is found: {"env": "NAME"},
/// {"file": "path"} with relative paths starting at `folder`.  Mistakes hold no value.  The type shows secrets as
/// stars.
[[nodiscard]] ValueType<Properties> properties(const std::filesystem::path& folder);
/// Settings of a topic, each a string, a number, true or false.
[[nodiscard]] ValueType<Settings> settings();
/// "{pipeline}.{schema}.{table}", or what else TopicPattern takes.
[[nodiscard]] ValueType<std::string> topic_pattern();
/// A topic's name, the empty text, or null.
[[nodiscard]] ValueType<std::optional<std::string>> topic_or_null();
/// A text that is not empty.
[[nodiscard]] ValueType<std::string> text();
/// An integer, or null.
[[nodiscard]] ValueType<std::optional<std::uint64_t>> count_or_null(std::uint64_t least, std::uint64_t most);

}  // namespace walgate::config

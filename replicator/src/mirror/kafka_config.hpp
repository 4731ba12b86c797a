// kafka_config.hpp - librdkafka's properties, passed through and checked.
//
// Users set whatever librdkafka knows.  What the mirror's promises stand on it sets itself, and says so when a user
// tries. A property's value is never part of a message where it may be a secret.
#pragma once

#include <map>
#include <string>

#include "config/mistake.hpp"
#include "config/secret_property.hpp"
#include "mirror/librdkafka.hpp"

namespace walgate::mirror {

using KafkaProperties = std::map<std::string, std::string, std::less<>>;

using walgate::is_secret_property;

/// What is wrong with the users' properties, all of it.
[[nodiscard]] Mistakes property_mistakes(const KafkaProperties& properties);

/// A configuration with the users' properties and, over them, our own.  Throws Error configuration_invalid.
[[nodiscard]] KafkaConf kafka_conf(const KafkaProperties& properties, const KafkaProperties& own);

/// For printing: secrets replaced by "***".
[[nodiscard]] KafkaProperties without_secrets(const KafkaProperties& properties);

}  // namespace walgate::mirror

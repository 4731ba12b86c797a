// target_session.hpp - a session on the target with the settings that applying relies on.
#pragma once

#include <string>

#include "config/config.hpp"
#include "postgres/connection.hpp"

namespace walgate::apply {

/// Opens a session of the pipeline, in UTF-8: no role's or database's own settings leak into it.  Throws Error,
/// Interrupted.
[[nodiscard]] postgres::Connection open_target(const Config& config, const Event* stop);

/// May the session's role set session_replication_role?
[[nodiscard]] bool may_use_replica_role(postgres::Connection& target);

/// May the session's role mark its commits with a replication origin?
[[nodiscard]] bool may_mark_origin(postgres::Connection& target);
/// From here on commits carry the origin "walgate_PIPELINE", by which a pipeline in the other direction knows them.
void mark_origin(postgres::Connection& target, const std::string& pipeline);
/// The same under "walgate_NAME"; where the server has no room for it, only a pipeline that has one in the other
/// direction cannot do without, and others are warned.
void mark_commits(const Config& config, postgres::Connection& target, const std::string& name);
/// Forgets the pipeline's origin and those of its copies, where there are some and the role may.
void drop_origin(postgres::Connection& target, const std::string& pipeline);
/// Forgets the origins "walgate_PIPELINE copy N", where the role may.  False: a session still uses one.
bool drop_copy_origins(postgres::Connection& target, const std::string& pipeline);

/// From here on the session speaks the source's encoding, in which the values are.  Throws Error incompatible_type.
void use_encoding(postgres::Connection& target, const std::string& encoding);

/// How a commit of ours becomes durable.
enum class CommitMode {
  off,    ///< later, and we ask when (the usual way)
  local,  ///< at once, not waiting for standbys: in one cluster our commit would wait for ourselves
  on,     ///< at once
};
void set_commit_mode(postgres::Connection& target, CommitMode mode);
[[nodiscard]] std::string_view text_of(CommitMode mode) noexcept;

}  // namespace walgate::apply

// advisory_lock.hpp - the first key of walgate's advisory locks, "WALG"; the second says what is locked.
#pragma once

namespace walgate::postgres {

inline constexpr int advisory_lock_class = 0x57414C47;
/// Second key while walgate's own tables are brought up.  A pipeline's is the hash of its name.
inline constexpr int own_tables_lock = 1;
/// Second key while migrations of users run.
inline constexpr int migrations_lock = 2;

}  // namespace walgate::postgres

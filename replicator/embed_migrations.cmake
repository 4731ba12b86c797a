# Writes OUTPUT, a C++ file that holds each of FILES as a string literal.
# The literal is cut into pieces because compilers bound its length.
set(body "")
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} text)
  string(LENGTH "${text}" length)
  set(literal "")
  set(at 0)
  while(at LESS length)
    string(SUBSTRING "${text}" ${at} 8000 piece)
    string(APPEND literal "R\"~~~(${piece})~~~\"\n")
    math(EXPR at "${at} + 8000")
  endwhile()
  string(APPEND body "    {\"${name}\",\n${literal}},\n")
endforeach()
file(WRITE ${OUTPUT} "// Made from migrations/ by embed_migrations.cmake.
#include <array>
#include \"migrate/embedded.hpp\"
namespace walgate::migrate {
namespace {
const std::array migrations = std::to_array<EmbeddedMigration>({
${body}});
}
std::span<const EmbeddedMigration> embedded_migrations() noexcept { return migrations; }
}  // namespace walgate::migrate
")

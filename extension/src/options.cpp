// options.cpp - the table of options.
#include "options.hpp"

#include <cerrno>
#include <iterator>

#include "walgate/wire_format.hpp"

extern "C" {
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/varlena.h"
}

namespace walgate {
namespace {

[[noreturn]] void refuse(const char* name, const char* value, const char* expected) {
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("invalid value \"%s\" for option \"%s\" of walgate", value, name),
                  errdetail("Expected %s.", expected)));
  pg_unreachable();
}

/// A decimal number without sign or blanks; false for anything else.
bool parse_number(const char* text, std::int64_t& number) {
  if (*text == '\0' || std::strspn(text, "0123456789") != std::strlen(text)) return false;
  errno = 0;
  number = std::strtoll(text, nullptr, 10);
  return errno == 0;
}

void read_publications(Options& options, const char* name, const char* value) {
  if (!SplitIdentifierString(pstrdup(value), ',', &options.publications) || options.publications == NIL)
    refuse(name, value, "names separated by commas, quoted as identifiers");
}

void read_format(Options& options, const char* name, const char* value) {
  if (std::strcmp(value, "binary") == 0) {
    options.format = Format::binary;
  } else if (std::strcmp(value, "json") == 0) {
    options.format = Format::json;
  } else {
    refuse(name, value, "binary or json");
  }
}

void read_protocol(Options&, const char* name, const char* value) {
  std::int64_t version = 0;
  if (!parse_number(value, version)) refuse(name, value, "a version number");
  if (version != wire::protocol_version)
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("client asks for version %s of the walgate protocol, this server speaks version %d", value,
                           wire::protocol_version),
                    errhint("Install the same release of walgate on the server and beside the client.")));
}

void read_messages(Options& options, const char* name, const char* value) {
  if (!parse_bool(value, &options.messages)) refuse(name, value, "true or false");
}

void read_origin(Options& options, const char* name, const char* value) {
  if (std::strcmp(value, "any") == 0) {
    options.origin = Origin::any;
  } else if (std::strcmp(value, "none") == 0) {
    options.origin = Origin::none;
  } else {
    refuse(name, value, "any or none");
  }
}

void read_limit(Options& options, const char* name, const char* value) {
  if (!parse_number(value, options.limit) || options.limit == 0) refuse(name, value, "a number from 1");
}

struct OptionReader {
  const char* name;
  void (*read)(Options& options, const char* name, const char* value);
};

constexpr OptionReader readers[] = {
    {"publications", read_publications}, {"format", read_format}, {"protocol", read_protocol},
    {"messages", read_messages},         {"origin", read_origin}, {"limit", read_limit},
};

}  // namespace

Options read_options(List* elements) {
  Options options;
  bool seen[std::size(readers)] = {};
  ListCell* cell = nullptr;
  foreach (cell, elements) {
    const auto* element = static_cast<const DefElem*>(lfirst(cell));
    std::size_t which = 0;
    while (which < std::size(readers) && std::strcmp(readers[which].name, element->defname) != 0) ++which;
    if (which == std::size(readers))
      ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                      errmsg("walgate does not know the option \"%s\"", element->defname),
                      errhint("Its options are publications, format, protocol, messages, origin and limit.")));
    if (seen[which])
      ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                      errmsg("option \"%s\" of walgate is given twice", element->defname)));
    if (element->arg == nullptr)
      ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                      errmsg("option \"%s\" of walgate needs a value", element->defname)));
    seen[which] = true;
    readers[which].read(options, element->defname, strVal(element->arg));
  }
  if (options.publications == NIL)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("option \"publications\" of walgate is missing"),
                    errhint("Name at least one publication.")));
  if (options.limit != 0 && options.format != Format::json)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("option \"limit\" of walgate works with format \"json\" only")));
  return options;
}

}  // namespace walgate

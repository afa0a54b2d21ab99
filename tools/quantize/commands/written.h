// How a command that writes one file ends.
#pragma once

#include <cstdio>
#include <string>

#include "arguments.h"
#include "base/context.h"
#include "base/error.h"
#include "base/files.h"
#include "base/place.h"

namespace quantize::cli {

// Writes `bytes` to the file of -o, whole or not at all, and says so; returns exit code 0. Throws Error{usage} where that is one of the
// files that were read, that of --config among them.
inline int write_and_say(const Arguments& arguments, const std::string& bytes, const std::string& what, const Context& context) {
  auto all_read = arguments.files;
  if (!arguments.options.config_file.empty()) all_read.push_back(arguments.options.config_file);
  for (const auto& read : all_read) {
    if (place_of(read) == place_of(arguments.options.output))
      throw Error(ErrorKind::usage, "-o would overwrite what is read: " + read.string() + "; choose another name");
  }
  FileTransaction files;
  files.write(arguments.options.output, bytes);
  context.check_stop();
  files.publish();
  if (arguments.verbosity != Verbosity::quiet) std::printf("wrote %s (%s)\n", arguments.options.output.c_str(), what.c_str());
  return 0;
}

}  // namespace quantize::cli

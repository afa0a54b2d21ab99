// How a command that writes one file ends.
#pragma once

#include <cstdio>
#include <string>

#include "arguments.h"
#include "base/context.h"
#include "base/files.h"

namespace quantize::cli {

// Writes `bytes` to the file of -o, whole or not at all, and says so; returns exit code 0.
inline int write_and_say(const Arguments& arguments, const std::string& bytes, const std::string& what, const Context& context) {
  FileTransaction files;
  files.write(arguments.options.output, bytes);
  context.check_stop();
  files.publish();
  if (arguments.verbosity != Verbosity::quiet) std::printf("wrote %s (%s)\n", arguments.options.output.c_str(), what.c_str());
  return 0;
}

}  // namespace quantize::cli

// How a stage says that it cannot go on: one exception type with a kind (which decides the program's exit code) and one line of text that
// names the file, node or tensor concerned and what to do about it.
#pragma once

#include <stdexcept>
#include <string>

namespace quantize {

// The values are the exit codes of the program; `quantize --help` lists them.
enum class ErrorKind {
  internal = 1,       // a defect of this program
  usage = 2,          // an option is wrong
  model = 3,          // the model cannot be read, is not valid, or is of a kind that is refused
  data = 4,           // the images or tensors given are missing or unreadable
  output = 5,         // the result cannot be written
  numeric = 6,        // NaN or infinity in a weight or an activation
  verification = 7,   // the result did not pass its own checks, or a preparation step changed the model's function
  missed = 8,         // what was asked of the result (--reach) was not met; the result was written all the same
  interrupted = 130,  // Ctrl-C
};

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}
  [[nodiscard]] ErrorKind kind() const { return kind_; }
  [[nodiscard]] int exit_code() const { return static_cast<int>(kind_); }

 private:
  ErrorKind kind_;
};

}  // namespace quantize

// Assignments as JSON (data/assignment.schema.json).
#pragma once

#include <filesystem>
#include <string>

#include "encode/assignment.h"
#include "encode/placement.h"
#include "encode/scheme.h"
#include "model/model.h"

namespace quantize {

// Every weight and every activation of the placement with its bits, in execution order, so that the file can be read and edited without
// knowing the scheme; nodes that read one weight all have the bits it is stored with. `placement` is the one without nodes left float, as
// for check_assignment().
std::string write_assignment(const Scheme& scheme, const Placement& placement, const Model& model);

// Throws Error{data} naming the file where it is missing, not an assignment, of another version, or made for another model (by
// fingerprint), Error{usage} where it was made for another scheme or holds what cannot be meant.
Assignment read_assignment(const std::filesystem::path& file, const Scheme& scheme, const Model& model);

}  // namespace quantize

#include "pipeline/chosen_target.h"

#include <gtest/gtest.h>

namespace quantize::test {
namespace {

// They may differ: other tools give each tensor its own.
TEST(TargetOf, ImportedEncodingsLeaveConcatInputsTheirOwn) {
  Options options;
  options.target = "ort-cpu";
  EXPECT_EQ(target_of(options).concat, ConcatSharing::lone_inputs);
  options.import_encodings = "other.encodings";
  EXPECT_EQ(target_of(options).concat, ConcatSharing::none);
  options.target = "qnn";  // its runtime cannot otherwise
  EXPECT_EQ(target_of(options).concat, ConcatSharing::all);
}

}  // namespace
}  // namespace quantize::test

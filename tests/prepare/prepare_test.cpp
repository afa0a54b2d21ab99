#include "prepare/prepare.h"

#include "base/error.h"
#include "pass_fixture.h"

namespace quantize::test {
namespace {

constexpr auto two_layers =
    R"(g (float[1,2,6,6] x) => (float[1,3,4,4] y) <float[3,2,3,3] w, float[3] scale, float[3] B, float[3] mean, float[3] var> {
  t = Conv (x, w)
  u = BatchNormalization (t, scale, B, mean, var)
  y = Relu (u)
})";

using Sets = std::vector<std::vector<Tensor>>;

Sets sets_for(const Model& model) { return {random_inputs(model.proto, 1), random_inputs(model.proto, 2)}; }

const PassOutcome& outcome_of(const std::vector<PassOutcome>& outcomes, const std::string& name) {
  for (const auto& outcome : outcomes) {
    if (outcome.name == name) return outcome;
  }
  throw std::runtime_error("no pass " + name);
}

TEST(RunPass, KeepsWhatPassesTheCheck) {
  Model model = text_model(two_layers);
  const Sets inputs = sets_for(model);
  ParityCheck check(model.proto, inputs, {});
  const auto outcome = run_pass(model,
                                {"rename", "",
                                 [](Model& one) {
                                   one.graph().mutable_node(0)->set_name("first");
                                   return std::string("1 renamed");
                                 }},
                                check);
  EXPECT_EQ(outcome.status, PassOutcome::Status::changed);
  EXPECT_EQ(outcome.detail, "1 renamed");
  EXPECT_EQ(model.graph().node(0).name(), "first");
}

TEST(RunPass, UndoesWhatMovesAnOutput) {
  Model model = text_model(two_layers);
  const std::string before = serialize(model.proto);
  const Sets inputs = sets_for(model);
  ParityCheck check(model.proto, inputs, {});
  const auto outcome = run_pass(model,
                                {"break", "",
                                 [](Model& one) {
                                   one.graph().mutable_node(2)->set_op_type("Neg");
                                   return std::string("1 broken");
                                 }},
                                check);
  EXPECT_EQ(outcome.status, PassOutcome::Status::undone);
  EXPECT_NE(outcome.detail.find("output 'y' moved"), std::string::npos) << outcome.detail;
  EXPECT_GT(outcome.difference, 1e-4);
  EXPECT_EQ(serialize(model.proto), before);
}

TEST(RunPass, UndoesWhatOnnxRuntimeCannotLoad) {
  Model model = text_model(two_layers);
  const std::string before = serialize(model.proto);
  const Sets inputs = sets_for(model);
  ParityCheck check(model.proto, inputs, {});
  const auto outcome = run_pass(model,
                                {"break", "",
                                 [](Model& one) {
                                   one.graph().mutable_node(2)->set_op_type("NoSuchOperator");
                                   return std::string("1 broken");
                                 }},
                                check);
  EXPECT_EQ(outcome.status, PassOutcome::Status::undone);
  EXPECT_EQ(serialize(model.proto), before);
}

TEST(RunPass, UndoesHalfAnEdit) {
  Model model = text_model(two_layers);
  const std::string before = serialize(model.proto);
  const Sets inputs = sets_for(model);
  ParityCheck check(model.proto, inputs, {});
  const auto outcome = run_pass(model,
                                {"throw", "",
                                 [](Model& one) -> std::string {
                                   one.graph().clear_node();
                                   throw std::runtime_error("no");
                                 }},
                                check);
  EXPECT_EQ(outcome.status, PassOutcome::Status::undone);
  EXPECT_EQ(outcome.detail, "no");
  EXPECT_EQ(serialize(model.proto), before);
}

// A pass that counts how often it ran and gives every convolution's weight this factor.
Pass scaling_pass(const std::string& name, float factor, int& runs) {
  return {name, "", [factor, &runs](Model& one) {
            ++runs;
            auto& weight = *find_initializer(one.graph(), "w");
            auto values = float_values(weight);
            for (auto& value : values) value *= factor;
            put_initializer(one.graph(), make_tensor("w", shape_of(weight), values));
            return std::string("scaled");
          }};
}

TEST(RunPasses, ChecksAllPassesTogether) {
  Model model = text_model(two_layers);
  const Sets inputs = sets_for(model);
  ParityCheck check(model.proto, inputs, {});
  int up = 0, down = 0;  // neither keeps the function, both do
  const auto outcomes = run_passes(model, {scaling_pass("up", 2, up), scaling_pass("down", 0.5F, down)}, false, check, Context{}).passes;
  EXPECT_EQ(outcome_of(outcomes, "up").status, PassOutcome::Status::changed);
  EXPECT_EQ(outcome_of(outcomes, "down").status, PassOutcome::Status::changed);
  EXPECT_EQ(up + down, 2);
}

TEST(RunPasses, FindsTheOneToBlameWhereTheyFailTogether) {
  Model model = text_model(two_layers);
  const Model before = model;
  const Sets inputs = sets_for(model);
  ParityCheck check(model.proto, inputs, {});
  int same = 0, wrong = 0, last = 0;
  const std::vector<Pass> passes = {scaling_pass("same", 1, same), scaling_pass("wrong", 2, wrong), scaling_pass("last", 1, last)};
  const auto outcomes = run_passes(model, passes, false, check, Context{}).passes;
  EXPECT_EQ(outcome_of(outcomes, "same").status, PassOutcome::Status::changed);
  EXPECT_EQ(outcome_of(outcomes, "wrong").status, PassOutcome::Status::undone);
  EXPECT_EQ(outcome_of(outcomes, "last").status, PassOutcome::Status::changed);
  EXPECT_EQ(same + wrong + last, 6);
  expect_same_function(before.proto, model.proto);
  EXPECT_THROW(run_passes(model, passes, true, check, Context{}), Error);
}

TEST(Prepare, TellsWhatThePreparedModelMakesOfItsInputs) {
  for (const char* text : {two_layers, R"(g (float[1,2,6,6] x) => (float[1,2,6,6] y) { y = Relu (x) })"}) {  // changed, and not
    Model model = text_model(text);
    const Sets inputs = sets_for(model);
    const auto outputs = prepare(model, {.keep_outputs = true}, inputs, Context{}).outputs;
    ASSERT_EQ(outputs.size(), inputs.size());
    for (std::size_t set = 0; set < inputs.size(); ++set)
      EXPECT_LE(largest_difference(run_model(model.proto, inputs[set]), outputs[set]), 1e-6);
  }
}

TEST(Prepare, DoesNotDependOnHowManyInputSetsRunAtOnce) {
  Context several;
  several.threads = 4;
  Model one = text_model(two_layers), other = one;
  const Sets inputs = sets_for(one);
  const PrepareOptions kept{.keep_outputs = true};
  const auto a = prepare(one, kept, inputs, Context{}).outputs, b = prepare(other, kept, inputs, several).outputs;
  for (std::size_t set = 0; set < inputs.size(); ++set) EXPECT_EQ(a[set][0].bytes, b[set][0].bytes);
  EXPECT_TRUE(prepare(one, {}, inputs, several).outputs.empty()) << "not asked for";
}

TEST(Prepare, FoldsAndSaysSo) {
  Model model = text_model(two_layers);
  const Model before = model;
  const Sets inputs = sets_for(model);
  const auto outcomes = prepare(model, {}, inputs, Context{}).passes;
  EXPECT_EQ(operators(model), "Conv Relu");
  EXPECT_EQ(outcome_of(outcomes, "fold-batch-norm").status, PassOutcome::Status::changed);
  EXPECT_EQ(outcome_of(outcomes, "fold-batch-norm").detail, "1 folded");
  EXPECT_LT(outcome_of(outcomes, "fold-batch-norm").difference, 1e-5);
  EXPECT_EQ(outcome_of(outcomes, "unpack-constants").status, PassOutcome::Status::unchanged);
  expect_same_function(before.proto, model.proto);
}

// Everything an old exporter does at once: format 3, opset 7, weights as inputs, constants behind nodes, attributes that are inputs now.
TEST(Prepare, OldExport) {
  Model model = text_model(
      R"(g (float[1,2,4,4] x, float[3,2,3,3] w) => (float[1,3] y, float[1,3,8,8] z) <float[3] scale, float[3] B, float[3] mean, float[3] var, float[3,1,1] b> {
    k = Constant <value = float {2}> ()
    w2 = Mul (w, k)
    c = Conv <pads = [1,1,1,1]> (x, w2)
    d = Add (c, b)
    n = BatchNormalization <spatial = 1> (d, scale, B, mean, var)
    r = Clip <min = 0.0, max = 6.0> (n)
    o = Dropout <ratio = 0.3> (r)
    z = Upsample <mode = "linear", scales = [1.0, 1.0, 2.0, 2.0]> (o)
    p = GlobalAveragePool (o)
    q = Squeeze <axes = [2, 3]> (p)
    y = Softmax (q)
  })",
      7, 3);
  *model.graph().add_initializer() = make_tensor("w", {3, 2, 3, 3}, std::vector<float>(54, 0.125F));
  for (const auto& tensor : model.graph().initializer()) {
    if (tensor.name() == "w") continue;
    auto& input = *model.graph().add_input();
    input.set_name(tensor.name());
    input.mutable_type()->mutable_tensor_type()->set_elem_type(tensor.data_type());
    for (const auto dimension : tensor.dims())
      input.mutable_type()->mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(dimension);
  }
  check_model(model.proto, "before");
  const Model before = model;
  const Sets inputs = sets_for(model);
  for (const auto& outcome : prepare(model, {}, inputs, Context{}).passes)
    EXPECT_NE(outcome.status, PassOutcome::Status::undone) << outcome.name << ": " << outcome.detail;
  check_model(model.proto, "after");
  EXPECT_EQ(operators(model), "Conv Clip Resize GlobalAveragePool Squeeze Softmax");
  EXPECT_EQ(opset_of(model.proto), 17);
  ASSERT_EQ(model.graph().input_size(), 1);
  expect_same_function(before.proto, model.proto);
}

TEST(Prepare, RaisesToTheOpsetAskedFor) {
  Model model = text_model(two_layers, 13);
  const Sets inputs = sets_for(model);
  prepare(model, {.opset = 21}, inputs, Context{});
  EXPECT_EQ(opset_of(model.proto), 21);
}

TEST(Prepare, FreeDimensionsStayFree) {
  Model model =
      text_model(R"(g (float[N,2,H,W] x) => (float[N,3,P,Q] y) <float[3,2,3,3] w, float[3] scale, float[3] B, float[3] mean, float[3] var> {
    t = Conv <pads = [1,1,1,1]> (x, w)
    y = BatchNormalization (t, scale, B, mean, var)
  })");
  const Sets inputs = sets_for(model);
  prepare(model, {}, inputs, Context{});
  EXPECT_EQ(operators(model), "Conv");
  EXPECT_EQ(model.graph().input(0).type().tensor_type().shape().dim(0).dim_param(), "N");
  const std::vector<Tensor> larger = {Tensor::zeros(onnx::TensorProto::FLOAT, {3, 2, 5, 7})};
  EXPECT_EQ(run_model(model.proto, larger)[0].shape, (Shape{3, 3, 5, 7}));
}

// A model ONNX Runtime's newest opset has no kernel for cannot be raised that far, and no correct result can be made.
TEST(Prepare, FailedRaiseIsAnErrorThatNamesBothOpsets) {
  Model model = text_model(
      "g (float[1,2,8,8] x) => (float[1,2,2,2] y) <float[1,4] r = {1, 1, 5, 6}, int64[1] b = {0}> { y = RoiAlign <output_height = 2, "
      "output_width = 2> (x, r, b) }",
      16);
  const Sets inputs = sets_for(model);
  try {
    prepare(model, {.opset = 22}, inputs, Context{});
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::verification);
    EXPECT_NE(std::string(error.what()).find("opset 16 to 22"), std::string::npos) << error.what();
  }
}

TEST(Prepare, ModelThatDoesNotRunIsRefused) {
  Model model = text_model("g (float[1,2,8,8] x) => (float[N] y) { y = Reshape (x, x) }");
  const Sets inputs = sets_for(model);
  try {
    prepare(model, {}, inputs, Context{});
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::model);
  }
}

TEST(Prepare, StopsWhenAsked) {
  Model model = text_model(two_layers);
  const Sets inputs = sets_for(model);
  std::stop_source source;
  source.request_stop();
  Context context;
  context.stop = source.get_token();
  EXPECT_THROW(prepare(model, {}, inputs, context), Error);
}

TEST(PassList, NamesAreFileNamesAndSummariesAreThere) {
  for (const auto& pass : preparation_passes({})) {
    EXPECT_EQ(pass.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-"), std::string::npos) << pass.name;
    EXPECT_FALSE(pass.summary.empty()) << pass.name;
  }
}

}  // namespace
}  // namespace quantize::test

// Stopping on the way changes no value, and what nobody reads any more is dropped.
#include "optimize/replay.h"

#include <gtest/gtest.h>

#include "encode/plan_fixture.h"
#include "model/edit.h"

namespace quantize::test {
namespace {

constexpr const char* graph = R"(g (float[1,2,4,4] x) => (float[1,2,4,4] y) <float[2,2,1,1] w, float[2,2,1,1] v> {
  a = Conv (x, w)
  b = Relu (a)
  c = Conv (b, v)
  y = Add (c, a)
})";

Tensor expected_value(const Model& model, const std::string& tensor, std::size_t sample) {
  Model tapped = model;
  tapped.graph().clear_output();
  tapped.graph().add_output()->set_name(tensor);
  return run_model(tapped.proto, random_samples(model)(sample))[0];
}

// The replay's kernels are not those of an unoptimized session: the last bit may differ.
double difference(const Tensor& a, const Tensor& b) { return largest_difference({b}, {a}); }

TEST(Replay, ValuesAreThoseOfTheWholeNetwork) {
  const Model model = text_model(graph);
  const Context context;
  Replay replay(model.proto, random_samples(model), 3, context);
  EXPECT_EQ(replay.samples(), 3U);
  for (const auto& [node, tensor] : std::vector<std::pair<int, std::string>>{{0, "x"}, {2, "b"}, {2, "a"}, {3, "c"}}) {
    replay.advance_to(node);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_LE(difference(replay.value(i, tensor), expected_value(model, tensor, i)), 1e-6) << tensor;
  }
}

TEST(Replay, OnlyWhatIsStillReadIsKept) {
  const Model model = text_model(graph);
  const Context context;
  Replay replay(model.proto, random_samples(model), 1, context);
  const std::size_t one = 2 * 4 * 4 * sizeof(float);
  EXPECT_EQ(replay.live_bytes(), one);  // x
  replay.advance_to(1);
  EXPECT_EQ(replay.live_bytes(), one);  // a
  replay.advance_to(2);
  EXPECT_EQ(replay.live_bytes(), 2 * one);  // a and b
  EXPECT_THROW((void)replay.value(0, "x"), std::out_of_range);
}

TEST(Replay, ASequenceIsMadeAgainForEveryReader) {
  const Model model = text_model(R"(g (float[1,4,2,2] x) => (float[1,2,2,2] y) <int64[2] sizes = {2, 2}, int64 one = {1}, int64 two = {0}> {
    r = Relu (x)
    s = SplitToSequence <axis = 1> (r, sizes)
    a = SequenceAt (s, two)
    n = Neg (a)
    b = SequenceAt (s, one)
    y = Add (n, b)
  })");
  const Context context;
  Replay replay(model.proto, random_samples(model), 1, context);
  for (const auto& [node, tensor] : std::vector<std::pair<int, std::string>>{{3, "a"}, {5, "b"}, {5, "n"}}) {
    replay.advance_to(node);
    EXPECT_LE(difference(replay.value(0, tensor), expected_value(model, tensor, 0)), 1e-6) << tensor;
  }
}

TEST(Replay, SeveralNetworksAdvanceTogether) {
  const Model model = text_model(graph);
  const Context context;
  Replay one(model.proto, random_samples(model), 2, context), other(model.proto, random_samples(model), 3, context);
  const Replay::Advance both[] = {{&one, 3}, {&other, 2}};
  Replay::advance_all(both, context);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_LE(difference(one.value(i, "c"), expected_value(model, "c", i)), 1e-6);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_LE(difference(other.value(i, "b"), expected_value(model, "b", i)), 1e-6);
}

// Their sessions would each take several times the weights.
TEST(Replay, NetworksOfLargeWeightsAdvanceToTheSameValues) {
  const Model model = text_model(R"(g (float[1,2100] x) => (float[1,4100] y) <float[2100,4100] w> {
    a = Relu (x)
    b = MatMul (a, w)
    y = Neg (b)
  })");
  const Context context;
  Replay one(model.proto, random_samples(model), 1, context), other(model.proto, random_samples(model), 2, context);
  const Replay::Advance both[] = {{&one, 2}, {&other, 2}};
  Replay::advance_all(both, context);
  EXPECT_LE(difference(one.value(0, "b"), expected_value(model, "b", 0)), 1e-4);
  EXPECT_LE(difference(other.value(1, "b"), expected_value(model, "b", 1)), 1e-4);
}

TEST(LiveActivationBytes, AreTheMostThatAReplayKeeps) {
  const Model model =
      text_model(R"(g (float[1,2,4,4] x) => (float[1,2,N,M] y) <float[6,2,1,1] w, float[2,6,1,1] v, float[4] s = {1, 1, 2, 2}> {
    a = Conv (x, w)
    b = Relu (a)
    c = Conv (b, v)
    d = Resize <mode = "nearest"> (c, , s)
    z = Resize <mode = "nearest"> (x, , s)
    y = Add (d, z)
  })");
  const Context context;
  Replay replay(model.proto, random_samples(model), 1, context);
  std::size_t most = replay.live_bytes();
  for (int node = 1; node <= model.graph().node_size(); ++node) {
    replay.advance_to(node);
    most = std::max(most, replay.live_bytes());
  }
  EXPECT_EQ(most, 2 * 2 * 64 * sizeof(float));  // d and z
  EXPECT_EQ(live_activation_bytes(model.proto, random_samples(model)(0), context), most);
}

TEST(LiveActivationBytes, TensorsOfSequencesAreCountedWhereTheyAreTakenOut) {
  const Model model = text_model(R"(g (float[4,8] x) => (float[2,8] y) <int64 size = {2}, int64 first = {0}> {
    parts = SplitToSequence <axis = 0> (x, size)
    part = SequenceAt (parts, first)
    y = Neg (part)
  })");
  EXPECT_EQ(live_activation_bytes(model.proto, random_samples(model)(0), Context()), 4 * 8 * sizeof(float));
}

TEST(LiveActivationBytes, AreRunForWhereTheModelDoesNotSayEnough) {
  const Model fixed = text_model(graph);
  Model open = fixed;
  open.graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(0)->set_dim_param("n");
  open.graph().mutable_output(0)->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(0)->set_dim_param("n");
  const auto inputs = random_samples(fixed)(0);
  EXPECT_EQ(live_activation_bytes(open.proto, inputs, Context()), live_activation_bytes(fixed.proto, inputs, Context()));
}

TEST(Replay, WeightsOfNodesToComeMayChange) {
  Model model = text_model(graph), other = model;
  const Context context;
  Replay replay(model.proto, random_samples(model), 1, context);
  replay.advance_to(2);
  for (auto* changed : {&model, &other}) put_initializer(changed->graph(), make_tensor("v", {2, 2, 1, 1}, std::vector<float>{1, 2, 3, 4}));
  replay.advance_to(3);
  EXPECT_LE(difference(replay.value(0, "c"), expected_value(other, "c", 0)), 1e-6);
}

TEST(Replay, SubgraphsKeepWhatTheyCapture) {
  const Model model = text_model(R"(g (float[2] x, bool k) => (float[2] y) {
    a = Neg (x)
    b = Relu (a)
    y = If (k) <then_branch = p () => (float[2] q) { q = Add (a, b) }, else_branch = e () => (float[2] f) { f = Identity (a) }>
  })");
  const Context context;
  Replay replay(model.proto, random_samples(model), 1, context);
  replay.advance_to(2);
  EXPECT_EQ(replay.value(0, "a").bytes, expected_value(model, "a", 0).bytes);
}

}  // namespace
}  // namespace quantize::test

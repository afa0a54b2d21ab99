#include "dataset/room.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace quantize {
namespace {

// How much was taken at once, at the most, by several threads that want so much each.
std::size_t most_taken(std::size_t bytes, const std::vector<std::size_t>& wanted) {
  Room room(bytes);
  std::atomic<std::size_t> taken{0}, most{0};
  {
    std::vector<std::jthread> threads;
    for (const std::size_t each : wanted) {
      threads.emplace_back([&room, &taken, &most, each] {
        for (int i = 0; i < 50; ++i) {
          const Room::Stay stay(room, each);
          const std::size_t now = taken += each;
          for (std::size_t before = most; before < now && !most.compare_exchange_weak(before, now);) {
          }
          std::this_thread::yield();
          taken -= each;
        }
      });
    }
  }
  return most;
}

TEST(Room, HoldsNoMoreThanItsSize) { EXPECT_LE(most_taken(10, {4, 4, 3, 3, 7}), 10U); }

TEST(Room, GivesAllOfItselfToWhoeverWantsMore) { EXPECT_LE(most_taken(10, {25, 4, 4, 25}), 25U); }

TEST(Room, RemembersWhatWasWantedMost) {
  Room room(10);
  { const Room::Stay stay(room, 25); }
  { const Room::Stay stay(room, 4); }
  EXPECT_EQ(room.most_wanted(), 25U);
}

}  // namespace
}  // namespace quantize

// Memory that several threads share: a thread waits until there is room for what it is about to do.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace quantize {

class Room {
 public:
  explicit Room(std::size_t bytes) : bytes_(bytes) {}

  // Takes its bytes while it lives. Whoever wants more than there is gets it alone.
  class Stay {
   public:
    Stay(Room& room, std::size_t bytes) : room_(room), bytes_(bytes) {
      std::unique_lock lock(room_.mutex_);
      room_.most_wanted_ = std::max(room_.most_wanted_, bytes_);
      room_.left_.wait(lock, [&] { return room_.taken_ == 0 || (bytes_ <= room_.bytes_ && room_.taken_ <= room_.bytes_ - bytes_); });
      room_.taken_ += bytes_;
    }
    Stay(const Stay&) = delete;
    Stay& operator=(const Stay&) = delete;
    ~Stay() {
      {
        const std::lock_guard lock(room_.mutex_);
        room_.taken_ -= bytes_;
      }
      room_.left_.notify_all();
    }

   private:
    Room& room_;
    std::size_t bytes_;
  };

  // The most that one stay took.
  [[nodiscard]] std::size_t most_wanted() const { return most_wanted_; }

 private:
  std::size_t bytes_, taken_ = 0, most_wanted_ = 0;
  std::mutex mutex_;
  std::condition_variable left_;
};

}  // namespace quantize

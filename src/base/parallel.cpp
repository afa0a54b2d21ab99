#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace quantize {

namespace {

void run_on(unsigned at_most, const Context& context, std::size_t count, const std::function<void(std::size_t, unsigned)>& body) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::size_t failed_index = count;
  std::exception_ptr failure;

  const auto work = [&](unsigned worker) {
    for (std::size_t index = next++; index < count; index = next++) {
      try {
        context.check_stop();
        body(index, worker);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (index < failed_index) {
          failed_index = index;
          failure = std::current_exception();
        }
        next = count;  // indices are handed out in order, so nothing below this one is still to be taken
      }
    }
  };

  const auto workers = static_cast<unsigned>(std::clamp<std::size_t>(at_most, 1, std::max<std::size_t>(count, 1)));
  {
    std::vector<std::jthread> threads;
    try {
      for (unsigned worker = 1; worker < workers; ++worker) threads.emplace_back(work, worker);
    } catch (const std::system_error&) {  // no room for another thread: fewer do the same work
    }
    work(0);
  }
  if (failure) std::rethrow_exception(failure);
  context.check_stop();
}

}  // namespace

void parallel_for(const Context& context, std::size_t count, const std::function<void(std::size_t, unsigned)>& body) {
  run_on(context.threads, context, count, body);
}

void parallel_for_samples(const Context& context, std::size_t count, const std::function<void(std::size_t, unsigned)>& body) {
  run_on(context.samples_at_once(), context, count, body);
}

}  // namespace quantize

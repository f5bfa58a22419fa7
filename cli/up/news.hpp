// Events from other threads for one thread that waits in poll(2).
#pragma once

#include "ringfort/platform/fd.hpp"
#include "ringfort/specs/names.hpp"
#include "ringfort/specs/status.hpp"

#include <memory>
#include <mutex>
#include <utility>
#include <variant>
#include <vector>

namespace ringfort::cli {

struct ContainerEnded {
  ContainerId id;
  ExitRecord exit;
};
struct SignalCame {
  int number = 0;
};
struct StopFinished {};
using News = std::variant<ContainerEnded, SignalCame, StopFinished>;

class NewsBox {
 public:
  static Result<std::shared_ptr<NewsBox>> make();
  NewsBox(platform::Fd read, platform::Fd write)
      : read_(std::move(read)), write_(std::move(write)) {}

  void put(News news);                    ///< from any thread
  std::vector<News> take();               ///< without waiting
  int fd() const { return read_.get(); }  ///< readable when there is something to take

 private:
  std::mutex mutex_;
  std::vector<News> news_;
  platform::Fd read_;
  platform::Fd write_;
};

}  // namespace ringfort::cli

#include "ringfort/cli/up/news.hpp"

#include "ringfort/cli/pipes.hpp"

#include <array>

#include <fcntl.h>
#include <unistd.h>

namespace ringfort::cli {

Result<std::shared_ptr<NewsBox>> NewsBox::make() {
  auto pipe = make_pipe();
  if (!pipe) return fail(pipe.error());
  // A full pipe wakes the reader as well as one more byte would.
  for (const int fd : {pipe->read.get(), pipe->write.get()}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
  return std::make_shared<NewsBox>(std::move(pipe->read), std::move(pipe->write));
}

void NewsBox::put(News news) {
  const std::lock_guard lock(mutex_);
  news_.push_back(std::move(news));
  (void)!::write(write_.get(), "", 1);
}

std::vector<News> NewsBox::take() {
  std::array<char, 256> bytes{};
  const std::lock_guard lock(mutex_);
  while (::read(read_.get(), bytes.data(), bytes.size()) > 0) {
  }
  return std::exchange(news_, {});
}

}  // namespace ringfort::cli

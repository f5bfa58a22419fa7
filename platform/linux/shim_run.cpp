#include "ringfort/platform/linux/shim_run.hpp"

#include "ringfort/platform/linux/unix_message.hpp"
#include "ringfort/platform/start_failure.hpp"

#include <array>
#include <cstring>
#include <mutex>

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

namespace ringfort::platform {
namespace {

/// The version is filled in when it is sent.
wire::ControlRequest make_request(wire::ControlOp op, std::int32_t number = 0,
                                  std::int64_t usec = 0, std::uint16_t flags = 0) {
  return {0, op, flags, number, usec};
}

Error gone(const std::string& container) {
  // The container is there still: not NotFound.
  return {ErrorKind::Conflict, "has just ended", "ask for its state", container, ESRCH};
}

Error busy(const std::string& container) {
  return {ErrorKind::Conflict, "another exec is running in this container",
          "wait for it, or use durability process", container, EBUSY};
}

int code_of(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// From the word that a run is over to the end of its shim.
constexpr Duration kLastReplies = std::chrono::seconds(1);

}  // namespace

/// A command in progress: reads its output until it has ended and what it wrote is read.
class ExecJob : public std::enable_shared_from_this<ExecJob> {
 public:
  using Done = std::function<void(Result<ExecResult>)>;
  ExecJob(EventLoop& loop, std::string container, std::size_t limit, Done done)
      : loop_(loop), container_(std::move(container)), limit_(limit), done_(std::move(done)) {}

  void start(Fd connection, std::uint8_t protocol, Run::ExecRequest request) {
    plan_ = std::move(request.plan);
    protocol_ = protocol;
    connection_ = std::move(connection);
    auto sent = request.stdin_fd >= 0
                    ? send_request({request.stdin_fd, request.stdout_fd, request.stderr_fd})
                    : send_with_pipes(request.stdin_text);
    if (!sent) return finish(fail(sent.error()));
    auto self = shared_from_this();
    const std::lock_guard lock(mutex_);
    connection_token_ = loop_.watch(connection_.get(), [self](std::uint32_t) { self->on_reply(); });
    for (int stream = 0; stream < 2; ++stream)
      if (pipe_[stream])
        pipe_token_[stream] = loop_.watch(
            pipe_[stream].get(), [self, stream](std::uint32_t) { self->on_output(stream); });
    if (request.cancel_fd < 0) return;
    cancel_fd_ = request.cancel_fd;
    cancel_token_ = loop_.watch(cancel_fd_, [self](std::uint32_t) { self->on_cancel(); });
  }

  /// On the loop's thread, when the shim is gone: what it has sent is here by now.
  void end_unless_answered() {
    char any = 0;
    if (!is_taken_up_ && connection_ &&
        ::recv(connection_.get(), &any, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN)
      finish(fail(gone(container_)));
  }

 private:
  Status send_with_pipes(const std::string& stdin_text) {
    auto input = sealed_memory("ringfort-stdin", std::as_bytes(std::span(stdin_text)));
    if (!input) return fail(input.error());
    std::array<Fd, 2> theirs;
    for (std::size_t stream = 0; stream < 2; ++stream) {
      int ends[2];
      if (::pipe2(ends, O_CLOEXEC) != 0) return fail(os_error("cannot make a pipe for an exec"));
      ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
      pipe_[stream] = Fd{ends[0]};
      theirs[stream] = Fd{ends[1]};
    }
    return send_request({input->get(), theirs[0].get(), theirs[1].get()});
  }

  Status send_request(const std::array<int, 3>& streams) {
    auto plan = sealed_memory("ringfort-plan", encode(plan_, protocol_));
    if (!plan) return fail(plan.error());
    const std::array<int, 4> fds{plan->get(), streams[0], streams[1], streams[2]};
    auto request = make_request(wire::ControlOp::Exec);
    request.version = protocol_;
    if (send_message(connection_.get(), &request, sizeof request, fds, 0) != 0)
      return fail(gone(container_));
    return {};
  }

  /// False at the end of the pipe.
  bool read_output(int stream) {
    std::array<char, 16384> buffer;
    for (;;) {
      const auto size = ::read(pipe_[stream].get(), buffer.data(), buffer.size());
      if (size < 0) return errno == EAGAIN || errno == EINTR;
      if (size == 0) return false;
      std::string& text = stream == 0 ? result_.out : result_.err;
      const std::size_t room = limit_ - std::min(limit_, text.size());
      text.append(buffer.data(), std::min(room, static_cast<std::size_t>(size)));
      if (static_cast<std::size_t>(size) > room) result_.truncated = true;
    }
  }

  void on_output(int stream) {
    const std::lock_guard lock(mutex_);
    if (!pipe_[stream]) return;
    if (read_output(stream)) return;
    loop_.forget(pipe_[stream].get(), pipe_token_[stream]);
    pipe_[stream].reset();
  }

  void on_reply() {
    wire::ControlReply reply{};
    const auto size = ::recv(connection_.get(), &reply, sizeof reply, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size != sizeof reply) return finish(fail(gone(container_)));
    if (reply.kind == wire::ReplyKind::ExecStarted) is_taken_up_ = true;
    // Done: the answer to an earlier request on a private connection.
    if (reply.kind == wire::ReplyKind::ExecStarted || reply.kind == wire::ReplyKind::Done) return;
    if (reply.kind == wire::ReplyKind::ExecEnded) return on_end(reply);
    if (reply.kind == wire::ReplyKind::ExecFailed && reply.error == EBUSY)
      return finish(fail(busy(container_)));
    if (reply.step == wire::Step::Exec) {
      // As in a shell: not found and not executable are codes of the command, with the reason on
      // its stderr.
      result_.code = start_failure_record(reply.step, reply.error).code;
      result_.err += to_string(start_failure(reply.step, reply.error, 0, plan_, {})) + "\n";
      return finish(std::move(result_));
    }
    if (reply.error == ESRCH) return finish(fail(gone(container_)));
    finish(fail(start_failure(reply.step, reply.error, 0, plan_, container_)));
  }

  /// The shim kills a command whose connection closes.
  void on_cancel() {
    result_.code = 128 + SIGKILL;
    finish(std::move(result_));
  }

  void on_end(const wire::ControlReply& reply) {
    {
      // What the command wrote is in the pipes by now; whoever else holds them is not waited for.
      const std::lock_guard lock(mutex_);
      for (int stream = 0; stream < 2; ++stream)
        if (pipe_[stream]) read_output(stream);
    }
    result_.timed_out = reply.number != 0;
    result_.code = result_.timed_out ? 124 : code_of(reply.status);
    finish(std::move(result_));
  }

  void finish(Result<ExecResult> result) {
    Done done;
    {
      const std::lock_guard lock(mutex_);
      if (connection_token_ != 0) loop_.forget(connection_.get(), connection_token_);
      for (int stream = 0; stream < 2; ++stream)
        if (pipe_[stream] && pipe_token_[stream] != 0)
          loop_.forget(pipe_[stream].get(), pipe_token_[stream]);
      if (cancel_token_ != 0) loop_.forget(cancel_fd_, cancel_token_);
      connection_token_ = cancel_token_ = 0;
      connection_.reset();
      for (Fd& pipe : pipe_) pipe.reset();
      done = std::move(done_);
      done_ = nullptr;
    }
    if (done) done(std::move(result));
  }

  EventLoop& loop_;
  std::string container_;
  std::size_t limit_;
  Done done_;
  std::mutex mutex_;  // start() runs on the caller's thread, the rest on the loop's
  LaunchPlan plan_;
  std::uint8_t protocol_ = 0;
  Fd connection_;
  Fd pipe_[2];
  int cancel_fd_ = -1;
  std::uint64_t connection_token_ = 0;
  std::uint64_t cancel_token_ = 0;
  std::uint64_t pipe_token_[2] = {0, 0};
  bool is_taken_up_ = false;  ///< by the shim: its end will be heard of
  ExecResult result_;
};

ShimRun::ShimRun(EventLoop& loop, std::string container, std::string state_dir,
                 Fd private_connection, std::uint32_t protocol)
    : loop_(loop),
      protocol_(static_cast<std::uint8_t>(protocol)),
      container_(std::move(container)),
      state_dir_(std::move(state_dir)),
      private_connection_(std::move(private_connection)) {}

ShimRun::~ShimRun() {
  for (const auto& weak : jobs_)
    if (const auto job = weak.lock())
      loop_.run_after(kLastReplies, [job] { job->end_unless_answered(); });
}

void ShimRun::remember(const std::shared_ptr<ExecJob>& job) {
  const std::lock_guard lock(mutex_);
  std::erase_if(jobs_, [](const auto& known) { return known.expired(); });
  jobs_.push_back(job);
}

Result<Fd> ShimRun::connect() const {
  if (!understands(protocol_))
    return fail(
        Error{ErrorKind::Unsupported,
              "its shim is of another version of ringfort (protocol " + std::to_string(protocol_) +
                  ", ours is " + std::to_string(helper_protocol()) + ")",
              "use the command of that version, or kill its process by hand", container_, 0});
  if (private_connection_) {
    Fd copy{::fcntl(private_connection_.get(), F_DUPFD_CLOEXEC, 3)};
    if (!copy) return fail(os_error("cannot copy a control connection"));
    return copy;
  }
  // Through a descriptor of the directory: a socket's own path may not be longer than 107 bytes.
  const Fd directory{::open(state_dir_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!directory) return fail(gone(container_));
  Fd socket{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket) return fail(os_error("cannot make a socket"));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = "/proc/self/fd/" + std::to_string(directory.get()) + "/sock";
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == EAGAIN)
      return fail(ErrorKind::Timeout, "the container's shim has too many callers", "try again");
    return fail(gone(container_));
  }
  return socket;
}

Status ShimRun::send(wire::ControlRequest request) const {
  auto connection = connect();
  if (!connection) return fail(connection.error());
  request.version = protocol_;
  if (send_message(connection->get(), &request, sizeof request, {}, MSG_DONTWAIT) != 0)
    return fail(gone(container_));
  return {};
}

Status ShimRun::stop(Duration patience) {
  return send(make_request(wire::ControlOp::Stop, 0, patience.count()));
}

Status ShimRun::signal(int number, bool whole_tree) {
  return send(make_request(wire::ControlOp::Signal, number, 0,
                           static_cast<std::uint16_t>(whole_tree ? wire::kWholeTree : 0U)));
}

Status ShimRun::kill_tree(bool oom) {
  const auto why = oom ? std::int32_t{wire::kOom} : std::int32_t{wire::kStopped | wire::kAbandoned};
  return send(make_request(wire::ControlOp::KillTree, why));
}

Status ShimRun::freeze() { return send(make_request(wire::ControlOp::Freeze)); }

Status ShimRun::thaw() { return send(make_request(wire::ControlOp::Thaw)); }

void ShimRun::exec(ExecRequest request, std::function<void(Result<ExecResult>)> done) {
  const auto refuse = [this](std::function<void(Result<ExecResult>)> whom, Error error) {
    loop_.run_after(Duration{0},
                    [whom = std::move(whom), error = std::move(error)] { whom(fail(error)); });
  };
  if (private_connection_) {
    // Others hold copies of it, so it can't be closed to end the command.
    if (request.cancel_fd >= 0)
      return refuse(std::move(done),
                    {ErrorKind::Unsupported, "an exec in this container can't be cancelled",
                     "use durability process", container_, 0});
    if (private_exec_->exchange(true)) return refuse(std::move(done), busy(container_));
    done = [done = std::move(done), running = private_exec_](Result<ExecResult> result) {
      *running = false;
      done(std::move(result));
    };
  }
  auto connection = connect();
  if (!connection) return refuse(std::move(done), connection.error());
  auto job = std::make_shared<ExecJob>(loop_, container_, request.output_limit, std::move(done));
  remember(job);
  job->start(std::move(*connection), protocol_, std::move(request));
}

}  // namespace ringfort::platform

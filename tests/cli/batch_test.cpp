#include "ringfort/cli/batch/job_line.hpp"
#include "ringfort/cli/batch/line_reader.hpp"
#include "ringfort/cli/pipes.hpp"

#include <gmock/gmock.h>

#include <thread>

#include <unistd.h>

namespace ringfort::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(JobLine, AddsListsAndReplacesTheRest) {
  JobFlags defaults;
  defaults.read = {"/a"};
  defaults.env = {{"A", "1"}};
  defaults.memory = Bytes{1};
  JobLine job;
  const auto read = read_job_line(
      R"({"id":"x","cmd":["sh","-c",7],"env":{"B":"2"},"read":["/b"],"write":["/w"],"net":"local",
          "timeout":"5s","grace":"0","memory":"64Mi","stdin":"in","connect":[80],"port":true})",
      defaults, job);
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(job.id, "x");
  EXPECT_THAT(job.command, ElementsAre("sh", "-c", "7"));
  EXPECT_THAT(job.flags.env, ElementsAre(Pair("A", "1"), Pair("B", "2")));
  EXPECT_THAT(job.flags.read, ElementsAre("/a", "/b"));
  EXPECT_THAT(job.flags.write, ElementsAre("/w"));
  EXPECT_EQ(job.flags.net, NetMode::Local);
  EXPECT_EQ(job.flags.timeout, std::chrono::seconds{5});
  EXPECT_EQ(job.flags.grace, Duration::zero());
  EXPECT_EQ(job.flags.memory, Bytes{64 << 20});
  EXPECT_THAT(job.flags.connect, ElementsAre(80));
  EXPECT_TRUE(job.flags.port);
  EXPECT_EQ(job.stdin_text, "in");
}

TEST(JobLine, NamesTheKeyThatIsWrong) {
  struct Row {
    const char* line;
    const char* what;
  };
  for (const auto& row : {
           Row{"", "not a JSON object"},
           {"nonsense", "not a JSON object"},
           {"[1]", "not a JSON object"},
           {"{\"cmd\":[\"x\"]} x", "not a JSON object"},
           {"{}", "\"cmd\" is missing"},
           {R"({"cmd":[]})", "\"cmd\" is missing"},
           {R"({"cmd":"true"})", "\"cmd\": is not a list"},
           {R"({"cmd":["x",{}]})", "\"cmd\": is not a text"},
           {R"({"cmd":["x"],"id":7})", "\"id\": is not a text"},
           {R"({"cmd":["x"],"memory":"12x"})", "\"memory\": the size"},
           {R"({"cmd":["x"],"memory":-1})", "\"memory\": is not a text"},
           {R"({"cmd":["x"],"env":{"A=B":"x"}})", "\"env\": A=B is not a name"},
           {R"({"cmd":["x"],"net":null})", "\"net\": is not a text"},
           {R"({"cmd":["x"],"port":1})", "\"port\": is not a truth value"},
           {R"({"cmdd":["x"]})", "there is no key \"cmdd\""},
       }) {
    JobLine job;
    const auto read = read_job_line(row.line, {}, job);
    ASSERT_FALSE(read) << row.line;
    EXPECT_THAT(read.error().what, HasSubstr(row.what)) << row.line;
  }
}

TEST(JobLine, SurvivesAMillionBrackets) {
  JobLine job;
  EXPECT_FALSE(read_job_line(std::string(1'000'000, '['), {}, job));
  EXPECT_FALSE(read_job_line(
      "{\"env\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}", {}, job));
}

TEST(JobLine, KeepsTheIdOfALineThatIsWrongElsewhere) {
  JobLine job;
  EXPECT_FALSE(read_job_line(R"({"cmdd":["x"],"id":"mine"})", {}, job));
  EXPECT_EQ(job.id, "mine");
}

/// A reader over a text that somebody else writes.
struct Typed {
  explicit Typed(const std::string& text) : pipe(*make_pipe()), stop(*make_pipe()) {
    writer = std::thread([this, text] {
      (void)!::write(pipe.write.get(), text.data(), text.size());
      pipe.write.reset();
    });
  }
  ~Typed() { writer.join(); }
  Pipe pipe;
  Pipe stop;
  std::thread writer;
};

TEST(LineReader, ReadsTheLastLineWithoutItsNewline) {
  const Typed typed{"a\n\nb"};
  LineReader reader{typed.pipe.read.get(), typed.stop.read.get(), 100};
  EXPECT_EQ(reader.next()->text, "a");
  EXPECT_EQ(reader.next()->text, "");
  EXPECT_EQ(reader.next()->text, "b");
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.error(), 0);
}

TEST(LineReader, CutsALineThatIsTooLongAndGoesOn) {
  const Typed typed{std::string(200'000, 'x') + "\nshort\n"};
  LineReader reader{typed.pipe.read.get(), typed.stop.read.get(), 1000};
  const auto line = reader.next();
  EXPECT_TRUE(line->is_too_long);
  EXPECT_EQ(line->text.size(), 1000U);
  EXPECT_EQ(reader.next()->text, "short");
  EXPECT_FALSE(reader.next());
}

TEST(LineReader, EndsWhenItIsTold) {
  auto lines = *make_pipe();  // nobody writes and nobody closes
  auto stop = *make_pipe();
  LineReader reader{lines.read.get(), stop.read.get(), 1000};
  stop.write.reset();
  EXPECT_FALSE(reader.next());
}

TEST(CapturePipes, FeedAndReadTogetherWithoutEitherWaiting) {
  const std::string text(1'000'000, 'x');
  auto pipes = *CapturePipes::open(text, 2'000'000);
  std::thread echo([&pipes, in = ::dup(pipes.stdin_fd()), out = ::dup(pipes.stdout_fd())] {
    std::array<char, 4096> buffer{};
    for (ssize_t count = 0; (count = ::read(in, buffer.data(), buffer.size())) > 0;)
      (void)!::write(out, buffer.data(), static_cast<std::size_t>(count));
    ::close(in);
    ::close(out);
  });
  pipes.close_far_ends();
  pipes.pump();
  echo.join();
  EXPECT_EQ(pipes.take_stdout().bytes, text);
}

TEST(CapturePipes, KeepNoMoreThanTheBound) {
  auto pipes = *CapturePipes::open(std::nullopt, 10);
  EXPECT_EQ(pipes.stdin_fd(), -1);
  (void)!::write(pipes.stderr_fd(), "0123456789abc", 13);
  (void)!::write(pipes.stdout_fd(), "0123456789", 10);
  pipes.close_far_ends();
  pipes.pump();
  const auto out = pipes.take_stdout();
  const auto err = pipes.take_stderr();
  EXPECT_EQ(out.bytes, "0123456789");
  EXPECT_FALSE(out.truncated);
  EXPECT_EQ(err.bytes, "0123456789");
  EXPECT_TRUE(err.truncated);
}

}  // namespace
}  // namespace ringfort::cli

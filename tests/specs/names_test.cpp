#include "ringfort/specs/names.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <string_view>

namespace ringfort {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

TEST(ContainerId, TakesNamesThatStayInsideTheirDirectory) {
  for (const auto service : {"web", "w", "web-1", "a.b_c-D9", "echo-123456-12345", "0"}) {
    EXPECT_TRUE(check(ContainerId{service, 1})) << service;
  }
  EXPECT_TRUE(check(ContainerId{std::string(200, 'a'), 1}));
}

TEST(ContainerId, RefusesHostileNamesAndNamesTheByte) {
  struct Row {
    std::string_view service;
    std::string_view error;
  };
  const std::string too_long(201, 'a');
  for (const auto& [service, error] : {
           Row{"", "empty"},
           {"../../x", "byte 0x2e at position 1"},
           {"..", "byte 0x2e at position 1"},
           {".hidden", "byte 0x2e at position 1"},
           {"-flag", "byte 0x2d at position 1"},
           {"a/b", "byte 0x2f at position 2"},
           {"a\0b"sv, "byte 0x00 at position 2"},
           {"a\nb", "byte 0x0a at position 2"},
           {"a b", "byte 0x20 at position 2"},
           {"caf\xc3\xa9", "byte 0xc3 at position 4"},
           {"x\")) (allow default)", "byte 0x22 at position 2"},
           {too_long, "201 bytes"},
       }) {
    const auto checked = check(ContainerId{std::string{service}, 1});
    ASSERT_FALSE(checked) << service;
    EXPECT_EQ(checked.error().kind, ErrorKind::InvalidSpec);
    EXPECT_NE(checked.error().what.find(error), std::string::npos) << checked.error().what;
    EXPECT_EQ(checked.error().what.find('\n'), std::string::npos);
  }
}

TEST(ContainerId, SplitsAtTheLastHyphen) {
  EXPECT_EQ(parse_container_id("web-1"), (ContainerId{"web", 1}));
  EXPECT_EQ(parse_container_id("web-api-12"), (ContainerId{"web-api", 12}));
  EXPECT_EQ(parse_container_id("web-0"), (ContainerId{"web", 0}));
  EXPECT_EQ(parse_container_id("web-4294967295"), (ContainerId{"web", 4294967295u}));
}

TEST(ContainerId, RefusesTextThatIsNoId) {
  for (const auto text : {"", "-", "web", "web-", "-1", "web-x", "web-01", "web-+1", "web--1x",
                          "web- 1", "web-4294967296", "../x-1", "web-1 "}) {
    const auto id = parse_container_id(text);
    ASSERT_FALSE(id) << text;
    EXPECT_EQ(id.error().kind, ErrorKind::InvalidSpec);
  }
}

RC_GTEST_PROP(ContainerId, ComesBackFromItsText, (std::uint32_t replica)) {
  const auto letters = rc::gen::elementOf("abcXYZ019"s);
  const auto rest = *rc::gen::container<std::string>(rc::gen::elementOf("abcXYZ019-_."s));
  const ContainerId id{std::string(1, *letters) + rest.substr(0, 199), replica};
  RC_ASSERT((parse_container_id(id.str()) == id));
}

TEST(ImageDirectory, KeepsNamesReadable) {
  EXPECT_EQ(image_directory_name("tools"), "tools");
  EXPECT_EQ(image_directory_name("a/b:c"), "a_2fb_3ac");
  EXPECT_EQ(image_directory_name("a_b"), "a_5fb");
  EXPECT_EQ(image_directory_name("x@sha256:0"), "x_40sha256_3a0");
  EXPECT_EQ(image_directory_name("..")->substr(0, 3), "_2e");
  EXPECT_EQ(image_directory_name(".hidden"), "_2ehidden");
}

TEST(ImageDirectory, RefusesWhatNoDirectoryCanHold) {
  for (const auto image : {""sv, "a\0b"sv, "a\nb"sv, "\x7f"sv}) {
    EXPECT_FALSE(image_directory_name(image)) << printable(image);
  }
  EXPECT_TRUE(image_directory_name(std::string(240, 'a')));
  EXPECT_FALSE(image_directory_name(std::string(241, 'a')));
  EXPECT_TRUE(image_directory_name(std::string(80, '/')));
  EXPECT_FALSE(image_directory_name(std::string(81, '/')));
  EXPECT_FALSE(image_directory_name(std::string(100'000'000, 'a')));
}

TEST(ImageDirectory, IsReadBackOnlyIfWeWouldWriteIt) {
  EXPECT_EQ(image_name_from_directory("a_2fb_3ac"), "a/b:c");
  for (const auto directory :
       {"", ".", "..", ".staging", "a_", "a_2", "a_zz", "a_2Fb", "a_61", "a/b", "a_00", "a b"}) {
    EXPECT_FALSE(image_name_from_directory(directory)) << directory;
  }
}

/// Image names made of bytes that tempt an encoder: the ones it writes itself among them.
rc::Gen<std::string> tempting_names() {
  return rc::gen::nonEmpty(
      rc::gen::container<std::string>(rc::gen::elementOf("ab25f/:@_.-A\xc3\xa9 "s)));
}

RC_GTEST_PROP(ImageDirectory, ComesBackToTheName, ()) {
  const auto image = *tempting_names();
  const auto directory = image_directory_name(image);
  if (!directory) RC_DISCARD("too long");
  RC_ASSERT((image_name_from_directory(*directory) == image));
  RC_ASSERT((directory->find('/') == std::string::npos));
  RC_ASSERT((directory->front() != '.'));
}

RC_GTEST_PROP(ImageDirectory, DiffersForDifferentNames, ()) {
  const auto one = *tempting_names();
  const auto other = *tempting_names();
  RC_PRE(one != other);
  RC_ASSERT((image_directory_name(one) != image_directory_name(other)));
}

TEST(Printable, ShowsBytesThatATerminalWouldObey) {
  EXPECT_EQ(printable("plain text"), "plain text");
  EXPECT_EQ(printable("caf\xc3\xa9"), "caf\xc3\xa9");
  EXPECT_EQ(printable("a\x1b[31mb"), "a\\x1b[31mb");
  EXPECT_EQ(printable("a\nb\0c"sv), "a\\x0ab\\x00c");
  EXPECT_EQ(printable("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");           // overlong slash
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\xc2\\x9b31m");  // CSI as one character
  EXPECT_EQ(printable("\xe2\x80\xae"
                      "txt"),
            "\\xe2\\x80\\xaetxt");  // right-to-left override
}

TEST(Printable, CutsAfterTheLimit) {
  EXPECT_EQ(printable("abcdef", 6), "abcdef");
  EXPECT_EQ(printable("abcdefg", 6), "abcdef...");
  EXPECT_EQ(printable(std::string(1'000'000, 'x')).size(), 123u);
}

}  // namespace
}  // namespace ringfort

// atomic_file.cpp - every system call fails once and for ever, and writers are killed: the old file or the new one
// remains.
#include <vitrail/error.hpp>
#include <vitrail/io/atomic_file.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "catch.hpp"
#include "messages.hpp"
#include "temporary_folder.hpp"

using namespace vitrail;

namespace {

bool is_directory(int descriptor) {
  struct ::stat status {};
  return ::fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode);
}

// Fails the `failing`-th call, counted from 1, with `cause`; if `persistent`, all later ones too. Removing the
// temporary file is not counted: it fails where a test asks for it.
struct FaultyFile {
  static inline int call = 0, failing = 0, cause = 0;
  static inline bool persistent = false, unlink_fails = false, exclusive = true;
  static inline std::size_t longest_write = 0;
  static inline std::string fired;  // what failed first; empty if nothing did

  static void set(int nth, int error, bool for_ever) {
    call = 0;
    failing = nth;
    cause = error;
    persistent = for_ever;
    unlink_fails = false;
    longest_write = std::size_t{1} << 40;
    fired.clear();
  }
  static bool fails(const char* what) {
    ++call;
    if (failing == 0 || call < failing || (call > failing && !persistent)) return false;
    if (fired.empty()) fired = what;
    errno = cause;
    return true;
  }
  static int open(const char* path, int flags, ::mode_t mode) {
    if ((flags & O_CREAT) != 0 && (flags & O_EXCL) == 0) exclusive = false;
    return fails((flags & O_DIRECTORY) != 0 ? "open directory" : "open") ? -1 : ::open(path, flags, mode);
  }
  static ::ssize_t write(int descriptor, const void* from, std::size_t count) {
    return fails("write") ? -1 : ::write(descriptor, from, std::min(count, longest_write));
  }
  // Does not sync: that is slow and proves nothing here.
  static int fsync(int descriptor) { return fails(is_directory(descriptor) ? "fsync directory" : "fsync") ? -1 : 0; }
  static int close(int descriptor) {
    const bool failed = fails(is_directory(descriptor) ? "close directory" : "close");
    const int result = ::close(descriptor);  // a close that reports an error has closed
    if (failed) errno = cause;
    return failed ? -1 : result;
  }
  static int rename(const char* from, const char* to) { return fails("rename") ? -1 : ::rename(from, to); }
  static int unlink(const char* path) {
    if (unlink_fails) {
      errno = EIO;
      return -1;
    }
    return ::unlink(path);
  }
};

std::size_t open_descriptors() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

template <class Operations = PosixFile>
void save(const std::filesystem::path& path, std::string_view text, std::size_t pieces = 3) {
  AtomicFile<Operations> file(path);
  const auto bytes = std::as_bytes(std::span(text));
  for (std::size_t i = 0; i < pieces; ++i) {
    const std::size_t begin = bytes.size() * i / pieces, end = bytes.size() * (i + 1) / pieces;
    file.write(bytes.subspan(begin, end - begin));
  }
  file.commit();
}

}  // namespace

TEST_CASE("atomic file: replaces a file and creates one") {
  const TemporaryFolder folder;
  save(folder / "file", "first");
  CHECK(read_text(folder / "file") == "first");
  save(folder / "file", "second, longer");
  CHECK(read_text(folder / "file") == "second, longer");
  save(folder / "file", "");
  CHECK(read_text(folder / "file") == "");
  save(folder / std::string(255, 'n'), "a name as long as names get");
  CHECK(read_text(folder / std::string(255, 'n')) == "a name as long as names get");
  CHECK(folder.entries() == 2);

  const auto here = std::filesystem::current_path();
  std::filesystem::current_path(folder.path);
  save("relative", "a path without a folder");
  std::filesystem::current_path(here);
  CHECK(read_text(folder / "relative") == "a path without a folder");
}

TEST_CASE("atomic file: abandoned, it leaves nothing") {
  const TemporaryFolder folder;
  write_text(folder / "file", "old");
  {
    AtomicFile<> file(folder / "file");
    file.write(std::as_bytes(std::span("new")));
    CHECK(folder.entries() == 2);
  }
  CHECK(folder.entries() == 1);
  CHECK(read_text(folder / "file") == "old");

  AtomicFile<> file(folder / "file");
  file.commit();
  CHECK_THAT(message_of([&] { file.commit(); }), contains("found one already finished"));
  CHECK_THAT(message_of([&] { file.write({}); }), contains("found one already finished"));
}

TEST_CASE("atomic file: every call fails once and for ever") {
  const TemporaryFolder folder;
  const auto path = folder / "file";
  const std::size_t descriptors = open_descriptors();
  int runs = 0, reported = 0;
  for (const int cause : {ENOSPC, EIO, EDQUOT, EROFS, EINTR}) {
    for (const bool for_ever : {false, true}) {
      for (const std::size_t longest : {std::size_t{1} << 40, std::size_t{2}}) {
        for (int nth = 1;; ++nth, ++runs) {
          write_text(path, "old content");
          FaultyFile::set(nth, cause, for_ever);
          FaultyFile::longest_write = longest;
          const std::string message = message_of([&] { save<FaultyFile>(path, "the new content", 3); });
          INFO("call " << nth << ", errno " << cause << (for_ever ? ", for ever: " : ", once: ") << message);
          const std::string content = read_text(path), fired = FaultyFile::fired;
          if (fired.empty()) {
            CHECK(message == "");
            CHECK(content == "the new content");
            CHECK(nth > 8);
            break;
          }
          INFO("failed: " << fired);
          // A signal is no error, nor is what happens to the directory's descriptor in the end.
          const bool harmless = (cause == EINTR && !for_ever) || fired == "close directory";
          CHECK(message.empty() == harmless);
          CHECK(content == (harmless || fired == "fsync directory" ? "the new content" : "old content"));
          if (!harmless) {
            ++reported;
            CHECK_THAT(message, contains("file: "));
            CHECK((message.find("was replaced, but") != std::string::npos) == (fired == "fsync directory"));
          }
          CHECK(folder.entries() == 1);
          CHECK(open_descriptors() == descriptors);
        }
      }
    }
  }
  CHECK(runs >= 200);
  CHECK(reported >= 150);
}

TEST_CASE("atomic file: a file system without fsync on directories, a temporary file that stays") {
  const TemporaryFolder folder;
  FaultyFile::set(0, 0, false);
  save<FaultyFile>(folder / "file", "x", 1);
  const int calls = FaultyFile::call;  // open, write, fsync, close, open, rename, fsync, close
  REQUIRE(calls == 8);
  FaultyFile::set(7, EINVAL, false);
  CHECK(message_of([&] { save<FaultyFile>(folder / "file", "y", 1); }) == "");
  CHECK(read_text(folder / "file") == "y");

  FaultyFile::set(2, ENOSPC, false);
  FaultyFile::unlink_fails = true;
  const std::string message = message_of([&] { save<FaultyFile>(folder / "file", "z", 1); });
  CHECK_THAT(message, contains("No space left on device; the temporary file "));
  CHECK_THAT(message, contains("could not be removed"));
  CHECK(folder.entries() == 2);
  FaultyFile::set(0, 0, false);
}

TEST_CASE("atomic file: a temporary name that is taken is left alone") {
  const TemporaryFolder folder;
  FaultyFile::set(1, EEXIST, false);
  CHECK(message_of([&] { save<FaultyFile>(folder / "file", "x", 1); }) == "");
  CHECK(read_text(folder / "file") == "x");
  FaultyFile::set(1, EEXIST, true);
  CHECK_THAT(message_of([&] { save<FaultyFile>(folder / "file", "y", 1); }),
             contains("cannot create a temporary file"));
  CHECK(read_text(folder / "file") == "x");
  CHECK(FaultyFile::exclusive);
  FaultyFile::set(0, 0, false);
}

TEST_CASE("atomic file: folders, links, permissions") {
  const TemporaryFolder folder;
  CHECK_THAT(message_of([&] { save(folder.path, "x"); }),
             contains("expected the name of a file to write, found a directory"));
  CHECK_THAT(message_of([&] { save(folder / "none" / "file", "x"); }),
             contains("cannot create a temporary file beside it"));

  std::filesystem::create_directory(folder / "target");
  write_text(folder / "target" / "file", "old");
  std::filesystem::create_symlink("target/file", folder / "link");
  save(folder / "link", "through the link");
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(read_text(folder / "target" / "file") == "through the link");

  std::filesystem::permissions(folder / "target" / "file",
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  save(folder / "target" / "file", "private");
  struct ::stat status {};
  REQUIRE(::stat((folder / "target" / "file").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777u) == 0600u);

  if (::geteuid() != 0) {  // nothing is read-only for root
    std::filesystem::permissions(folder / "target",
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
    CHECK_THAT(message_of([&] { save(folder / "target" / "file", "x"); }),
               contains("cannot create a temporary file beside it"));
    std::filesystem::permissions(folder / "target", std::filesystem::perms::owner_all);
    CHECK(read_text(folder / "target" / "file") == "private");
  }
}

namespace {

constexpr std::size_t page = 4096, pages = 128;

// A file of which every page tells the version, and the last one that it is the last.
std::string version(std::uint32_t number) { return std::string(page * pages, static_cast<char>('a' + number % 26)); }
bool torn(const std::string& text) {
  return text.size() != page * pages || text.find_first_not_of(text[0]) != std::string::npos;
}
// What a writer without AtomicFile does.
void save_in_place(const std::filesystem::path& path, const std::string& text) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  for (std::size_t i = 0; i < pages; ++i) {
    if (::write(descriptor, text.data() + page * i, page) < 0) ::_exit(1);
  }
  ::close(descriptor);
}

// Kills a writer after a random time, `trials` times; gives how often it left a torn file.
template <class Save>
int count_torn(const std::filesystem::path& path, int trials, Save save_version) {
  int found = 0;
  save_version(path, version(0));
  for (int trial = 0; trial < trials; ++trial) {
    const pid_t writer = ::fork();
    if (writer == 0) {
      for (std::uint32_t number = 1;; ++number) save_version(path, version(number));
    }
    ::usleep(static_cast<::useconds_t>(500 + trial * 7919 % 5000));
    ::kill(writer, SIGKILL);
    ::waitpid(writer, nullptr, 0);
    found += torn(read_text(path)) ? 1 : 0;
  }
  return found;
}

}  // namespace

TEST_CASE("atomic file: a killed writer leaves a whole file") {
  const TemporaryFolder folder;
  const auto atomic = [](const std::filesystem::path& path, const std::string& text) { save(path, text, pages); };
  CHECK(count_torn(folder / "atomic", 60, atomic) == 0);
  // The control: the trials would show torn files if there were any.
  CHECK(count_torn(folder / "in_place", 60, save_in_place) > 5);
}

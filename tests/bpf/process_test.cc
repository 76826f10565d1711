// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <thread>

#include "tests/bpf/bpf_test_base.h"

namespace vakt {
namespace {

using ProcessBpfTest = BpfTest;

TEST_F(ProcessBpfTest, process_fork) {
  StartSensor(0);
  pid_t grandchild = 0;
  int pipes[2];
  ASSERT_EQ(pipe(pipes), 0);
  const pid_t child = cgroup_->Run([&] {
    std::thread([] {}).join();  // a thread is no process
    const pid_t pid = fork();
    if (pid == 0) _exit(0);
    waitpid(pid, nullptr, 0);
    return write(pipes[1], &pid, sizeof(pid)) == sizeof(pid) ? 0 : 1;
  });
  ASSERT_EQ(read(pipes[0], &grandchild, sizeof(grandchild)), ssize_t(sizeof(grandchild)));
  const auto all = DrainAll(*sensor_);
  const auto forks = Of<vakt_process_fork>(all, Kind::process_fork, child);
  ASSERT_EQ(forks.size(), 1u);
  const vakt_process_fork& fork = forks[0].first;
  ExpectTask(fork.header, fork.task, child, Lane::CRITICAL);
  ExpectNamespaces(fork.task);
  EXPECT_EQ(fork.child.pid, static_cast<uint32_t>(grandchild));
  EXPECT_EQ(fork.child.ppid, static_cast<uint32_t>(child));
  EXPECT_EQ(fork.child.parent_cookie, fork.task.cookie);
  EXPECT_NE(fork.child.cookie, fork.task.cookie);
  EXPECT_EQ(fork.child.cgroup_id, cgroup_->id());
  EXPECT_STREQ(fork.child.comm, fork.task.comm);
  EXPECT_EQ(fork.facts.ns_pid, static_cast<uint32_t>(grandchild));
  EXPECT_EQ(fork.facts.pgid, static_cast<uint32_t>(getpgid(0)));
  EXPECT_EQ(fork.facts.session_id, static_cast<uint32_t>(getsid(0)));
  EXPECT_EQ(fork.child.cookie, vakt_cookie(fork.facts.start_boot_ns, fork.child.pid));
}

TEST_F(ProcessBpfTest, process_fork_tells_the_call_and_its_flags) {
  StartSensor(0);
  const pid_t child = cgroup_->Run([] {
    const auto reap = [](long pid) {
      if (pid == 0) _exit(0);
      waitpid(static_cast<pid_t>(pid), nullptr, 0);
    };
    reap(syscall(SYS_fork));
    reap(syscall(SYS_clone, CLONE_NEWUTS | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
    clone_args args = {};
    args.flags = CLONE_NEWNS;
    args.exit_signal = SIGCHLD;
    reap(syscall(SYS_clone3, &args, sizeof(args)));
    return 0;
  });
  const auto forks = Of<vakt_process_fork>(DrainAll(*sensor_), Kind::process_fork, child);
  ASSERT_EQ(forks.size(), 3u);
  EXPECT_EQ(forks[0].first.syscall_nr, static_cast<uint32_t>(SYS_fork));
  EXPECT_EQ(forks[0].first.clone_flags, 0u);
  EXPECT_EQ(forks[1].first.syscall_nr, static_cast<uint32_t>(SYS_clone));
  EXPECT_EQ(forks[1].first.clone_flags, static_cast<uint64_t>(CLONE_NEWUTS | SIGCHLD));
  EXPECT_EQ(forks[2].first.syscall_nr, static_cast<uint32_t>(SYS_clone3));
  EXPECT_EQ(forks[2].first.clone_flags, static_cast<uint64_t>(CLONE_NEWNS));
  EXPECT_NE(forks[2].first.child.mnt_ns, forks[2].first.task.mnt_ns);
}

TEST_F(ProcessBpfTest, process_exec_of_a_script_has_its_name_and_its_interpreter) {
  StartSensor(0);
  std::string script = "/tmp/vakt-script-XXXXXX";
  const int fd = mkstemp(script.data());
  ASSERT_GE(fd, 0);
  const std::string_view text = "#!/bin/sh -e\nexit 0\n";
  ASSERT_EQ(write(fd, text.data(), text.size()), ssize_t(text.size()));
  fchmod(fd, 0755);
  close(fd);
  const pid_t pid = cgroup_->Run([&] {
    execl(script.c_str(), "script", nullptr);
    return 1;
  });
  unlink(script.c_str());
  const auto execs = Of<vakt_process_exec>(DrainAll(*sensor_), Kind::process_exec, pid);
  ASSERT_EQ(execs.size(), 1u);
  const auto& [exec, record] = execs[0];
  EXPECT_EQ(record.Text(exec.filename), script);
  EXPECT_EQ(record.Text(exec.interp), "/bin/sh");
  char shell[PATH_MAX];
  ASSERT_NE(realpath("/bin/sh", shell), nullptr);
  EXPECT_EQ(record.Text(exec.exe.path), shell);
  EXPECT_EQ(record.Text(exec.argv), std::string("/bin/sh\0-e\0", 11) + script + '\0');
}

TEST_F(ProcessBpfTest, process_exec) {
  StartSensor(0);
  const pid_t pid = cgroup_->Run([] {
    if (chdir("/usr/share") != 0) return 1;
    execl("/bin/true", "true", "one", "two words", nullptr);
    return 1;
  });
  const auto execs = Of<vakt_process_exec>(DrainAll(*sensor_), Kind::process_exec, pid);
  ASSERT_EQ(execs.size(), 1u);
  const auto& [exec, record] = execs[0];
  ExpectTask(exec.header, exec.task, pid, Lane::CRITICAL);
  ExpectNamespaces(exec.task);
  EXPECT_STREQ(exec.task.comm, "true");
  char real_path[PATH_MAX];
  ASSERT_NE(realpath("/bin/true", real_path), nullptr);
  struct stat info;
  ASSERT_EQ(stat("/bin/true", &info), 0);
  EXPECT_EQ(record.Text(exec.exe.path), real_path);
  EXPECT_EQ(exec.exe.path_status, static_cast<uint32_t>(VAKT_PATH_OK));
  EXPECT_EQ(exec.exe.ino, info.st_ino);
  EXPECT_EQ(exec.exe.nlink, info.st_nlink);
  EXPECT_EQ(exec.exe.mode, info.st_mode);
  EXPECT_EQ(exec.exe.uid, info.st_uid);
  EXPECT_EQ(exec.exe.mtime_ns, info.st_mtim.tv_sec * 1000000000ll + info.st_mtim.tv_nsec);
  EXPECT_EQ(exec.exe.ctime_ns, info.st_ctim.tv_sec * 1000000000ll + info.st_ctim.tv_nsec);
  EXPECT_EQ(record.Text(exec.filename), "/bin/true");
  EXPECT_EQ(record.Text(exec.interp), "");
  EXPECT_EQ(record.Text(exec.argv), std::string("true\0one\0two words\0", 19));
  EXPECT_EQ(record.Text(exec.cwd), "/usr/share");
  EXPECT_EQ(exec.cwd_status, static_cast<uint32_t>(VAKT_PATH_OK));
  EXPECT_EQ(exec.flags & ~VAKT_EXE_WRITABLE, 0u);
  EXPECT_EQ(exec.syscall_nr, static_cast<uint32_t>(SYS_execve));
  EXPECT_EQ(exec.facts.ns_pid, static_cast<uint32_t>(pid));
  EXPECT_EQ(exec.facts.session_id, static_cast<uint32_t>(getsid(0)));
  EXPECT_NE(exec.facts.cap_permitted, 0u);
  EXPECT_EQ("/" + cgroup_->path().substr(cgroup_->path().rfind('/') + 1),
            record.Text(exec.facts.cgroup_path));
}

TEST_F(ProcessBpfTest, process_exec_tells_the_environment_when_asked) {
  StartSensor(0);
  const auto run = [&](const std::vector<std::string>& env) {
    return cgroup_->Run([&] {
      std::vector<char*> entries;
      for (const std::string& entry : env) entries.push_back(const_cast<char*>(entry.c_str()));
      entries.push_back(nullptr);
      execle("/bin/true", "true", nullptr, entries.data());
      return 1;
    });
  };
  const pid_t before = run({"A=1"});
  sensor_->CaptureEnvironment(true);
  const pid_t small = run({"A=1", "LD_PRELOAD=/tmp/x.so"});
  const pid_t large = run({std::string(5000, 'x')});
  const auto all = DrainAll(*sensor_);
  const auto env = [&](pid_t pid) {
    const auto execs = Of<vakt_process_exec>(all, Kind::process_exec, pid);
    return execs.size() == 1 ? execs[0].second.Text(execs[0].first.env) : "no exec";
  };
  EXPECT_EQ(env(before), "");
  EXPECT_EQ(env(small), std::string("A=1\0LD_PRELOAD=/tmp/x.so\0", 25));
  EXPECT_EQ(env(large), std::string(VAKT_ENV_MAX, 'x'));
}

// Everything that a program's start tells at its longest: nothing may push anything out.
TEST_F(ProcessBpfTest, process_exec_of_the_longest_strings) {
  StartSensor(0);
  sensor_->CaptureEnvironment(true);
  std::string directory = "/tmp/vakt-long-exec";
  const std::string top = directory;
  for (mkdir(top.c_str(), 0755); directory.size() < 3700;) {
    directory += "/" + std::string(250, 'd');
    ASSERT_EQ(mkdir(directory.c_str(), 0755), 0);
  }
  const std::string program = directory + "/" + std::string(200, 'p');
  ASSERT_EQ(std::system(("cp /bin/true " + program).c_str()), 0);
  const std::string argument(20000, 'a'), variable(5000, 'v');
  const pid_t pid = cgroup_->Run([&] {
    if (chdir(directory.c_str()) != 0) return 1;
    const char* env[] = {variable.c_str(), nullptr};
    execle(program.c_str(), "true", argument.c_str(), nullptr, env);
    return 1;
  });
  ASSERT_EQ(std::system(("rm -r " + top).c_str()), 0);
  const auto execs = Of<vakt_process_exec>(DrainAll(*sensor_), Kind::process_exec, pid);
  ASSERT_EQ(execs.size(), 1u);
  const auto& [exec, record] = execs[0];
  EXPECT_EQ(record.Text(exec.exe.path), program);
  EXPECT_EQ(record.Text(exec.filename), program);
  EXPECT_EQ(record.Text(exec.cwd), directory);
  EXPECT_EQ(record.Text(exec.argv).size(), size_t{VAKT_ARGV_MAX});
  EXPECT_EQ(record.Text(exec.env).size(), size_t{VAKT_ENV_MAX});
  EXPECT_TRUE(exec.flags & VAKT_ARGV_TRUNCATED);
  EXPECT_NE(record.Text(exec.facts.cgroup_path), "");
}

TEST_F(ProcessBpfTest, process_exec_of_a_memfd_by_execveat) {
  StartSensor(0);
  const pid_t pid = cgroup_->Run([] {
    const int fd = memfd_create("payload", MFD_CLOEXEC);
    const int from = open("/bin/true", O_RDONLY);
    char buffer[65536];
    for (ssize_t got; (got = read(from, buffer, sizeof(buffer))) > 0;) {
      if (write(fd, buffer, got) != got) return 1;
    }
    const char* argv[] = {"innocent", nullptr};
    const char* envp[] = {nullptr};
    syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
    return 1;
  });
  const auto execs = Of<vakt_process_exec>(DrainAll(*sensor_), Kind::process_exec, pid);
  ASSERT_EQ(execs.size(), 1u);
  const auto& [exec, record] = execs[0];
  EXPECT_EQ(exec.syscall_nr, static_cast<uint32_t>(SYS_execveat));
  EXPECT_TRUE(exec.flags & VAKT_EXE_MEMFD);
  EXPECT_TRUE(exec.flags & VAKT_EXE_UNLINKED);
  EXPECT_EQ(exec.exe.nlink, 0u);
  EXPECT_EQ(record.Text(exec.exe.path), "/memfd:payload");
}

TEST_F(ProcessBpfTest, process_exec_of_an_unlinked_file) {
  StartSensor(0);
  const pid_t pid = cgroup_->Run([] {
    if (std::system("cp /bin/true /tmp/vakt-unlinked") != 0) return 1;
    const int fd = open("/tmp/vakt-unlinked", O_RDONLY | O_CLOEXEC);
    unlink("/tmp/vakt-unlinked");
    const char* argv[] = {"x", nullptr};
    const char* envp[] = {nullptr};
    syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
    return 1;
  });
  const auto execs = Of<vakt_process_exec>(DrainAll(*sensor_), Kind::process_exec, pid);
  ASSERT_EQ(execs.size(), 1u);
  EXPECT_TRUE(execs[0].first.flags & VAKT_EXE_UNLINKED);
  EXPECT_FALSE(execs[0].first.flags & VAKT_EXE_MEMFD);
}

TEST_F(ProcessBpfTest, process_exec_from_an_overlay) {
  StartSensor(0);
  // Both a file of the lower layer (the image) and one that was written to the upper layer.
  std::string dir = "/tmp/vakt-overlay-XXXXXX";
  ASSERT_NE(mkdtemp(dir.data()), nullptr);
  const std::string setup =
      "mount -t tmpfs none " + dir + " && cd " + dir + " && mkdir l u w m && cp /bin/true l/image" +
      " && mount -t overlay none -o lowerdir=l,upperdir=u,workdir=w m && cp /bin/true m/dropped";
  if (std::system(setup.c_str()) != 0) {
    std::ignore =
        std::system(("umount " + dir + "/m " + dir + " 2>/dev/null; rmdir " + dir).c_str());
    GTEST_SKIP() << "cannot mount an overlay here";
  }
  const auto run = [&](const std::string& path) {
    return cgroup_->Run([&] { return execl(path.c_str(), "x", nullptr); });
  };
  const pid_t image = run(dir + "/m/image");
  const pid_t dropped = run(dir + "/m/dropped");
  const auto all = DrainAll(*sensor_);
  EXPECT_EQ(std::system(("umount " + dir + "/m " + dir + " && rmdir " + dir).c_str()), 0);
  const auto image_execs = Of<vakt_process_exec>(all, Kind::process_exec, image);
  const auto dropped_execs = Of<vakt_process_exec>(all, Kind::process_exec, dropped);
  ASSERT_EQ(image_execs.size(), 1u);
  ASSERT_EQ(dropped_execs.size(), 1u);
  EXPECT_FALSE(image_execs[0].first.flags & VAKT_EXE_UPPER_LAYER);
  EXPECT_TRUE(dropped_execs[0].first.flags & VAKT_EXE_UPPER_LAYER);
  EXPECT_EQ(dropped_execs[0].second.Text(dropped_execs[0].first.exe.path), dir + "/m/dropped");
}

TEST_F(ProcessBpfTest, process_exec_with_long_arguments_says_that_they_are_cut) {
  StartSensor(0);
  const std::string longest(100000, 'x');
  const pid_t pid = cgroup_->Run([&] { return execl("/bin/true", "t", longest.c_str(), nullptr); });
  const auto execs = Of<vakt_process_exec>(DrainAll(*sensor_), Kind::process_exec, pid);
  ASSERT_EQ(execs.size(), 1u);
  EXPECT_TRUE(execs[0].first.flags & VAKT_ARGV_TRUNCATED);
  EXPECT_EQ(execs[0].first.argv.size, VAKT_ARGV_MAX);
}

TEST_F(ProcessBpfTest, process_exit_with_code_and_signal) {
  StartSensor(0);
  const pid_t coded = cgroup_->Run([] { return 7; });
  const pid_t killed = cgroup_->Run([] { return raise(SIGKILL); });
  const auto all = DrainAll(*sensor_);
  const auto by_code = Of<vakt_process_exit>(all, Kind::process_exit, coded);
  const auto by_signal = Of<vakt_process_exit>(all, Kind::process_exit, killed);
  ASSERT_EQ(by_code.size(), 1u);
  ASSERT_EQ(by_signal.size(), 1u);
  ExpectTask(by_code[0].first.header, by_code[0].first.task, coded, Lane::CRITICAL);
  EXPECT_EQ(by_code[0].first.exit_code, 7u << 8);
  EXPECT_EQ(by_signal[0].first.exit_code & 0x7f, static_cast<uint32_t>(SIGKILL));
}

TEST_F(ProcessBpfTest, process_exit_comes_once_for_a_process_of_many_threads) {
  StartSensor(0);
  const pid_t pid = cgroup_->Run([] {
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back([] { usleep(1000); });
    for (auto& thread : threads) thread.join();
    return 0;
  });
  const auto all = DrainAll(*sensor_);
  EXPECT_EQ(Of<vakt_process_exit>(all, Kind::process_exit, pid).size(), 1u);
}

TEST_F(ProcessBpfTest, process_seed) {
  int pipes[2];
  ASSERT_EQ(pipe(pipes), 0);
  const pid_t pid = fork();  // runs before the sensor does
  if (pid == 0) {
    close(pipes[1]);
    char byte;
    std::ignore = read(pipes[0], &byte, 1);
    _exit(0);
  }
  StartSensor(0);
  std::vector<CapturedRecord> seeds;
  ASSERT_TRUE(sensor_->Seed([&](RawRecord r) { seeds.emplace_back(r); }).ok());
  close(pipes[1]);
  waitpid(pid, nullptr, 0);
  const auto found = Of<vakt_process_seed>(seeds, Kind::process_seed, pid);
  ASSERT_EQ(found.size(), 1u);
  const auto& [seed, record] = found[0];
  EXPECT_EQ(seed.task.ppid, static_cast<uint32_t>(getpid()));
  EXPECT_EQ(seed.task.cookie, vakt_cookie(seed.facts.start_boot_ns, seed.task.pid));
  char self[PATH_MAX] = {};
  ASSERT_GT(readlink("/proc/self/exe", self, sizeof(self) - 1), 0);
  EXPECT_EQ(record.Text(seed.exe.path), self);
  char cwd[PATH_MAX];
  ASSERT_NE(getcwd(cwd, sizeof(cwd)), nullptr);
  EXPECT_EQ(record.Text(seed.cwd), cwd);
  EXPECT_EQ(Of<vakt_process_seed>(seeds, Kind::process_seed, getpid()).size(), 1u);
  const auto kthreadd = Of<vakt_process_seed>(seeds, Kind::process_seed, 2);
  if (!kthreadd.empty() && std::string(kthreadd[0].first.task.comm) == "kthreadd") {
    EXPECT_EQ(kthreadd[0].first.task.flags, VAKT_TASK_KTHREAD);
  }
}

TEST_F(ProcessBpfTest, cookies_survive_a_new_sensor) {
  int pipes[2];
  ASSERT_EQ(pipe(pipes), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    close(pipes[1]);
    char byte;
    std::ignore = read(pipes[0], &byte, 1);
    _exit(0);
  }
  uint64_t cookies[2] = {};
  for (uint64_t& cookie : cookies) {
    StartSensor(0);
    ASSERT_TRUE(sensor_
                    ->Seed([&](RawRecord r) {
                      const auto seed = CapturedRecord(r).As<vakt_process_seed>();
                      if (seed.task.pid == static_cast<uint32_t>(pid)) cookie = seed.task.cookie;
                    })
                    .ok());
    sensor_.reset();
  }
  close(pipes[1]);
  waitpid(pid, nullptr, 0);
  EXPECT_NE(cookies[0], 0u);
  EXPECT_EQ(cookies[0], cookies[1]);
}

}  // namespace
}  // namespace vakt

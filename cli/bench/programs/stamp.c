// Tells on stdout when its first instruction ran, as eight bytes: nanoseconds of CLOCK_MONOTONIC.
// With an argument it then sleeps for ever. Without a C library, whose start would be measured,
// too.
#include <linux/time.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
__asm__(
    ".globl _start\n"
    "_start: xor %ebp, %ebp\n"
    "  mov %rsp, %rdi\n"
    "  and $-16, %rsp\n"
    "  call begin\n");

static long call(long number, long one, long two, long three) {
  register long four __asm__("r10") = 0;
  long answer;
  __asm__ volatile("syscall"
                   : "=a"(answer)
                   : "a"(number), "D"(one), "S"(two), "d"(three), "r"(four)
                   : "rcx", "r11", "memory");
  return answer;
}
#elif defined(__aarch64__)
__asm__(
    ".globl _start\n"
    "_start: mov x0, sp\n"
    "  bl begin\n");

static long call(long number, long one, long two, long three) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = one;
  register long x1 __asm__("x1") = two;
  register long x2 __asm__("x2") = three;
  register long x3 __asm__("x3") = 0;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
  return x0;
}
#else
#error "say here how this processor begins a program and calls the kernel"
#endif

__attribute__((used, noreturn)) void begin(const long* stack) {
  struct __kernel_timespec now;
  call(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&now, 0);
  const long long stamp = now.tv_sec * 1000000000LL + now.tv_nsec;
  const long written = call(SYS_write, 1, (long)&stamp, sizeof stamp);
  while (stack[0] > 1) call(SYS_ppoll, 0, 0, 0);
  call(SYS_exit_group, written == sizeof stamp ? 0 : 1, 0, 0);
  __builtin_unreachable();
}

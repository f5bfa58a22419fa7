// Ends in the way its argument says: `ends code N`, `ends signal N`, `ends fault`.
#include <signal.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char** argv) {
  if (argc > 2 && strcmp(argv[1], "code") == 0) return atoi(argv[2]);
  if (argc > 2 && strcmp(argv[1], "signal") == 0) raise(atoi(argv[2]));
  volatile int* volatile nowhere = 0;
  if (argc > 1 && strcmp(argv[1], "fault") == 0) *nowhere = 1;
  return 100;
}

/* Preloaded into a server: notes after each fsync how large the file is, so that a test
   can cut it back to what a power cut would leave. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int note(const char *name, int fd) {
	static __thread char link[64], path[4096], line[4200];
	struct stat before;
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
	int known = fstat(fd, &before) == 0;
	int result = real(fd);
	const char *log = getenv("SYNCED_LOG");
	if (result != 0 || !known || log == NULL) return result;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	if (n <= 0) return result;
	path[n] = 0;
	int out = open(log, O_WRONLY | O_APPEND | O_CREAT, 0600);
	if (out < 0) return result;
	int len = snprintf(line, sizeof line, "%lld %s\n", (long long)before.st_size, path);
	if (write(out, line, len) != len) abort();
	close(out);
	return result;
}

int fsync(int fd) { return note("fsync", fd); }
int fdatasync(int fd) { return note("fdatasync", fd); }

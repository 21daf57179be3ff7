/*
 * Preloaded into the server (LD_PRELOAD). Records, in order, what the server writes to files below a directory, what it
 * syncs there, and what it sends through sockets. From the record, disk.rs tells what a power loss can leave behind.
 *
 *   RECORD_BELOW  the directory, without symbolic links
 *   RECORD_TO     the file to which the record is appended
 *   SYNC_GATE     a Unix socket. While a listener exists there, each sync connects to it and waits until the listener
 *                 sends a byte or closes the connection.
 *
 * An entry has a header of four 64-bit numbers (kind, inode, offset, length) and `length` bytes:
 *
 *   W  the bytes were written at `offset`
 *   T  the file was truncated or extended to `offset` bytes
 *   B  a sync of the file begins
 *   E  the sync of the file has ended
 *   D  a directory was synced. For each of its entries: the inode, and the name with a NUL
 *   U  the file is about to be unlinked
 *   S  the bytes are about to be sent
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

struct header {
    uint64_t kind, inode, offset, length;
};

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static int record = -1;
static const char *below, *gate;
static size_t below_length;

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

__attribute__((constructor)) static void begin(void) {
    below = getenv("RECORD_BELOW");
    gate = getenv("SYNC_GATE");
    const char *to = getenv("RECORD_TO");
    if (!below || !to) return;
    below_length = strlen(below);
    record = open(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (record < 0) abort();
}

static void append_bytes(const void *bytes, size_t length) {
    for (const char *next = bytes; length > 0;) {
        ssize_t written = REAL(write)(record, next, length);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) abort();
        next += written;
        length -= written;
    }
}

static void append(char kind, uint64_t inode, uint64_t offset, const void *bytes, uint64_t length) {
    struct header header = {(unsigned char)kind, inode, offset, length};
    append_bytes(&header, sizeof header);
    append_bytes(bytes, length);
}

static int is_below(const char *path) {
    return strncmp(path, below, below_length) == 0 && (path[below_length] == '/' || path[below_length] == 0);
}

/* Whether an open file is one of those that are recorded: S_IFREG, S_IFDIR or S_IFSOCK, or 0. */
static int kind_of(int fd, uint64_t *inode) {
    struct stat status;
    if (record < 0 || fd == record || fstat(fd, &status) != 0) return 0;
    *inode = status.st_ino;
    int kind = status.st_mode & S_IFMT;
    if (kind == S_IFSOCK) return kind;
    if (kind != S_IFREG && kind != S_IFDIR) return 0;
    char link[64] = "/proc/self/fd/", digits[16], path[PATH_MAX + 1];
    int count = 0;
    for (int rest = fd; count == 0 || rest > 0; rest /= 10) digits[count++] = '0' + rest % 10;
    for (size_t end = strlen(link); count > 0;) link[end++] = digits[--count];
    ssize_t length = readlink(link, path, PATH_MAX);
    if (length < 0) return 0;
    path[length] = 0;
    return is_below(path) ? kind : 0;
}

static void sending(int fd, const void *bytes, size_t length) {
    uint64_t inode;
    if (kind_of(fd, &inode) != S_IFSOCK) return;
    pthread_mutex_lock(&order);
    append('S', 0, 0, bytes, length);
    pthread_mutex_unlock(&order);
}

static void sending_vectors(int fd, const struct iovec *vectors, size_t count) {
    for (size_t i = 0; i < count; i++) sending(fd, vectors[i].iov_base, vectors[i].iov_len);
}

ssize_t send(int fd, const void *bytes, size_t length, int flags) {
    sending(fd, bytes, length);
    return REAL(send)(fd, bytes, length, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    sending_vectors(fd, message->msg_iov, message->msg_iovlen);
    return REAL(sendmsg)(fd, message, flags);
}

static ssize_t write_at(int fd, const void *bytes, size_t length, off64_t offset, int seeks) {
    uint64_t inode;
    int kind = kind_of(fd, &inode);
    if (kind != S_IFREG) {
        if (kind == S_IFSOCK) sending(fd, bytes, length);
        return seeks ? REAL(write)(fd, bytes, length) : REAL(pwrite64)(fd, bytes, length, offset);
    }
    pthread_mutex_lock(&order);
    if (seeks) offset = lseek64(fd, 0, fcntl(fd, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR);
    ssize_t written = seeks ? REAL(write)(fd, bytes, length) : REAL(pwrite64)(fd, bytes, length, offset);
    int error = errno;
    if (written > 0) append('W', inode, offset, bytes, written);
    pthread_mutex_unlock(&order);
    errno = error;
    return written;
}

ssize_t write(int fd, const void *bytes, size_t length) { return write_at(fd, bytes, length, 0, 1); }
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return write_at(fd, bytes, length, offset, 0); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) { return write_at(fd, bytes, length, offset, 0); }

ssize_t writev(int fd, const struct iovec *vectors, int count) {
    sending_vectors(fd, vectors, count);
    return REAL(writev)(fd, vectors, count);
}

int ftruncate64(int fd, off64_t length) {
    uint64_t inode;
    if (kind_of(fd, &inode) != S_IFREG) return REAL(ftruncate64)(fd, length);
    pthread_mutex_lock(&order);
    int done = REAL(ftruncate64)(fd, length);
    int error = errno;
    if (done == 0) append('T', inode, length, "", 0);
    pthread_mutex_unlock(&order);
    errno = error;
    return done;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static void wait_at_gate(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!gate || strlen(gate) >= sizeof address.sun_path) return;
    strcpy(address.sun_path, gate);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
        char byte;
        while (read(fd, &byte, 1) < 0 && errno == EINTR) {
        }
    }
    if (fd >= 0) close(fd);
}

/* A directory's entries, as they are while nothing else is recorded. */
static void append_entries(int fd, uint64_t inode) {
    char entries[1 << 16];
    size_t length = 0;
    int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = again < 0 ? NULL : fdopendir(again);
    if (!directory) abort();
    for (struct dirent *entry; (entry = readdir(directory));) {
        uint64_t of = entry->d_ino;
        size_t name = strlen(entry->d_name) + 1;
        if (length + sizeof of + name > sizeof entries) abort();
        memcpy(entries + length, &of, sizeof of);
        memcpy(entries + length + sizeof of, entry->d_name, name);
        length += sizeof of + name;
    }
    closedir(directory);
    append('D', inode, 0, entries, length);
}

static int sync_with(int (*how)(int), int fd) {
    uint64_t inode;
    int kind = kind_of(fd, &inode);
    if (kind != S_IFREG && kind != S_IFDIR) return how(fd);
    wait_at_gate();
    pthread_mutex_lock(&order);
    append('B', inode, 0, "", 0);
    pthread_mutex_unlock(&order);
    int done = how(fd);
    int error = errno;
    pthread_mutex_lock(&order);
    if (done == 0 && kind == S_IFDIR) append_entries(fd, inode);
    if (done == 0 && kind == S_IFREG) append('E', inode, 0, "", 0);
    pthread_mutex_unlock(&order);
    errno = error;
    return done;
}

int fsync(int fd) { return sync_with(REAL(fsync), fd); }
int fdatasync(int fd) { return sync_with(REAL(fdatasync), fd); }

int unlink(const char *path) {
    struct stat status;
    if (record < 0 || stat(path, &status) != 0) return REAL(unlink)(path);
    pthread_mutex_lock(&order);
    append('U', status.st_ino, 0, "", 0);
    int done = REAL(unlink)(path);
    int error = errno;
    pthread_mutex_unlock(&order);
    errno = error;
    return done;
}

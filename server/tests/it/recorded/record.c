/*
 * Preloaded into the server (LD_PRELOAD). Records, in order, what the server does to the files below a directory, and
 * the bytes that it sends through sockets. From the record, disk.rs rebuilds the files that a power loss can leave
 * behind. Also lets chosen calls fail, or kills the process at one.
 *
 *   RECORD_BELOW  the directory, without symbolic links
 *   RECORD_TO     the file to which the record is appended
 *   SYNC_GATE     a Unix socket. While a listener exists there, each sync connects to it and waits until the listener
 *                 sends a byte or closes the connection.
 *   FAULT_PLAN    a file with the calls that fail: see `struct plan`. The test may write it again at any time.
 *
 * An entry has a header of four 64-bit numbers (kind, inode, number, length) and `length` bytes:
 *
 *   P  a process begins
 *   W  the bytes were written at offset `number`
 *   T  the file was truncated or extended to `number` bytes
 *   B  a sync of the file or directory begins
 *   E  the sync has ended
 *   F  the sync has failed
 *   C  a file with the inode `number` was created in the directory under the name
 *   M  a directory with the inode `number` was created in the directory under the name
 *   U  the name was removed from the directory
 *   R  the name was moved from the directory to the directory with the inode `number`: both names, with a NUL between
 *   S  the bytes are about to be sent
 *
 * A call that could change a file without an entry ends the process: `refuse` says why.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

struct header {
    uint64_t kind, inode, number, length;
};

/* The calls below the directory that fail: of those whose class is in `classes`, the first `skipped` succeed, and the
 * next `failing` fail with `error`. The library counts in `seen` and `hit`. Another `generation` starts again. */
struct plan {
    uint64_t generation, classes, skipped, failing, error, effect;
    struct counts {
        uint64_t seen, hit;
    } counts;
};

enum { WRITE = 1, SYNC = 2, RESIZE = 4, OPEN = 8, UNLINK = 16, RENAME = 32, SYNC_DIRECTORY = 64, MKDIR = 128, READ = 256 };
/* The effects of a fault. */
enum { FAIL, SHORT, KILL, FAIL_THEN_KILL };

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static int record = -1, plan_file = -1;
static const char *below, *gate;
static size_t below_length;
static struct plan plan;

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

static void refuse(const char *what) {
    REAL(write)(2, what, strlen(what));
    abort();
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

/* The caller holds `order`. */
static void append(char kind, uint64_t inode, uint64_t number, const void *bytes, uint64_t length) {
    struct header header = {(unsigned char)kind, inode, number, length};
    append_bytes(&header, sizeof header);
    append_bytes(bytes, length);
}

__attribute__((constructor)) static void begin(void) {
    below = getenv("RECORD_BELOW");
    gate = getenv("SYNC_GATE");
    const char *to = getenv("RECORD_TO"), *faults = getenv("FAULT_PLAN");
    if (!below || !to) return;
    below_length = strlen(below);
    record = REAL(open)(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (record < 0) abort();
    append('P', 0, 0, "", 0);
    if (faults) plan_file = REAL(open)(faults, O_RDWR | O_CLOEXEC);
}

/* Whether the next call of this class fails, and how. Sets `errno`. */
static int is_faulty(int class, int *effect) {
    struct plan now;
    if (plan_file < 0 || REAL(pread64)(plan_file, &now, sizeof now, 0) != sizeof now) return 0;
    if (now.generation != plan.generation) plan = now;
    if (plan.effect == FAIL_THEN_KILL && plan.counts.hit > 0 && plan.counts.hit == plan.failing) kill(getpid(), SIGKILL);
    if (!(plan.classes & class)) return 0;
    uint64_t index = plan.counts.seen++;
    int fails = index >= plan.skipped && index - plan.skipped < plan.failing;
    plan.counts.hit += fails;
    if (REAL(pwrite64)(plan_file, &plan.counts, sizeof plan.counts, offsetof(struct plan, counts)) < 0) abort();
    if (!fails) return 0;
    *effect = plan.effect;
    if (plan.effect == KILL) kill(getpid(), SIGKILL);
    errno = plan.error;
    return 1;
}

/* Begins a change of a file or directory, which `END` ends. If the plan says so, the change fails. */
#define BEGIN(class, failed)                             \
    pthread_mutex_lock(&order);                          \
    int effect = FAIL;                                   \
    if (is_faulty(class, &effect) && effect != SHORT) {  \
        int error = errno;                               \
        pthread_mutex_unlock(&order);                    \
        errno = error;                                   \
        return failed;                                   \
    }
#define END(result)                                      \
    int error = errno;                                   \
    pthread_mutex_unlock(&order);                        \
    errno = error;                                       \
    return result

static int is_below(const char *path) {
    return strncmp(path, below, below_length) == 0 && (path[below_length] == '/' || path[below_length] == 0);
}

/* The kind of an open file if it is recorded: S_IFREG, S_IFDIR or S_IFSOCK. Otherwise 0. */
static int kind_of(int fd, uint64_t *inode) {
    struct stat status;
    int saved = errno;
    if (record < 0 || fd < 0 || fd == record || fd == plan_file || fstat(fd, &status) != 0) return errno = saved, 0;
    *inode = status.st_ino;
    int kind = status.st_mode & S_IFMT;
    if (kind == S_IFSOCK) return kind;
    if (kind != S_IFREG && kind != S_IFDIR) return 0;
    char link[64] = "/proc/self/fd/", digits[16], path[PATH_MAX + 1];
    int count = 0;
    for (int rest = fd; count == 0 || rest > 0; rest /= 10) digits[count++] = '0' + rest % 10;
    for (size_t end = strlen(link); count > 0;) link[end++] = digits[--count];
    ssize_t length = readlink(link, path, PATH_MAX);
    errno = saved;
    if (length < 0) return 0;
    path[length] = 0;
    return is_below(path) ? kind : 0;
}

/* A name in a directory. */
struct place {
    uint64_t directory;
    char name[NAME_MAX + 1];
    /* Of what has the name, or 0. */
    uint64_t inode;
    int kind;
};

/* Finds the place of a path that is recorded. */
static int place_of(int at, const char *path, struct place *place) {
    if (record < 0 || !path) return 0;
    char full[PATH_MAX], parent[PATH_MAX];
    struct stat status;
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    if (length == 0 || length >= sizeof full) return 0;
    if (at != AT_FDCWD && path[0] != '/') refuse("record.c: a path relative to a directory\n");
    memcpy(full, path, length);
    full[length] = 0;
    char *slash = strrchr(full, '/');
    const char *name = slash ? slash + 1 : full;
    if (strlen(name) > NAME_MAX) return 0;
    strcpy(place->name, name);
    if (slash) *slash = 0;
    int saved = errno, found = realpath(!slash ? "." : *full ? full : "/", parent) && is_below(parent) && stat(parent, &status) == 0;
    if (found) {
        place->directory = status.st_ino;
        place->inode = 0;
        if (lstat(path, &status) == 0) {
            place->inode = status.st_ino;
            place->kind = status.st_mode & S_IFMT;
        }
    }
    errno = saved;
    return found;
}

static void append_name(char kind, const struct place *place, uint64_t number) {
    append(kind, place->directory, number, place->name, strlen(place->name));
}

/* Bytes that are sent. */

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

/* Contents and lengths. */

static ssize_t write_at(int fd, const void *bytes, size_t length, off64_t offset, int seeks) {
    uint64_t inode;
    int kind = kind_of(fd, &inode);
    if (kind != S_IFREG) {
        if (kind == S_IFSOCK) sending(fd, bytes, length);
        return seeks ? REAL(write)(fd, bytes, length) : REAL(pwrite64)(fd, bytes, length, offset);
    }
    BEGIN(WRITE, -1);
    if (effect == SHORT) length = (length + 1) / 2;
    if (seeks) offset = lseek64(fd, 0, fcntl(fd, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR);
    ssize_t written = seeks ? REAL(write)(fd, bytes, length) : REAL(pwrite64)(fd, bytes, length, offset);
    int saved = errno;
    if (written > 0) append('W', inode, offset, bytes, written);
    errno = saved;
    END(written);
}

ssize_t write(int fd, const void *bytes, size_t length) { return write_at(fd, bytes, length, 0, 1); }
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return write_at(fd, bytes, length, offset, 0); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) { return write_at(fd, bytes, length, offset, 0); }

ssize_t writev(int fd, const struct iovec *vectors, int count) {
    uint64_t inode;
    if (kind_of(fd, &inode) != S_IFREG) {
        sending_vectors(fd, vectors, count);
        return REAL(writev)(fd, vectors, count);
    }
    /* A short write. */
    for (int i = 0; i < count; i++) {
        if (vectors[i].iov_len > 0) return write_at(fd, vectors[i].iov_base, vectors[i].iov_len, 0, 1);
    }
    return 0;
}

ssize_t pread64(int fd, void *bytes, size_t length, off64_t offset) {
    uint64_t inode;
    if (plan_file < 0 || kind_of(fd, &inode) != S_IFREG) return REAL(pread64)(fd, bytes, length, offset);
    BEGIN(READ, -1);
    ssize_t count = REAL(pread64)(fd, bytes, length, offset);
    END(count);
}

ssize_t pread(int fd, void *bytes, size_t length, off_t offset) { return pread64(fd, bytes, length, offset); }

int ftruncate64(int fd, off64_t length) {
    uint64_t inode;
    if (kind_of(fd, &inode) != S_IFREG) return REAL(ftruncate64)(fd, length);
    BEGIN(RESIZE, -1);
    int done = REAL(ftruncate64)(fd, length);
    if (done == 0) append('T', inode, length, "", 0);
    END(done);
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int allocate(int fd, int mode, off64_t offset, off64_t length) {
    uint64_t inode;
    struct stat status;
    if (kind_of(fd, &inode) != S_IFREG) return REAL(fallocate64)(fd, mode, offset, length);
    if (mode & ~FALLOC_FL_KEEP_SIZE) refuse("record.c: fallocate changes bytes\n");
    BEGIN(RESIZE, -1);
    int done = REAL(fallocate64)(fd, mode, offset, length);
    if (done == 0 && !mode && fstat(fd, &status) == 0) append('T', inode, status.st_size, "", 0);
    END(done);
}

int fallocate(int fd, int mode, off_t offset, off_t length) { return allocate(fd, mode, offset, length); }
int fallocate64(int fd, int mode, off64_t offset, off64_t length) { return allocate(fd, mode, offset, length); }
int posix_fallocate(int fd, off_t offset, off_t length) { return allocate(fd, 0, offset, length) == 0 ? 0 : errno; }
int posix_fallocate64(int fd, off64_t offset, off64_t length) { return posix_fallocate(fd, offset, length); }

void *mmap64(void *at, size_t length, int protection, int flags, int fd, off64_t offset) {
    uint64_t inode;
    if (protection & PROT_WRITE && flags & MAP_SHARED && kind_of(fd, &inode) == S_IFREG) {
        refuse("record.c: a file is mapped to be written\n");
    }
    return REAL(mmap64)(at, length, protection, flags, fd, offset);
}

void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
    return mmap64(at, length, protection, flags, fd, offset);
}

static void refuse_if_recorded(int fd, const char *why) {
    uint64_t inode;
    if (kind_of(fd, &inode) == S_IFREG) refuse(why);
}

ssize_t pwritev64(int fd, const struct iovec *vectors, int count, off64_t offset) {
    refuse_if_recorded(fd, "record.c: pwritev\n");
    return REAL(pwritev64)(fd, vectors, count, offset);
}

ssize_t copy_file_range(int from, off64_t *in, int to, off64_t *out, size_t length, unsigned flags) {
    refuse_if_recorded(to, "record.c: copy_file_range\n");
    return REAL(copy_file_range)(from, in, to, out, length, flags);
}

/* Syncs. */

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

static int sync_with(int (*how)(int), int fd) {
    uint64_t inode;
    int kind = kind_of(fd, &inode);
    if (kind != S_IFREG && kind != S_IFDIR) return how(fd);
    wait_at_gate();
    int effect, done = -1;
    pthread_mutex_lock(&order);
    append('B', inode, 0, "", 0);
    int fails = is_faulty(kind == S_IFREG ? SYNC : SYNC_DIRECTORY, &effect), error = errno;
    pthread_mutex_unlock(&order);
    if (!fails) {
        done = how(fd);
        error = errno;
    }
    pthread_mutex_lock(&order);
    append(done == 0 ? 'E' : 'F', inode, 0, "", 0);
    pthread_mutex_unlock(&order);
    errno = error;
    return done;
}

int fsync(int fd) { return sync_with(REAL(fsync), fd); }
int fdatasync(int fd) { return sync_with(REAL(fdatasync), fd); }

/* Names. */

static int open_at(int (*how)(int, const char *, int, ...), int at, const char *path, int flags, mode_t mode) {
    struct place place;
    if (!place_of(at, path, &place)) return how(at, path, flags, mode);
    BEGIN(OPEN, -1);
    int fd = how(at, path, flags, mode);
    struct stat status;
    if (fd >= 0 && flags & O_CREAT && !place.inode && fstat(fd, &status) == 0) append_name('C', &place, status.st_ino);
    if (fd >= 0 && flags & O_TRUNC && place.inode && place.kind == S_IFREG) append('T', place.inode, 0, "", 0);
    END(fd);
}

#define MODE                                   \
    mode_t mode = 0;                           \
    if (flags & (O_CREAT | __O_TMPFILE)) {     \
        va_list rest;                          \
        va_start(rest, flags);                 \
        mode = va_arg(rest, mode_t);           \
        va_end(rest);                          \
    }

int open(const char *path, int flags, ...) { MODE return open_at(REAL(openat), AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE return open_at(REAL(openat64), AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE return open_at(REAL(openat), at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE return open_at(REAL(openat64), at, path, flags, mode); }

int creat(const char *path, mode_t mode) {
    return open_at(REAL(openat), AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int mkdir(const char *path, mode_t mode) {
    struct place place;
    struct stat status;
    if (!place_of(AT_FDCWD, path, &place)) return REAL(mkdir)(path, mode);
    BEGIN(MKDIR, -1);
    int done = REAL(mkdir)(path, mode);
    if (done == 0 && stat(path, &status) == 0) append_name('M', &place, status.st_ino);
    END(done);
}

static int remove_with(int (*how)(const char *), const char *path) {
    struct place place;
    if (!place_of(AT_FDCWD, path, &place)) return how(path);
    BEGIN(UNLINK, -1);
    int done = how(path);
    if (done == 0 && place.kind != S_IFSOCK) append_name('U', &place, 0);
    END(done);
}

int unlink(const char *path) { return remove_with(REAL(unlink), path); }
int rmdir(const char *path) { return remove_with(REAL(rmdir), path); }

#define RENAMED(call, from_at, from, to_at, to)                                              \
    struct place old, new;                                                                   \
    int is_old = place_of(from_at, from, &old), is_new = place_of(to_at, to, &new);          \
    if (!is_old && !is_new) return call;                                                     \
    if (!is_old || !is_new) refuse("record.c: a file is moved in or out\n");                 \
    BEGIN(RENAME, -1);                                                                       \
    int done = call;                                                                         \
    if (done == 0) append_rename(&old, &new);                                                \
    END(done);

static void append_rename(const struct place *old, const struct place *new) {
    char names[2 * NAME_MAX + 2];
    size_t first = strlen(old->name) + 1, second = strlen(new->name);
    memcpy(names, old->name, first);
    memcpy(names + first, new->name, second);
    append('R', old->directory, new->directory, names, first + second);
}

int rename(const char *from, const char *to) { RENAMED(REAL(rename)(from, to), AT_FDCWD, from, AT_FDCWD, to) }

static void refuse_name(int at, const char *path, const char *why) {
    struct place place;
    if (place_of(at, path, &place)) refuse(why);
}

int link(const char *from, const char *to) {
    refuse_name(AT_FDCWD, to, "record.c: link\n");
    return REAL(link)(from, to);
}

int linkat(int at, const char *from, int to_at, const char *to, int flags) {
    refuse_name(to_at, to, "record.c: linkat\n");
    return REAL(linkat)(at, from, to_at, to, flags);
}

int unlinkat(int at, const char *path, int flags) {
    refuse_name(at, path, "record.c: unlinkat\n");
    return REAL(unlinkat)(at, path, flags);
}

int renameat2(int at, const char *from, int to_at, const char *to, unsigned flags) {
    if (flags & RENAME_EXCHANGE) refuse_name(to_at, to, "record.c: two files are exchanged\n");
    RENAMED(REAL(renameat2)(at, from, to_at, to, flags), at, from, to_at, to)
}

int truncate64(const char *path, off64_t length) {
    refuse_name(AT_FDCWD, path, "record.c: truncate\n");
    return REAL(truncate64)(path, length);
}

int truncate(const char *path, off_t length) { return truncate64(path, length); }

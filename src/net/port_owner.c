#include "net/port_owner.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

enum { LISTEN = 0x0a, UNCONNECTED = 0x07 };

/* The inode of the socket bound to the port, from a table such as /proc/net/tcp; 0: none. */
static unsigned long find_inode(const char *table, uint16_t port, unsigned state)
{
    FILE *f = fopen(table, "re");
    char line[512];
    unsigned long found = 0;

    if (!f)
        return 0;
    while (!found && fgets(line, sizeof line, f)) {
        unsigned local_port, st;
        unsigned long inode;
        if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*u %*u %lu", &local_port, &st, &inode) == 3 &&
            local_port == port && st == state)
            found = inode;
    }
    (void)fclose(f);
    return found;
}

static bool holds(const char *pid, const char *wanted)
{
    char path[320], link[64];
    bool found = false;

    (void)snprintf(path, sizeof path, "/proc/%s/fd", pid);
    DIR *dir = opendir(path);
    if (!dir)
        return false;
    for (struct dirent *e; !found && (e = readdir(dir));) {
        (void)snprintf(path, sizeof path, "/proc/%s/fd/%s", pid, e->d_name);
        ssize_t n = readlink(path, link, sizeof link - 1);
        if (n > 0) {
            link[n] = 0;
            found = text_is(text_of(link), wanted);
        }
    }
    (void)closedir(dir);
    return found;
}

static void name_process(const char *pid, char *out, size_t size)
{
    char path[320], name[64] = "?";

    (void)snprintf(path, sizeof path, "/proc/%s/comm", pid);
    FILE *f = fopen(path, "re");
    if (f) {
        if (fgets(name, sizeof name, f))
            name[strcspn(name, "\n")] = 0;
        (void)fclose(f);
    }
    (void)snprintf(out, size, "%s (pid %s)", name, pid);
}

bool port_owner(const struct addr *a, bool is_udp, char *out, size_t size)
{
    const char *tables[] = {is_udp ? "/proc/net/udp" : "/proc/net/tcp", is_udp ? "/proc/net/udp6" : "/proc/net/tcp6"};
    unsigned long inode = 0;
    char wanted[64];
    bool found = false;

    for (size_t i = 0; i < ARRAY_LEN(tables) && !inode; i++)
        inode = find_inode(tables[i], addr_port(a), is_udp ? UNCONNECTED : LISTEN);
    DIR *proc = inode ? opendir("/proc") : NULL;
    if (!proc)
        return false;
    (void)snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
    for (struct dirent *e; !found && (e = readdir(proc));) {
        if (e->d_name[0] >= '0' && e->d_name[0] <= '9' && holds(e->d_name, wanted)) {
            name_process(e->d_name, out, size);
            found = true;
        }
    }
    (void)closedir(proc);
    return found;
}

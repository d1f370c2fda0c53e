/* A plain C loop over UDP ports of 127.0.0.1, as the floor for a sweep. "serve FIRST LAST" answers Binding requests on
   each of them; "ask FIRST LAST" asks each once and prints how many answered and how many seconds that took. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

enum { HEADER = 20, MOST = 2048, PATIENCE_MS = 1000, AT_A_TIME = 16 };

static struct sockaddr_in at(int port) {
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(port)};
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return place;
}

static void answer(int own) {
    unsigned char packet[MOST];
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    if (recvfrom(own, packet, sizeof packet, 0, (struct sockaddr *)&from, &size) < HEADER) return;
    packet[0] = packet[1] = 1; /* Binding success */
    packet[2] = packet[3] = 0;
    sendto(own, packet, HEADER, 0, (struct sockaddr *)&from, size);
}

static int serve(int first, int last) {
    struct rlimit files = {1 << 17, 1 << 17};
    int ready = epoll_create1(0);
    setrlimit(RLIMIT_NOFILE, &files);
    for (int port = first; port <= last; port++) {
        struct sockaddr_in place = at(port);
        int own = socket(AF_INET, SOCK_DGRAM, 0);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = own};
        if (bind(own, (struct sockaddr *)&place, sizeof place) || epoll_ctl(ready, EPOLL_CTL_ADD, own, &event)) {
            perror("floor");
            return 1;
        }
    }
    puts("ready");
    fflush(stdout);
    for (;;) {
        struct epoll_event events[256];
        int count = epoll_wait(ready, events, 256, -1);
        for (int each = 0; each < count; each++) answer(events[each].data.fd);
    }
}

static int take(int own, unsigned char *heard) {
    unsigned char packet[MOST];
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    int more = 0;
    while (recvfrom(own, packet, sizeof packet, MSG_DONTWAIT, (struct sockaddr *)&from, &size) >= HEADER) {
        int port = ntohs(from.sin_port);
        more += !heard[port];
        heard[port] = 1;
    }
    return more;
}

static int ask(int first, int last) {
    static unsigned char heard[1 << 16];
    unsigned char question[HEADER] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 'a', ' ', 'f', 'l', 'o', 'o', 'r'};
    struct timespec began, ended;
    int found = 0, room = 1 << 22, own = socket(AF_INET, SOCK_DGRAM, 0);
    struct pollfd wanted = {.fd = own, .events = POLLIN};
    setsockopt(own, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    clock_gettime(CLOCK_MONOTONIC, &began);
    for (int port = first; port <= last; port++) {
        struct sockaddr_in to = at(port);
        sendto(own, question, sizeof question, 0, (struct sockaddr *)&to, sizeof to);
        if (port % AT_A_TIME == 0) found += take(own, heard);
    }
    while (found <= last - first && poll(&wanted, 1, PATIENCE_MS) > 0) found += take(own, heard);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    printf("%d %.6f\n", found, (ended.tv_sec - began.tv_sec) + (ended.tv_nsec - began.tv_nsec) / 1e9);
    return 0;
}

int main(int count, char **words) {
    if (count != 4) return 2;
    int first = atoi(words[2]), last = atoi(words[3]);
    return strcmp(words[1], "serve") ? ask(first, last) : serve(first, last);
}

// SPDX-License-Identifier: Apache-2.0
// Cases 50 to 58: connections and sockets that an ordinary connect(2) does not show. Loopback only.
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_alg.h>
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "act.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static struct sockaddr_in Loopback(int port) {
  return (struct sockaddr_in){.sin_family = AF_INET,
                              .sin_port = htons((unsigned short)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void FastOpen(void) {
  int port;
  const int listener = Listener(AF_INET, 0, &port);
  const int queue = 5;
  if (setsockopt(listener, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue)) < 0) {
    FailOrNotApplicable("TCP_FASTOPEN");
  }
  Fact("port", "%d", port);
  const struct sockaddr_in address = Loopback(port);
  const int client = (int)Check(socket(AF_INET, SOCK_STREAM, 0), "socket");
  if (sendto(client, "x", 1, MSG_FASTOPEN, (struct sockaddr*)&address, sizeof(address)) < 0) {
    FailOrNotApplicable("MSG_FASTOPEN");
  }
  Check(accept(listener, NULL, NULL), "accept");
}

static void MappedAddress(void) {
  int port;
  Listener(AF_INET, 0, &port);
  Fact("port", "%d", port);
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons((unsigned short)port)};
  inet_pton(AF_INET6, "::ffff:127.0.0.1", &address.sin6_addr);
  const int client = socket(AF_INET6, SOCK_STREAM, 0);
  if (client < 0) FailOrNotApplicable("IPv6 socket");
  Check(connect(client, (struct sockaddr*)&address, sizeof(address)), "connect");
}

static int DatagramReceiver(int* port) {
  const int receiver = (int)Check(socket(AF_INET, SOCK_DGRAM, 0), "socket");
  struct sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  Check(bind(receiver, (struct sockaddr*)&address, size), "bind");
  Check(getsockname(receiver, (struct sockaddr*)&address, &size), "getsockname");
  *port = ntohs(address.sin_port);
  return receiver;
}

static void TwoDestinations(void) {
  int ports[2];
  DatagramReceiver(&ports[0]);
  DatagramReceiver(&ports[1]);
  Fact("port", "%d", ports[0]);
  Fact("port2", "%d", ports[1]);
  struct sockaddr_in addresses[2] = {Loopback(ports[0]), Loopback(ports[1])};
  struct iovec data = {"x", 1};
  struct mmsghdr messages[2] = {0};
  for (int i = 0; i < 2; i++) {
    messages[i].msg_hdr = (struct msghdr){.msg_name = &addresses[i],
                                          .msg_namelen = sizeof(addresses[i]),
                                          .msg_iov = &data,
                                          .msg_iovlen = 1};
  }
  const int sender = (int)Check(socket(AF_INET, SOCK_DGRAM, 0), "socket");
  Check(sendmmsg(sender, messages, 2, 0), "sendmmsg");
}

static void RawSocket(void) {
  const int raw = (int)Check(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), "socket");
  const struct icmphdr echo = {.type = ICMP_ECHO, .checksum = htons(0xf7ff)};
  const struct sockaddr_in address = Loopback(0);
  Check(sendto(raw, &echo, sizeof(echo), 0, (struct sockaddr*)&address, sizeof(address)), "sendto");
}

static void PacketSocket(void) {
  const int packet = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
  if (packet < 0) FailOrNotApplicable("packet socket");
}

static void MultipathTcp(void) {
  int port;
  Listener(AF_INET, IPPROTO_MPTCP, &port);
  Fact("port", "%d", port);
  const struct sockaddr_in address = Loopback(port);
  const int client = (int)Check(socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP), "socket");
  Check(connect(client, (struct sockaddr*)&address, sizeof(address)), "connect");
}

static void AbstractSocket(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const int length =
      snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "vakt-evasion-%d", getpid());
  const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
  Fact("name", "%s", address.sun_path + 1);
  const int listener = (int)Check(socket(AF_UNIX, SOCK_STREAM, 0), "socket");
  Check(bind(listener, (struct sockaddr*)&address, size), "bind");
  Check(listen(listener, 1), "listen");
  const int client = (int)Check(socket(AF_UNIX, SOCK_STREAM, 0), "socket");
  Check(connect(client, (struct sockaddr*)&address, size), "connect");
}

// Each family that this kernel has; at least one.
static void OddFamilies(void) {
  const struct {
    int family, type, protocol;
  } sockets[] = {{AF_VSOCK, SOCK_STREAM, 0},
                 {AF_NETLINK, SOCK_RAW, NETLINK_AUDIT},
                 {AF_ALG, SOCK_SEQPACKET, 0}};
  int made = 0;
  for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
    if (socket(sockets[i].family, sockets[i].type, sockets[i].protocol) >= 0) made++;
  }
  Fact("made", "%d", made);
  if (made == 0) NotApplicable("none of vsock, netlink and AF_ALG exists");
}

// Port 53 in a network namespace of its own.
static void NameQueryOverTcp(void) {
  Check(unshare(CLONE_NEWNET), "unshare");
  struct ifreq loopback = {.ifr_name = "lo"};
  const int control = (int)Check(socket(AF_INET, SOCK_DGRAM, 0), "socket");
  Check(ioctl(control, SIOCGIFFLAGS, &loopback), "SIOCGIFFLAGS");
  loopback.ifr_flags |= IFF_UP;
  Check(ioctl(control, SIOCSIFFLAGS, &loopback), "SIOCSIFFLAGS");
  const int listener = (int)Check(socket(AF_INET, SOCK_STREAM, 0), "socket");
  const struct sockaddr_in address = Loopback(53);
  Check(bind(listener, (struct sockaddr*)&address, sizeof(address)), "bind");
  Check(listen(listener, 1), "listen");
  const int client = (int)Check(socket(AF_INET, SOCK_STREAM, 0), "socket");
  Check(connect(client, (struct sockaddr*)&address, sizeof(address)), "connect");
}

const struct act kNetworkActs[] = {
    {50, FastOpen},         {51, MappedAddress}, {52, TwoDestinations}, {53, RawSocket},
    {54, PacketSocket},     {55, MultipathTcp},  {56, AbstractSocket},  {57, OddFamilies},
    {58, NameQueryOverTcp}, {0, NULL},
};

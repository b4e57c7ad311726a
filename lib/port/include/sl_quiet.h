// Makes the kernel deaf on a netdev whose frames it would otherwise handle a second time.
//
// A packet socket gets copies: the kernel still answers ARP for the port's addresses (they are
// local, on the mirror) and resets connections to VIPs. An nftables chain at the netdev's ingress
// that drops everything comes after the packet sockets and before the stack.
//
// Owner:   sl_quiet_on() returns a netlink socket; the table belongs to it (NFT_TABLE_F_OWNER), so
// that
//          closing it, or the death of the process, removes the table.
// Threads: control.
// Errors:  negative errno: -EPERM, -EOPNOTSUPP (kernel before 5.12 or without nf_tables for
// netdev).
#pragma once

int sl_quiet_on(const char *ifname);
void sl_quiet_off(int fd); // -1 is fine

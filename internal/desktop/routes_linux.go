package desktop

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// watchRoutes reports new addresses and default routes, as the kernel tells
// them (rtnetlink(7)). Without netlink, as in some sandboxes, it ends: the
// session's own loop finds out a little later.
func watchRoutes(ctx context.Context, report func(Wake)) {
	socket, err := openRoutes()
	if err != nil {
		return
	}
	stop := context.AfterFunc(ctx, func() { socket.Close() })
	defer stop()
	defer socket.Close()
	known := make(map[netip.Addr]bool)
	buffer := make([]byte, 64<<10)
	for {
		n, err := socket.Read(buffer)
		switch {
		case errors.Is(err, unix.ENOBUFS):
			report(Wake{Network: true}) // so much changed that some was lost
		case err != nil:
			return
		case routesChanged(buffer[:n], known):
			report(Wake{Network: true})
		}
	}
}

// openRoutes subscribes. The file reads through Go's poller, so a goroutine
// that waits on it costs no thread.
func openRoutes() (*os.File, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	groups := uint32(unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR | unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV6_ROUTE)
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("bind", err)
	}
	return os.NewFile(uintptr(fd), "rtnetlink"), nil
}

// routesChanged tells whether the messages bring a way into the network that
// was not there. known is kept across calls: IPv6 routers have an address's
// life prolonged every few minutes, and that is no news.
func routesChanged(data []byte, known map[netip.Addr]bool) bool {
	messages, err := syscall.ParseNetlinkMessage(data)
	if err != nil {
		return true // cannot be read: better once too often
	}
	changed := false
	for i := range messages {
		m := &messages[i]
		switch m.Header.Type {
		case unix.RTM_NEWADDR, unix.RTM_DELADDR:
			address, ok := addressOf(m)
			if !ok || address.IsLoopback() || address.IsLinkLocalUnicast() {
				continue
			}
			if m.Header.Type == unix.RTM_DELADDR {
				delete(known, address)
			} else if !known[address] {
				known[address] = true
				changed = true
			}
		case unix.RTM_NEWROUTE:
			// struct rtmsg: family, dst_len, src_len, tos, table. A default
			// route has a destination of no bits.
			if len(m.Data) >= unix.SizeofRtMsg && m.Data[1] == 0 && m.Data[4] == unix.RT_TABLE_MAIN {
				changed = true
			}
		}
	}
	return changed
}

func addressOf(m *syscall.NetlinkMessage) (netip.Addr, bool) {
	if len(m.Data) < unix.SizeofIfAddrmsg {
		return netip.Addr{}, false // ParseNetlinkRouteAttr would panic
	}
	attributes, err := syscall.ParseNetlinkRouteAttr(m)
	if err != nil {
		return netip.Addr{}, false
	}
	var found netip.Addr
	for _, a := range attributes {
		address, ok := netip.AddrFromSlice(a.Value)
		switch {
		case a.Attr.Type == unix.IFA_LOCAL && ok: // ours, on a point-to-point link
			return address, true
		case a.Attr.Type == unix.IFA_ADDRESS && ok:
			found = address
		}
	}
	return found, found.IsValid()
}

package desktop

import (
	"net/netip"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The kernel's own messages: what it answers to a dump has the same form as
// what it tells when something changes.
func TestRoutesFromTheKernel(t *testing.T) {
	dump, err := syscall.NetlinkRIB(unix.RTM_GETADDR, unix.AF_UNSPEC)
	if err != nil {
		t.Fatalf("netlink: %v", err)
	}
	messages, err := syscall.ParseNetlinkMessage(dump)
	if err != nil {
		t.Fatal(err)
	}
	loopback := false
	for i := range messages {
		if messages[i].Header.Type == unix.RTM_NEWADDR {
			address, ok := addressOf(&messages[i])
			if !ok {
				t.Error("an address message without an address")
			}
			loopback = loopback || address == netip.MustParseAddr("127.0.0.1")
		}
	}
	if !loopback {
		t.Error("127.0.0.1 was not among the addresses")
	}
	socket, err := openRoutes()
	if err != nil {
		t.Fatalf("routing messages: %v", err)
	}
	socket.Close()
}

// addressMessage is an RTM_NEWADDR or RTM_DELADDR as rtnetlink(7) has it.
func addressMessage(kind uint16, address string) []byte {
	ip := netip.MustParseAddr(address).AsSlice()
	return message(kind, append([]byte{unix.AF_INET, 24, 0, 0, 2, 0, 0, 0, byte(4 + len(ip)), 0, unix.IFA_ADDRESS, 0}, ip...))
}

func message(kind uint16, data []byte) []byte {
	length := 16 + len(data)
	data = append(data, make([]byte, -len(data)&3)...) // NLMSG_ALIGN
	return append([]byte{byte(length), byte(length >> 8), 0, 0, byte(kind), byte(kind >> 8), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, data...)
}

func route(bits, table byte) []byte {
	return message(unix.RTM_NEWROUTE, []byte{unix.AF_INET, bits, 0, 0, table, 0, 0, 0, 0, 0, 0, 0})
}

func TestRoutesChanged(t *testing.T) {
	known := make(map[netip.Addr]bool)
	for _, c := range []struct {
		name string
		data []byte
		want bool
	}{
		{"new address", addressMessage(unix.RTM_NEWADDR, "192.0.2.7"), true},
		{"its life prolonged", addressMessage(unix.RTM_NEWADDR, "192.0.2.7"), false},
		{"gone", addressMessage(unix.RTM_DELADDR, "192.0.2.7"), false},
		{"back", addressMessage(unix.RTM_NEWADDR, "192.0.2.7"), true},
		{"loopback", addressMessage(unix.RTM_NEWADDR, "127.0.0.2"), false},
		{"link-local", addressMessage(unix.RTM_NEWADDR, "fe80::1"), false},
		{"global v6", addressMessage(unix.RTM_NEWADDR, "2001:db8::1"), true},
		{"default route", route(0, unix.RT_TABLE_MAIN), true},
		{"other route", route(24, unix.RT_TABLE_MAIN), false},
		{"local table", route(0, unix.RT_TABLE_LOCAL), false},
		{"two in one", append(route(24, unix.RT_TABLE_MAIN), route(0, unix.RT_TABLE_MAIN)...), true},
		{"short", message(unix.RTM_NEWROUTE, []byte{2}), false},
		{"short address", message(unix.RTM_NEWADDR, []byte{2}), false},
	} {
		if got := routesChanged(c.data, known); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

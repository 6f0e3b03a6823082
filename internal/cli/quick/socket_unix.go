//go:build !windows

package quick

import (
	"os"
	"runtime"
	"syscall"
)

// socketMax is the longest path that agent.HomeFromEnv takes for a socket.
const socketMax = 103

// answerMax bounds an answer; a larger one is left to package cli.
const answerMax = 8 << 20

// socket is the path of the agent's socket in the plain cases, as agent.HomeFromEnv finds it in all of them.
func socket(getenv func(string) string) string {
	var path string
	login := "/run/user/" + decimal(syscall.Getuid()) // see agent.HomeFromEnv
	switch {
	case getenv("FOB_SOCKET") != "":
		path = getenv("FOB_SOCKET")
	case getenv("FOB_HOME") != "":
		path = getenv("FOB_HOME") + "/run/agent.sock"
	case absolute(getenv("XDG_RUNTIME_DIR")):
		path = getenv("XDG_RUNTIME_DIR") + "/fob/agent.sock"
	case runtime.GOOS == "linux" && directory(login):
		path = login + "/fob/agent.sock"
	case runtime.GOOS == "darwin":
		path = getenv("HOME") + "/Library/Application Support/fob/run/agent.sock"
	case absolute(getenv("XDG_DATA_HOME")):
		path = getenv("XDG_DATA_HOME") + "/fob/run/agent.sock"
	default:
		path = getenv("HOME") + "/.local/share/fob/run/agent.sock"
	}
	if !absolute(path) || len(path) > socketMax {
		return ""
	}
	for i := range len(path) - 1 {
		if path[i] == '/' && (path[i+1] == '/' || path[i+1] == '.') { // perhaps not clean
			return ""
		}
	}
	return path
}

func directory(path string) bool {
	var stat syscall.Stat_t
	return syscall.Stat(path, &stat) == nil && stat.Mode&syscall.S_IFMT == syscall.S_IFDIR
}

func absolute(path string) bool { return path != "" && path[0] == '/' }

// ours says that path is of that kind and belongs to this user. In a directory of somebody else's the socket could change
// under us.
func ours(path string, kind uint32) bool {
	var info syscall.Stat_t
	return syscall.Lstat(path, &info) == nil && uint32(info.Mode)&syscall.S_IFMT == kind && int(info.Uid) == os.Getuid()
}

// exchange writes one request to the socket, when that is this user's, and reads the answer to its end; nil when something is in
// the way or the agent lets it wait for that many milliseconds. Blocking system calls, because the network poller takes longer to
// set up than the whole exchange.
func exchange(path, request string, patience int64) []byte {
	if path == "" || !ours(path[:len(path)-len("/agent.sock")], syscall.S_IFDIR) || !ours(path, syscall.S_IFSOCK) {
		return nil
	}
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil
	}
	defer syscall.Close(fd)
	syscall.CloseOnExec(fd)
	limit := syscall.NsecToTimeval(patience * 1e6)
	for _, option := range [...]int{syscall.SO_RCVTIMEO, syscall.SO_SNDTIMEO} { // the latter is for the connection, too
		if syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, option, &limit) != nil {
			return nil
		}
	}
	if syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}) != nil {
		return nil
	}
	for out := []byte(request); len(out) > 0; {
		n, err := syscall.Write(fd, out)
		if err != nil && err != syscall.EINTR {
			return nil
		}
		out = out[max(n, 0):]
	}
	in := make([]byte, 0, 8<<10) // a token and its head, without growing
	for len(in) < answerMax {
		if cap(in)-len(in) < 1<<10 {
			in = append(make([]byte, 0, 2*cap(in)), in...)
		}
		n, err := syscall.Read(fd, in[len(in):cap(in)])
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return nil
		case n == 0:
			return in
		default:
			in = in[:len(in)+n]
		}
	}
	return nil
}

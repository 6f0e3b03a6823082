// Onesocket is what `fob token` is measured against: a Go program that makes one request over a Unix socket, prints the
// answer's body, and is nothing else. Its arguments are the socket and the body of the request.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
)

func main() {
	conn, err := net.Dial("unix", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintf(conn, "POST /v1/token HTTP/1.0\r\nHost: fob\r\nContent-Length: %d\r\n\r\n%s", len(os.Args[2]), os.Args[2])
	answer, err := io.ReadAll(conn)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_, body, _ := bytes.Cut(answer, []byte("\r\n\r\n"))
	os.Stdout.Write(body)
}

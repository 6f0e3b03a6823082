package agent

import (
	"context"
	"io"
)

// Exchange writes one request to the agent's pipe and reads the answer to its end. It is for the one caller that cannot
// wait for an HTTP client to be set up: `fob token`.
func Exchange(home Home, request []byte) (answer []byte, err error) {
	conn, err := dial(context.Background(), home)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if _, err := conn.Write(request); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(conn, exchangeMax))
}

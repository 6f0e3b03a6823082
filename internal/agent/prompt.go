package agent

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
)

// PromptRequest asks for the segment of a shell's prompt.
type PromptRequest struct {
	Name  string `json:"name,omitempty"`  // "" is whatever waits for a person
	Color string `json:"color,omitempty"` // for which shell; "" is none
}

// promptMax is far beyond what fits into a line.
const promptMax = 4 << 10

// Prompt returns the segment, with a newline, or "".
func (c *Client) Prompt(ctx context.Context, r PromptRequest) (string, error) {
	response, err := c.do(ctx, http.MethodPost, "prompt", r)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, promptMax))
	return string(text), err
}

// prompt answers in plain text, so that whoever asks has nothing to parse.
func (s *Server) prompt(w http.ResponseWriter, r *http.Request) {
	var q PromptRequest
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, promptMax)).Decode(&q)
	if err != nil {
		s.reply(w, r, nil, badRequest())
		return
	}
	all, err := s.engine.Status()
	if err != nil {
		s.reply(w, r, nil, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, s.options.Prompt(all, q)) // a client that went away needs no answer
}

package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// maxDepth of nested JSON: what these protocols define needs five.
const maxDepth = 64

// decodeObject reads one JSON object. Unlike encoding/json it refuses a member
// that appears twice, at any depth (RFC 8259 section 4 calls the outcome
// unpredictable, RFC 7519 section 4 lets a JWT with one be rejected), and
// never matches a name in another case. Numbers are json.Number.
func decodeObject(data []byte) (map[string]any, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // RFC 8259 section 8.1 allows to ignore a BOM
	if !json.Valid(data) {
		var object map[string]json.RawMessage
		if err := json.NewDecoder(bytes.NewReader(data)).Decode(&object); errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("%w: it ends too early: %w", ErrNotJSON, err) // cut on the way, so Transient
		}
		return nil, ErrNotJSON
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return nil, ErrNotJSON
	}
	return decodeMembers(dec, 1)
}

func decodeMembers(dec *json.Decoder, depth int) (map[string]any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: nested deeper than %d", ErrNotJSON, maxDepth)
	}
	obj := make(map[string]any)
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return nil, ErrNotJSON
		}
		name, ok := tok.(string)
		if !ok {
			return nil, ErrNotJSON
		}
		if _, twice := obj[name]; twice {
			return nil, fmt.Errorf("%w: a member appears twice: %s", ErrNotJSON, clean(name, maxCode))
		}
		if obj[name], err = decodeValue(dec, depth); err != nil {
			return nil, err
		}
	}
	_, err := dec.Token()
	return obj, err
}

func decodeValue(dec *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: nested deeper than %d", ErrNotJSON, maxDepth)
	}
	tok, err := dec.Token()
	if err == io.EOF {
		return nil, ErrNotJSON
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotJSON, err)
	}
	switch tok {
	case json.Delim('{'):
		return decodeMembers(dec, depth+1)
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			v, err := decodeValue(dec, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := dec.Token()
		return list, err
	}
	return tok, nil
}

// text returns a member that is a string, else "".
func text(obj map[string]any, name string) string {
	s, _ := obj[name].(string)
	return s
}

// texts returns a member that is a string or a list of strings. Elements of
// another type are left out.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []string:
		return v
	case []any:
		list := make([]string, 0, len(v))
		for _, e := range v {
			if s, ok := e.(string); ok {
				list = append(list, s)
			}
		}
		return list
	}
	return nil
}

// number reads a JSON number, or a string that holds one: several servers
// send "3600" for expires_in.
func number(v any) (float64, bool) {
	var n json.Number
	switch v := v.(type) {
	case json.Number:
		n = v
	case string:
		n = json.Number(strings.TrimSpace(v))
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	case int64:
		return float64(v), true
	case int:
		return float64(v), true
	default:
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}

// NumericDate reads a claim that is a time (exp, iat, nbf, auth_time,
// updated_at): seconds since 1970 (RFC 7519 section 2). It takes the
// json.Number that this package puts into claims and the float64 that
// encoding/json makes of it on a second reading.
func NumericDate(claim any) (time.Time, bool) {
	if _, isText := claim.(string); isText {
		return time.Time{}, false
	}
	f, ok := number(claim)
	const year9999 = 253402300799
	if !ok || f < 0 || f > year9999 {
		return time.Time{}, false
	}
	sec, frac := math.Modf(f)
	return time.Unix(int64(sec), int64(frac*1e9)), true
}

package oauth

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// Rich authorization requests (RFC 9396).

// readDetails reads authorization_details: a JSON array of objects, each with
// a type (section 2).
func readDetails(raw []byte) ([]map[string]any, bool) {
	wrapped, err := decodeObject(slices.Concat([]byte(`{"d":`), raw, []byte(`}`)))
	list, ok := wrapped["d"].([]any)
	if err != nil || !ok || len(wrapped) != 1 {
		return nil, false
	}
	details := make([]map[string]any, 0, len(list))
	for _, e := range list {
		obj, ok := e.(map[string]any)
		if !ok || text(obj, "type") == "" {
			return nil, false
		}
		details = append(details, obj)
	}
	return details, true
}

func (c *Client) checkDetails(raw json.RawMessage) error {
	if len(raw) == 0 {
		return nil
	}
	details, ok := readDetails(raw)
	if !ok || len(details) == 0 {
		return requestError("authorization_details is not a JSON array of objects that each have a type")
	}
	for _, d := range details {
		if t := text(d, "type"); c.Metadata != nil && !allows(c.Metadata.AuthorizationDetailsTypesSupported, t) {
			return requestError("the server lists its types of authorization_details, and " + clean(t, maxURI) + " is not among them")
		}
	}
	return nil
}

// grantedDetails takes authorization_details out of an answer.
func grantedDetails(obj map[string]any) json.RawMessage {
	list, ok := obj["authorization_details"].([]any)
	if !ok {
		return nil
	}
	delete(obj, "authorization_details")
	raw, err := json.Marshal(list)
	if err != nil {
		return nil
	}
	return raw
}

// compareDetails says how what was granted differs from what was asked for
// (section 7). A server may add to a detail ("enrich" it), give less, and
// leave one out.
func compareDetails(asked, granted json.RawMessage) Check {
	check := Check{Name: "authorization_details", Spec: "RFC 9396 7"}
	want, _ := readDetails(asked)
	got, ok := readDetails(granted)
	switch {
	case len(bytes.TrimSpace(granted)) == 0:
		check.Detail = "the server does not say what it granted"
		return check
	case !ok:
		check.Detail = "what the server granted is not a list of details with types"
		return check
	case reflect.DeepEqual(want, got):
		check.OK, check.Detail = true, "granted as requested"
		return check
	}
	var missing, added []string
	for _, d := range want {
		if t := text(d, "type"); !hasType(got, t) {
			missing = append(missing, t)
		}
	}
	for _, d := range got {
		if t := text(d, "type"); !hasType(want, t) {
			added = append(added, t)
		}
	}
	switch {
	case len(missing) > 0:
		check.Detail = "not granted: " + clean(strings.Join(unique(missing), ", "), maxDescription)
	case len(added) > 0:
		check.Detail = "granted, though not requested: " + clean(strings.Join(unique(added), ", "), maxDescription)
	default:
		check.OK, check.Detail = true, "the requested types, with other values than requested"
	}
	return check
}

func hasType(list []map[string]any, t string) bool {
	return slices.ContainsFunc(list, func(d map[string]any) bool { return text(d, "type") == t })
}

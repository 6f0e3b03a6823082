package profiles

// Problem is what is wrong with one field of a profile.
type Problem struct {
	Key     string `json:"key"`
	Message string `json:"message"` // what is wrong and what would be right
}

// Error is the field and what is wrong with it.
func (p Problem) Error() string { return p.Key + ": " + p.Message }

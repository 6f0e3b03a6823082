package agent

// exchangeMax bounds the answer that [Exchange] reads: more than any token set.
const exchangeMax = 8 << 20

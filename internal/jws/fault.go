package jws

// A Fault is what is wrong with a token before its signature is checked: the Reason
// that package gate gives for it.
type Fault string

const (
	ErrTooLarge          Fault = "too_large" // over the size, depth or member limit
	ErrSegments          Fault = "segments"
	ErrMoreSegments      Fault = "segments_extra"
	ErrHeaderEncoding    Fault = "header_encoding"
	ErrPayloadEncoding   Fault = "payload_encoding"
	ErrSignatureEncoding Fault = "signature_encoding"
	ErrSignatureLength   Fault = "signature_length"
	ErrHeaderJSON        Fault = "header_json"
	ErrHeaderObject      Fault = "header_object"
	ErrPayloadEmpty      Fault = "payload_empty"
	ErrAlgMissing        Fault = "alg_missing"
	ErrAlgType           Fault = "alg_type"
	ErrKeyIDType         Fault = "kid_type"
	ErrTypeType          Fault = "typ_type"
	ErrCritical          Fault = "crit"        // names an extension that is not understood
	ErrCriticalEmpty     Fault = "crit_empty"  // not a list with entries
	ErrCriticalType      Fault = "crit_type"   // holds a value that is not a string
	ErrCriticalAbsent    Fault = "crit_absent" // names a member that is absent
	ErrUnencoded         Fault = "b64"
	ErrCompressed        Fault = "zip"
	ErrNested            Fault = "cty" // announces a nested token
)

func (f Fault) Error() string { return "jws: malformed token (" + string(f) + ")" }

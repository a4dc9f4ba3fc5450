package attacks_test

import (
	"errors"

	"github.com/jwtgate/gate"
)

// classes maps the reasons of gate.Error to the corpus' names for kinds of refusal.
var classes = map[string]string{
	"too_large": "too_large", "body_too_large": "too_large",
	"alg_mismatch": "algorithm_not_allowed", "alg_missing": "malformed", "alg_type": "malformed",
	"key_unknown": "key_not_found", "key_ambiguous": "key_not_found",
	"signature": "signature_invalid", "signature_length": "signature_invalid",
	"crit": "header_critical", "crit_empty": "header_critical", "crit_type": "header_critical", "crit_absent": "header_critical", "b64": "header_critical",
	"zip": "header_forbidden", "cty": "header_forbidden",
	"claim_missing": "claim_missing", "exp_missing": "claim_missing",
	"exp_type": "claim_type", "nbf_type": "claim_type", "iat_type": "claim_type", "iss_type": "claim_type", "aud_type": "claim_type",
	"sub_type": "claim_type", "jti_type": "claim_type", "sid_type": "claim_type", "type_type": "claim_type", "fresh_type": "claim_type",
	"csrf_claim_type": "claim_type", "exp_far": "claim_type",
	"expired": "expired", "nbf_future": "not_yet_valid", "iat_future": "issued_in_future",
	"aud_missing": "audience_mismatch", "aud_mismatch": "audience_mismatch",
	"iss_missing": "issuer_mismatch", "iss_mismatch": "issuer_mismatch",
	"typ_mismatch": "wrong_token_type", "access_wanted": "wrong_token_type", "refresh_wanted": "wrong_token_type",
	"not_fresh": "fresh_required", "revoked": "revoked",
	"csrf_missing": "csrf_missing", "csrf_claim_missing": "csrf_missing", "csrf_mismatch": "csrf_mismatch",
	"ambiguous": "ambiguous_token", "body_content_type": "bad_request",
}

// classOf names the kind of a refusal as the corpus does.
func classOf(err error) string {
	var e *gate.Error
	switch {
	case err == nil:
		return ""
	case errors.Is(err, errNetHTTP):
		return "bad_request"
	case !errors.As(err, &e):
		return "revocation_unavailable"
	case errors.Is(err, gate.ErrMissing):
		return "no_token"
	}
	if c, ok := classes[e.Reason]; ok {
		return c
	}
	return "malformed"
}

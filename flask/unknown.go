package flask

import "fmt"

// former has the options of older versions, and what to do without them.
var former = map[string]string{
	"JWT_BLACKLIST_ENABLED":       "set Config.Blocklist, which is asked whenever it is set",
	"JWT_BLACKLIST_TOKEN_CHECKS":  "Config.Blocklist is asked about access and refresh tokens",
	"JWT_CLAIMS_IN_REFRESH_TOKEN": "add claims to refresh tokens with TokenOptions.Claims or Config.Prepare",
	"JWT_USER_CLAIMS":             "claims of the application are at the top level of the token",
}

// unknown is the error for a name that is no option.
func unknown(name string) error {
	if hint := former[name]; hint != "" {
		return fmt.Errorf("flask: %s is an option of version 3 of Flask-JWT-Extended; remove it: %s", name, hint)
	}
	if near := nearest(name); near != "" {
		return fmt.Errorf("flask: %s is not an option of Flask-JWT-Extended; did you mean %s?", name, near)
	}
	return fmt.Errorf("flask: %s is not an option of Flask-JWT-Extended", name)
}

// nearest returns the option that name is at most two typing errors away from, or "".
func nearest(name string) string {
	best, found := 3, ""
	for option := range table {
		if d := distance(name, option); d < best || d == best && option < found {
			best, found = d, option
		}
	}
	return found
}

// distance is the Levenshtein distance of two ASCII strings.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
